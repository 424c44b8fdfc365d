"""NASLib: objects that answer the calls by which its optimizers use a search space, over numbers that are known.

Ruchte, Zela, Siems, Grabocka and Hutter, "NASLib: A Modular and Flexible Neural Architecture Search Library", 2020. The
calls, their arguments and the names of the metrics are those of its search spaces and of its discrete optimizers; see
docs/bridges.md for the list. No network is built, so that what trains networks cannot use these objects.
"""

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


class Answers(Protocol):
    """What is known of the networks of a space, by NASLib's names of metrics."""

    def value(self, row: Rows, metric: str, dataset: str | None, epoch: int) -> float:
        """Return a metric of one network, of shape (1, genes), after so many epochs from 0; -1 is the last."""

    def curve(self, row: Rows, metric: str, dataset: str | None) -> list[float]:
        """Return a metric of one network after each epoch."""

    def everything(self, row: Rows, dataset: str | None) -> dict[str, float]:
        """Return all that is known of one network, by name."""


class NaslibSpace:
    """A search space, and one architecture of it, as NASLib's optimizers take them.

    Where there are no neighbors inside the subspace, a mutant is a network drawn from all of it (our own choice).
    ``dataset_api``, by which NASLib hands its data around, is taken and not needed.

    Parameters
    ----------
    subspace
        What may be sampled and reached by edits.
    answers
        What is known of its networks.
    rng
        The source of every random draw; clones share it.
    """

    QUERYABLE = True
    OPTIMIZER_SCOPE: tuple[str, ...] = ()
    instantiate_model = False

    def __init__(self, subspace: Subspace, answers: Answers, rng: np.random.Generator) -> None:
        self.subspace = subspace
        self.space_name = _TYPES.get(subspace.space.name, subspace.space.name)
        self._answers = answers
        self._rng = rng
        self._chosen: Rows | None = None

    @property
    def row(self) -> Rows:
        """The architecture, shape (1, genes); raises SettingError while there is none."""
        if self._chosen is None:
            raise SettingError("this is a search space without an architecture: call sample_random_architecture first")
        return self._chosen

    def clone(self) -> "NaslibSpace":
        """Return a copy that may take another architecture."""
        copy = NaslibSpace(self.subspace, self._answers, self._rng)
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
        """Return what is known of the architecture.

        Parameters
        ----------
        metric
            A member of NASLib's ``Metric``, or its name: "VAL_ACCURACY". RAW is everything, as a dictionary.
        dataset
            The first one if None.
        epoch
            Counted from 0; -1 is the last of the longest training.
        full_lc
            Whether to return the learning curve, up to `epoch`.
        path, dataset_api
            Not needed.

        Raises
        ------
        SettingError
            If that is not known.
        """
        name = str(getattr(metric, "name", metric)).upper()
        if name == "RAW":
            return self._answers.everything(self.row, dataset)
        if not full_lc:
            return self._answers.value(self.row, name, dataset, epoch)
        curve = self._answers.curve(self.row, name, dataset)
        return curve if epoch == -1 else curve[:epoch]

    def sample_random_architecture(self, dataset_api: object = None, load_labeled: bool = False) -> None:
        """Take a random network of the subspace, all being equally likely."""
        self._chosen = self.subspace.sample(1, self._rng)

    def mutate(self, parent: "NaslibSpace", dataset_api: object = None) -> None:
        """Take a random neighbor, in the subspace, of another object's architecture."""
        near = neighbors_inside(self.subspace, parent.row[0])
        if not len(near):
            self.sample_random_architecture()
        else:
            self._chosen = near[[self._rng.integers(len(near))]]

    def get_nbhd(self, dataset_api: object = None) -> list[Any]:
        """Return all neighbors in the subspace, in random order, each as the attribute `arch` of an object.

        With torch, which NASLib keeps its models in, those objects are modules.
        """
        near = neighbors_inside(self.subspace, self.row[0])
        return [self._model(near[[place]]) for place in self._rng.permutation(len(near))]

    def _model(self, row: Rows) -> Any:
        torch = sys.modules.get("torch")  # NASLib has imported it, or nobody needs it
        model = SimpleNamespace() if torch is None else torch.nn.Module()
        model.arch = self.clone()
        model.arch._chosen = row
        return model

    def get_hash(self) -> Any:
        """Return what tells architectures apart: in cell201 NASLib's own tuple, elsewhere the official string."""
        [string] = self.subspace.space.write(self.row)
        return tuple(self.get_op_indices()) if self.subspace.space.name in _NUMBERINGS else string

    def get_op_indices(self) -> list[int]:
        """Return the architecture as numbers of operations: in cell201 NASLib's numbers and order, elsewhere genes."""
        indices: list[int] = _to_naslib(self.row, self.subspace.space)[0].tolist()
        return indices

    def set_op_indices(self, op_indices: Sequence[int]) -> None:
        """Take the architecture of these numbers; raises ArchitectureError or SettingError if it is not in here."""
        row = _from_naslib(np.array([op_indices], dtype=np.int64), self.subspace.space)
        if not self.subspace.contains(row)[0]:
            [string] = self.subspace.space.write(row)
            raise SettingError(f"'{string}' is not in this subspace of {self.subspace.space.name}")
        self._chosen = self.subspace.space.canonical(row)

    def set_spec(self, op_indices: Sequence[int], dataset_api: object = None) -> None:
        """As `set_op_indices`."""
        self.set_op_indices(op_indices)

    def get_arch_iterator(self, dataset_api: object = None) -> Iterator[tuple[int, ...]]:
        """Return the numbers of every architecture of the subspace, one after the other."""
        rows = self.subspace.space.rows(self.subspace.index)
        return map(tuple, _to_naslib(rows, self.subspace.space).tolist())

    def get_type(self) -> str:
        """Return NASLib's name of the space, or ours where it has none."""
        return self.space_name

    def parse(self) -> None:
        """Raise SettingError: there is no network to build."""
        raise SettingError("this object knows numbers of networks and builds none: use NASLib's own search space")


