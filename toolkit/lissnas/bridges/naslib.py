"""NASLib: a search space for NASLib's optimizers, over metrics that are known.

Ruchte, Zela, Siems, Grabocka and Hutter, "NASLib: A Modular and Flexible Neural Architecture Search Library", 2020. The
methods, their arguments and the names of the metrics are those that NASLib's discrete optimizers use; docs/bridges.md
has the list. The space builds no network, so optimizers that train networks cannot use it.
"""

import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from lissnas.errors import SettingError
from lissnas.optimizers.moves import neighbors_inside
from lissnas.spaces.published import cell201
from lissnas.spaces.space import Rows, Space
from lissnas.subspaces.subspace import Subspace


class MetricLookup(Protocol):
    """Looks up the known metrics of an architecture, by NASLib's names of metrics."""

    def value(self, row: Rows, metric: str, dataset: str | None, epoch: int) -> float:
        """Return a metric of one row, shape (1, genes), after `epoch`, counted from 0; -1 is the last epoch."""

    def curve(self, row: Rows, metric: str, dataset: str | None) -> list[float]:
        """Return a metric of one row after each epoch."""

    def all_values(self, row: Rows, dataset: str | None) -> dict[str, float]:
        """Return all known values of one row, by name."""


class NaslibSpace:
    """A search space, and one architecture of it, in the form that NASLib's optimizers take.

    If an architecture has no neighbors in the subspace, its mutant is a random architecture of the subspace (our own
    choice). All methods accept ``dataset_api``, the argument by which NASLib passes its data, and ignore it.

    Parameters
    ----------
    subspace
        The architectures that may be sampled and reached by edits.
    metrics
        Looks up the metrics of the architectures.
    rng
        The source of every random draw. Clones share it.
    """

    QUERYABLE = True
    OPTIMIZER_SCOPE: tuple[str, ...] = ()
    instantiate_model = False

    def __init__(self, subspace: Subspace, metrics: MetricLookup, rng: np.random.Generator) -> None:
        self.subspace = subspace
        self.space_name = _TYPES.get(subspace.space.name, subspace.space.name)
        self._metrics = metrics
        self._rng = rng
        self._chosen: Rows | None = None

    @property
    def row(self) -> Rows:
        """The architecture, shape (1, genes). Raises SettingError before one is chosen."""
        if self._chosen is None:
            raise SettingError("this is a search space without an architecture: call sample_random_architecture first")
        return self._chosen

    def clone(self) -> "NaslibSpace":
        """Return a copy, which can then get another architecture."""
        copy = NaslibSpace(self.subspace, self._metrics, self._rng)
        copy._chosen = self._chosen
        return copy

    def query(
        self,
        metric: Any = None,
        dataset: str | None = None,
        path: object = None,
        epoch: int = -1,
        full_lc: bool = False,
        dataset_api: object = None,
    ) -> Any:
        """Return a metric of the architecture.

        Parameters
        ----------
        metric
            A member of NASLib's ``Metric``, or its name, such as "VAL_ACCURACY". RAW gives all values, as a dictionary.
        dataset
            The name of the data set; None is the first one.
        epoch
            The epoch, counted from 0; -1 is the last epoch of the longest training.
        full_lc
            Whether to return the learning curve, up to `epoch`.
        path, dataset_api
            Ignored.

        Raises
        ------
        SettingError
            If the value is not known.
        """
        name = str(getattr(metric, "name", metric)).upper()
        if name == "RAW":
            return self._metrics.all_values(self.row, dataset)
        if not full_lc:
            return self._metrics.value(self.row, name, dataset, epoch)
        curve = self._metrics.curve(self.row, name, dataset)
        return curve if epoch == -1 else curve[:epoch]

    def sample_random_architecture(self, dataset_api: object = None, load_labeled: bool = False) -> None:
        """Choose an architecture of the subspace uniformly at random."""
        self._chosen = self.subspace.sample(1, self._rng)

    def mutate(self, parent: "NaslibSpace", dataset_api: object = None) -> None:
        """Choose a random neighbor of the parent's architecture in the subspace."""
        near = neighbors_inside(self.subspace, parent.row[0])
        if not len(near):
            self.sample_random_architecture()
        else:
            self._chosen = near[[self._rng.integers(len(near))]]

    def get_nbhd(self, dataset_api: object = None) -> list[Any]:
        """Return all neighbors in the subspace, in random order, each as the attribute `arch` of an object.

        The objects are torch modules if torch is imported, as in NASLib.
        """
        near = neighbors_inside(self.subspace, self.row[0])
        return [self._model(near[[place]]) for place in self._rng.permutation(len(near))]

    def _model(self, row: Rows) -> Any:
        torch = sys.modules.get("torch")  # NASLib imports torch; without NASLib no caller needs modules
        model = SimpleNamespace() if torch is None else torch.nn.Module()
        model.arch = self.clone()
        model.arch._chosen = row
        return model

    def get_hash(self) -> Any:
        """Return a unique key of the architecture: NASLib's tuple in cell201, the official string elsewhere."""
        [string] = self.subspace.space.write(self.row)
        return tuple(self.get_op_indices()) if self.subspace.space.name in _NUMBERINGS else string

    def get_op_indices(self) -> list[int]:
        """Return the architecture as operation numbers: NASLib's numbers and order in cell201, the genes elsewhere."""
        indices: list[int] = _to_naslib(self.row, self.subspace.space)[0].tolist()
        return indices

    def set_op_indices(self, op_indices: Sequence[int]) -> None:
        """Choose the architecture with these numbers; raises ArchitectureError or SettingError for a non-member."""
        row = _from_naslib(_numbers(op_indices, self.subspace.space), self.subspace.space)
        if not self.subspace.contains(row)[0]:
            [string] = self.subspace.space.write(row)
            raise SettingError(f"'{string}' is not in this subspace of {self.subspace.space.name}")
        self._chosen = self.subspace.space.canonical(row)

    def set_spec(self, op_indices: Sequence[int], dataset_api: object = None) -> None:
        """Do the same as `set_op_indices`."""
        self.set_op_indices(op_indices)

    def get_arch_iterator(self, dataset_api: object = None) -> Iterator[tuple[int, ...]]:
        """Yield the operation numbers of every architecture of the subspace."""
        rows = self.subspace.space.rows(self.subspace.index)
        return map(tuple, _to_naslib(rows, self.subspace.space).tolist())

    def get_type(self) -> str:
        """Return NASLib's name of the space, or ours if NASLib has none."""
        return self.space_name

    def parse(self) -> None:
        """Raise SettingError: this space builds no network."""
        raise SettingError("this space has metrics and builds no network: use NASLib's own search space")


