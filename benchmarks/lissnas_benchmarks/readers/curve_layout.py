"""Find each split's learning curve in a run's dictionary of numbers, by the names that the authors gave its keys."""

from collections.abc import Sequence

import numpy as np
from lissnas.spaces.space import Indices

from lissnas_benchmarks.readers.pickles.fast_float_dicts import Key
from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError

_HALVES = {"x-valid": "validation", "x-test": "test", "ori-test": "validation+test"}
"""The splits of CIFAR-100 and ImageNet16-120: halves of the original test set, and all of it."""

_SPLITS = {
    "cifar10-valid": {"x-valid": "validation", "ori-test": "test"},
    "cifar10": {"ori-test": "test"},
    "cifar100": _HALVES,
    "ImageNet16-120": _HALVES,
}
"""The splits by data set and official name. Keys of the training split are the epochs alone, without a name."""

Positions = slice | Indices
"""The positions of a curve's epochs among the values, in the order of the epochs."""

_MAX_LAYOUTS = 1000
"""Maximum number of layouts in memory at once."""


class CurveLayouts:
    """Finds the splits in dictionaries of numbers; it analyzes equal keys once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, int], tuple[Sequence[Key], list[tuple[str, Positions | None, int]]]] = {}

    def splits(self, keys: tuple[Key, ...], dataset: str, epochs: int) -> list[tuple[str, Positions | None, int]]:
        """Return for each split its name, the positions of its epochs, and the position of its last epoch.

        The positions are None if an epoch is missing or there is only one epoch. Raises RefusedError if a name or an
        epoch is unknown, or the last epoch is missing.
        """
        known = self._known.get((id(keys), dataset, epochs))
        if known is not None and known[0] is keys:
            return known[1]
        if len(self._known) >= _MAX_LAYOUTS:
            self._known.clear()
        layout = _splits(keys, dataset, epochs)
        self._known[id(keys), dataset, epochs] = keys, layout
        return layout


def _splits(keys: Sequence[Key], dataset: str, epochs: int) -> list[tuple[str, Positions | None, int]]:
    places: dict[str, dict[int, int]] = {}
    for place, key in enumerate(keys):
        split, epoch = ("train", key) if isinstance(key, int) else _split_and_epoch(key, dataset)
        if not 0 <= epoch < epochs:
            raise RefusedError(f"epoch {epoch + 1} of {epochs} on {dataset}")
        places.setdefault(split, {})[epoch] = place
    if sum(map(len, places.values())) != len(keys):
        raise RefusedError(f"an epoch occurs twice on {dataset}")
    layout: list[tuple[str, Positions | None, int]] = []
    for split, of_epoch in places.items():
        if epochs - 1 not in of_epoch:
            raise RefusedError(f"the {split} split of {dataset} has no number for the last epoch")
        complete = epochs > 1 and len(of_epoch) == epochs
        layout.append((split, _in_order(of_epoch, epochs) if complete else None, of_epoch[epochs - 1]))
    return layout


def _split_and_epoch(key: str, dataset: str) -> tuple[str, int]:
    name, at, number = key.partition("@")
    if name not in _SPLITS[dataset] or not at or not number.isdecimal() or str(int(number)) != number:
        raise RefusedError(
            f"'{key[:50]}' is not a split and epoch of {dataset}; its splits are {sorted(_SPLITS[dataset])}"
        )
    return _SPLITS[dataset][name], int(number)


def _in_order(of_epoch: dict[int, int], epochs: int) -> Positions:
    places = np.array([of_epoch[epoch] for epoch in range(epochs)], dtype=np.int64)
    first = int(places[0])
    return slice(first, first + epochs) if np.array_equal(places, first + np.arange(epochs)) else places
