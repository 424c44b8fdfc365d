"""What a folder has: its files by their content, to compare a disturbed run with an undisturbed one."""

import json
from pathlib import Path
from typing import Any

_RUN = ("finished", "wall_seconds", "command", "platform", "git_commit")
"""Keys of a manifest that differ between equal runs."""


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder; manifests without what differs between equal runs."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            name = str(path.relative_to(folder))
            files[name] = _comparable(content) if path.name == "manifest.json" else content
        else:
            files[f"{path.relative_to(folder)}/"] = b""
    return files


def _comparable(manifest: bytes) -> bytes:
    decoded: dict[str, Any] = json.loads(manifest)
    return json.dumps({key: value for key, value in decoded.items() if key not in _RUN}).encode()


def difference(found: dict[str, bytes], expected: dict[str, bytes]) -> str:
    """Return which files differ, "" if none."""
    left = sorted(set(found) - set(expected))
    missing = sorted(set(expected) - set(found))
    other = sorted(name for name in set(found) & set(expected) if found[name] != expected[name])
    parts = {"left over": left, "missing": missing, "different": other}
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)