_TYPES = {"cell201": "nasbench201"}
"""NASLib's name of each space that both have, with the same architectures."""

_CELL201_EDGES = [0, 1, 3, 2, 4, 5]
"""The gene of cell201 for each position in NASLib, which orders the edges by their source."""

_CELL201_OPERATIONS = [
    cell201.OPERATIONS.index(name) for name in ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
]
"""The operation of cell201 for each operation number of NASLib."""

_Numbers = np.ndarray[tuple[int, int], np.dtype[np.int64]]


def to_naslib_numbers(rows: Rows) -> _Numbers:
    """Return NASLib's six numbers of each cell of cell201, int64 of shape (n, 6)."""
    return np.argsort(_CELL201_OPERATIONS)[rows[:, _CELL201_EDGES]]


def from_naslib_numbers(numbers: _Numbers) -> Rows:
    """Return the row of each six numbers of NASLib, from 0 to 4, for cells of cell201."""
    return np.array(_CELL201_OPERATIONS, dtype=np.uint8)[numbers][:, np.argsort(_CELL201_EDGES)]


_NUMBERINGS: dict[str, tuple[Callable[[Rows], _Numbers], Callable[[_Numbers], Rows]]] = {
    "cell201": (to_naslib_numbers, from_naslib_numbers)
}
"""Conversion from rows to NASLib's numbers and back, by the name of the space."""


def _numbers(op_indices: Sequence[int], space: Space) -> _Numbers:
    """Return whole numbers as an array of shape (1, n); raises SettingError for anything else, such as 4.7 or text."""
    try:
        numbers = [operator.index(number) for number in op_indices]
        return np.array([numbers], dtype=np.int64)
    except (TypeError, OverflowError) as error:
        raise SettingError(
            f"{op_indices!r} is not a sequence of whole numbers: give one for each of the {space.genes} genes of "
            f"{space.name}, as get_op_indices returns them"
        ) from error


def _to_naslib(rows: Rows, space: Space) -> _Numbers:
    return _NUMBERINGS[space.name][0](rows) if space.name in _NUMBERINGS else rows.astype(np.int64)


def _from_naslib(numbers: _Numbers, space: Space) -> Rows:
    if numbers.shape[1] != space.genes or (numbers < 0).any() or (numbers >= np.array(space.choices)).any():
        raise SettingError(
            f"{numbers[0].tolist()} is not in {space.name}: its genes have {list(space.choices)} choices"
        )
    return _NUMBERINGS[space.name][1](numbers) if space.name in _NUMBERINGS else numbers.astype(np.uint8)