_TYPES = {"cell201": "nasbench201"}
"""NASLib's names of spaces, where the same calls there take the same architectures."""

_CELL201_EDGES = [0, 1, 3, 2, 4, 5]
"""Which gene of cell201 is each of NASLib's: it counts the edges by where they start."""

_CELL201_OPERATIONS = [
    cell201.OPERATIONS.index(name) for name in ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
]
"""Which operation each of NASLib's numbers is."""

_Numbers = np.ndarray[tuple[int, int], np.dtype[np.int64]]


def _cell201_to(rows: Rows) -> _Numbers:
    return np.argsort(_CELL201_OPERATIONS)[rows[:, _CELL201_EDGES]]


def _cell201_from(numbers: _Numbers) -> Rows:
    return np.array(_CELL201_OPERATIONS, dtype=np.uint8)[numbers][:, np.argsort(_CELL201_EDGES)]


_NUMBERINGS: dict[str, tuple[Callable[[Rows], _Numbers], Callable[[_Numbers], Rows]]] = {
    "cell201": (_cell201_to, _cell201_from)
}
"""From our rows to NASLib's numbers and back, where we know them."""


def _to_naslib(rows: Rows, space: Space) -> _Numbers:
    return _NUMBERINGS[space.name][0](rows) if space.name in _NUMBERINGS else rows.astype(np.int64)


def _from_naslib(numbers: _Numbers, space: Space) -> Rows:
    if numbers.shape[1] != space.genes or (numbers < 0).any() or (numbers >= np.array(space.choices)).any():
        raise SettingError(
            f"{numbers[0].tolist()} is not in {space.name}: its genes have {list(space.choices)} choices"
        )
    return _NUMBERINGS[space.name][1](numbers) if space.name in _NUMBERINGS else numbers.astype(np.uint8)
