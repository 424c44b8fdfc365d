"""Writes pickles of objects whose classes are not here, such as those of pandas 1."""

import pickle
from typing import Any

import numpy as np


class Part:
    """Pickles as an object of a class: its name, its arguments or nothing, and a state."""

    def __init__(self, name: str, arguments: object = None, state: object = None) -> None:
        self.name, self.arguments, self.state = name, arguments, state


class Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """A pickler that writes a `Part` as what it stands for."""

    def save(self, part: object, save_persistent_id: bool = True) -> None:
        """Write an object."""
        if not isinstance(part, Part):
            super().save(part, save_persistent_id)
            return
        module, _, name = part.name.rpartition(".")
        self.write(f"c{module}\n{name}\n".encode())
        if part.arguments is not None or part.state is not None:
            super().save(part.arguments or ())
            self.write(b"\x81" if part.arguments is None else b"R")
        if part.state is not None:
            super().save(part.state)
            self.write(b"b")


def pickled_array(values: Any, shape: tuple[int, ...], kind: str) -> Part:
    """Return an array of numbers, or of texts if the kind is "O8", as NumPy pickles it."""
    of_text = kind == "O8"
    flags = (3, "|" if of_text else "<", None, None, None, -1, -1, 63 if of_text else 0)
    data = values if of_text else np.array(values, dtype=kind).tobytes()
    state = (1, shape, Part("numpy.dtype", (kind, False, True), flags), False, data)
    return Part("numpy.core.multiarray._reconstruct", (Part("numpy.ndarray"), (0,), b"b"), state)
