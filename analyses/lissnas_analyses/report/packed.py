"""The texts that a page contains in compressed form: figures, their data, and maps."""

import base64
import gzip


class Packed:
    """Collects the texts, by the id of the element that has them in the page."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}

    def add(self, text: bytes, name: str = "") -> str:
        """Add a text, and return the id of its element."""
        name = name or f"packed-{len(self.texts)}"
        self.texts[name] = text
        return name

    @property
    def html(self) -> str:
        """The elements of all texts."""
        return "\n".join(
            f'<script type="text/plain" id="{name}">{_compressed(text)}</script>' for name, text in self.texts.items()
        )


_LEVEL = 7
"""Level of compression: 9 takes more than twice as long for a report that is 1 % smaller."""


def _compressed(text: bytes) -> str:
    return base64.b64encode(gzip.compress(text, _LEVEL, mtime=0)).decode()
