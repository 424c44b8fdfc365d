"""Where in a run's dictionary of numbers each split's learning curve stands, by the names that the authors gave."""

from collections.abc import Sequence

import numpy as np
from lissnas.spaces.space import Indices

from lissnas_benchmarks.readers.fast_float_dicts import Key
from lissnas_benchmarks.readers.pickle_allowlist import RefusedError

_HALVES = {"x-valid": "validation", "x-test": "test", "ori-test": "validation+test"}
"""CIFAR-100 and ImageNet16-120: the original test set is halved."""

_SPLITS = {
    "cifar10-valid": {"x-valid": "validation", "ori-test": "test"},
    "cifar10": {"ori-test": "test"},
    "cifar100": _HALVES,
    "ImageNet16-120": _HALVES,
}
"""By data set and official name; training is not named, its keys are the numbers of the epochs."""

Places = slice | Indices
"""Where a curve's epochs are among the values, in order."""

_MOST_KEPT = 1000


class RunLayouts:
    """Finds the splits in dictionaries of numbers; the same keys are looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, int], tuple[Sequence[Key], list[tuple[str, Places | None, int]]]] = {}

    def splits(self, keys: tuple[Key, ...], dataset: str, epochs: int) -> list[tuple[str, Places | None, int]]:
        """Return for each split its name, where its epochs are, and where its last epoch is.

        Where not every epoch is there, or there is only one, the second is None. Raises RefusedError if a name or an
        epoch is unknown, or the last epoch is missing.
        """
        found = self._known.get((id(keys), dataset, epochs))
        if found is not None and found[0] is keys:
            return found[1]
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        layout = _splits(keys, dataset, epochs)
        self._known[id(keys), dataset, epochs] = keys, layout
        return layout


def _splits(keys: Sequence[Key], dataset: str, epochs: int) -> list[tuple[str, Places | None, int]]:
    places: dict[str, dict[int, int]] = {}
    for place, key in enumerate(keys):
        split, epoch = ("train", key) if isinstance(key, int) else _named(key, dataset)
        if not 0 <= epoch < epochs:
            raise RefusedError(f"epoch {epoch + 1} of {epochs} on {dataset}")
        places.setdefault(split, {})[epoch] = place
    if sum(map(len, places.values())) != len(keys):
        raise RefusedError(f"an epoch is there twice on {dataset}")
    layout: list[tuple[str, Places | None, int]] = []
    for split, of_epoch in places.items():
        if epochs - 1 not in of_epoch:
            raise RefusedError(f"the {split} split of {dataset} has no number for the last epoch")
        whole = epochs > 1 and len(of_epoch) == epochs
        layout.append((split, _in_order(of_epoch, epochs) if whole else None, of_epoch[epochs - 1]))
    return layout


def _named(key: str, dataset: str) -> tuple[str, int]:
    name, at, number = key.partition("@")
    if name not in _SPLITS[dataset] or not at or not number.isdecimal() or str(int(number)) != number:
        raise RefusedError(f"'{key[:50]}' is no split and epoch of {dataset}, which has {sorted(_SPLITS[dataset])}")
    return _SPLITS[dataset][name], int(number)


def _in_order(of_epoch: dict[int, int], epochs: int) -> Places:
    places = np.array([of_epoch[epoch] for epoch in range(epochs)], dtype=np.int64)
    first = int(places[0])
    return slice(first, first + epochs) if np.array_equal(places, first + np.arange(epochs)) else places
