"""RunIdentity: what distinguishes runs, so that a run resumes from its own files and refuses those of other runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lissnas.errors import LissnasError

OWN_FILE = "give each run its own file or folder"
"""What to do about a file of another run, if nothing else helps."""

_LEVELS = 8
"""Maximum number of nested dicts whose fields are compared one by one; deeper ones are compared as one value."""


@dataclass(frozen=True)
class RunIdentity:
    """What the results of a run depend on. A file stores it, and a run with another identity refuses the file.

    A field that does not apply is empty. A value that JSON does not support is stored as a string.

    Attributes
    ----------
    space
        Name of the search space.
    method
        What is run: the class of a shrinker or optimizer, a sampler of paths, the command of an analysis.
    settings
        The settings of the method; dicts may be nested.
    seed
        The seed, or a digest of the state of the random generator.
    data
        What the run reads, by descriptions or checksums: images, weights, columns of a table.
    version
        Version of lissnas, where files of another version are refused.

    Examples
    --------
    >>> identity = RunIdentity(space="macro", method="Lissnas", settings={"seeds": 5}, seed=0)
    >>> identity.to_json()
    {'space': 'macro', 'method': 'Lissnas', 'settings': {'seeds': 5}, 'seed': 0}
    """

    space: str = ""
    method: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int | str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the identity as JSON reads it back; empty fields are left out."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        filled = {name: value for name, value in values.items() if value not in ("", None, {})}
        decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(filled, enc_hook=_plain))
        return decoded

    def check(
        self, path: Path, identity: object, error: type[LissnasError] = LissnasError, remedy: str = OWN_FILE
    ) -> None:
        """Raise `error` unless a file belongs to this run.

        Parameters
        ----------
        path
            The file.
        identity
            The identity in the file, as `to_json` returned it.
        error
            The class of the error.
        remedy
            What to do about a file of another run.
        """
        theirs, ours = _flat(identity), _flat(self.to_json())
        for name in ours | theirs:
            if theirs.get(name) != ours.get(name):
                raise error(another_run(path, name, theirs.get(name), ours.get(name), remedy))


def another_run(path: Path, name: str, theirs: object, ours: object, remedy: str = OWN_FILE) -> str:
    """Return the message that a file or folder belongs to another run: the first difference, and the way out.

    Parameters
    ----------
    path
        The file or folder.
    name
        The setting or fact in which the runs differ.
    theirs, ours
        Its value in that run and in this one; None if a run has none.
    remedy
        What to do.
    """
    there, here = ("not set" if value is None else value for value in (theirs, ours))
    return f"{path}: belongs to another run, in which {name} is {there}; in this run it is {here}; {remedy}"


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as a number, anything else as a string."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _flat(value: object, name: str = "", levels: int = _LEVELS) -> dict[str, Any]:
    """Return nested dicts as one dict, with names joined by dots."""
    if not isinstance(value, dict) or not levels or (name and not value):
        return {name: value}
    nested = (_flat(below, f"{name}.{key}" if name else str(key), levels - 1) for key, below in value.items())
    return {key: below for part in nested for key, below in part.items()}
