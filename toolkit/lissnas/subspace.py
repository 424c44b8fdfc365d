"""Subspace: a subset of a space, what a shrinker returns; it is sampled, saved, and falls into pockets."""

import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas.categorical import CategoricalSpace
from lissnas.errors import LissnasError, SettingError
from lissnas.space import ENUMERABLE_SIZE, Indices, Rows, Space
from lissnas.whole_file import whole_file

FORMAT = 1
"""The version of what a saved subspace holds; docs/results-format.md describes it."""


class Subspace(ABC):
    """A subset of a space.

    Attributes
    ----------
    space
        The space it is a subset of.
    """

    space: Space

    @property
    @abstractmethod
    def size(self) -> int:
        """How many architectures it holds."""

    @property
    def size_bounds(self) -> tuple[int, int]:
        """The least and the largest number of architectures that it may hold; equal where the size is known."""
        return self.size, self.size

    @property
    @abstractmethod
    def index(self) -> Indices:
        """Its architectures' places in the space, ascending, shape (size,)."""

    @abstractmethod
    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell for each row whether its architecture is in the subspace, shape (n,)."""

    @abstractmethod
    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        """Return `count` different architectures, drawn uniformly, shape (count, genes)."""


class WholeSpace(Subspace):
    """All of a space: where every shrinker starts."""

    def __init__(self, space: Space) -> None:
        self.space = space

    @property
    def size(self) -> int:
        return self.space.size

    @property
    def size_bounds(self) -> tuple[int, int]:
        return self.space.size_bounds

    @cached_property
    def index(self) -> Indices:
        return self.space.index(self.space.all_rows())

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return np.ones(len(self.space.index(rows)), dtype=np.bool_)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        return self.space.sample(count, rng)


class ExplicitSubspace(Subspace):
    """A subset held as the places of its architectures.

    Parameters
    ----------
    space
        The space it is a subset of.
    index
        The architectures' places, in any order; repeated ones count once.
    """

    def __init__(self, space: Space, index: Indices) -> None:
        self.space = space
        self._index = distinct(index)

    @property
    def size(self) -> int:
        return len(self._index)

    @property
    def index(self) -> Indices:
        return self._index

    def contains(self, rows: Rows) -> NDArray[np.bool_]:
        return np.isin(self.space.index(rows), self._index)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        if not 0 <= count <= self.size:
            raise SettingError(f"cannot draw {count:,} different architectures from a subspace of {self.size:,}")
        return self.space.rows(self._index[rng.choice(self.size, count, replace=False)])


def distinct(index: Indices) -> Indices:
    """Return the places, each once, ascending; millions of them many times faster than np.unique does."""
    ascending = np.sort(index, axis=None)
    is_new = np.ones(len(ascending), dtype=np.bool_)
    is_new[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_new]


def pockets(subspace: Subspace) -> NDArray[np.int32]:
    """Return which pocket each architecture belongs to, shape (size,), the largest pocket being number 0.

    A pocket is a connected component under single edits.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = _joined(subspace)
    edges = coo_array((np.ones(len(a)), (a, b)), shape=(subspace.size, subspace.size))
    count, label = connected_components(edges, directed=False)
    by_size = np.argsort(-np.bincount(label, minlength=count), kind="stable")
    rank = np.empty(count, dtype=np.int32)
    rank[by_size] = np.arange(count, dtype=np.int32)
    return rank[label]


def _joined(subspace: Subspace) -> tuple[Indices, Indices]:
    """Return pairs of neighbours in the subspace, by their numbers in it; enough to join every pocket."""
    index, space = subspace.index, subspace.space
    rows = space.rows(index)
    if not isinstance(space, CategoricalSpace):
        neighbours, source = space.neighbours(rows)
        place = space.index(neighbours)
        target = np.searchsorted(index, place)
        inside = index[np.minimum(target, len(index) - 1)] == place
        return source[inside], target[inside]
    pairs = []
    for gene in range(space.genes):
        # All that are alike but for one gene are neighbours of each other: a chain through them joins them.
        others = rows.copy()
        others[:, gene] = 0
        key = space.index(others)
        order = np.argsort(key, kind="stable")
        alike = np.diff(key[order]) == 0
        pairs.append((order[:-1][alike], order[1:][alike]))
    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    return first, second


def save(subspace: Subspace, path: Path, provenance: dict[str, Any]) -> None:
    """Write a subspace as a Parquet file with a row an architecture: its index, official string and pocket.

    A union of balls has a row a seed; its radius, and how many architectures it holds at least and at most, stand in
    the file's metadata. A box too large to be listed has no row; there the choices left for each gene stand.

    `provenance` says where the subspace came from (method, settings, benchmark, ...), in what JSON can hold. The file
    is written beside its place and moved there.
    """
    import polars as pl

    from lissnas.box import Box
    from lissnas.union_of_balls import UnionOfBalls

    described = {**provenance, "format": FORMAT, "space": subspace.space.name, "space_size": subspace.space.size}
    if isinstance(subspace, UnionOfBalls):
        rows, pocket = subspace.seeds, subspace.seed_pockets()
        at_least, at_most = subspace.size_bounds
        described["union_of_balls"] = {"radius": subspace.radius, "at_least": at_least, "at_most": at_most}
    elif isinstance(subspace, Box) and subspace.size > ENUMERABLE_SIZE:
        rows, pocket = subspace.space.rows(np.empty(0, dtype=np.int64)), np.empty(0, dtype=np.int32)
        described["box"] = [np.flatnonzero(left).tolist() for left in subspace.left]
    else:
        rows, pocket = subspace.space.rows(subspace.index), pockets(subspace)
    strings, text = subspace.space.write(rows), json.dumps(described)
    columns = {"index": subspace.space.index(rows), "architecture": strings, "pocket": pocket}
    frame = pl.DataFrame(columns, schema_overrides={"architecture": pl.String})
    with whole_file(path) as file:
        frame.write_parquet(file, metadata={"lissnas": text, "crc32": checksum(text, strings)})


def checksum(text: str, strings: Sequence[str]) -> str:
    """Return the CRC-32 of what a saved subspace says of itself and of its architectures."""
    return str(zlib.crc32("\n".join([text, *strings]).encode()))


def load(path: Path, space: Space) -> tuple[Subspace, dict[str, Any]]:
    """Return a saved subspace and its provenance.

    Raises LissnasError if the file is damaged or belongs to another space.
    """
    import polars as pl

    from lissnas.categorical import CategoricalSpace
    from lissnas.union_of_balls import UnionOfBalls

    try:
        metadata = pl.read_parquet_metadata(path)
        provenance = dict(json.loads(metadata["lissnas"]))
        origin, version = str(provenance["space"]), int(provenance["format"])
        radius = provenance["union_of_balls"]["radius"] if "union_of_balls" in provenance else None
        strings = pl.read_parquet(path, columns=["architecture"])["architecture"]
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise LissnasError(
            f"{path}: not a saved subspace ({(str(error).splitlines() or [''])[0]}); shrink again"
        ) from error
    if version > FORMAT:
        raise LissnasError(f"{path}: of format {version}, and this version reads up to {FORMAT}: upgrade lissnas")
    if origin != space.name:
        raise LissnasError(f"{path}: a subspace of {origin}, not of {space.name}")
    if strings.dtype != pl.String or strings.null_count():
        raise LissnasError(f"{path}: not a saved subspace (some rows of 'architecture' hold no string); shrink again")
    if metadata.get("crc32") != checksum(metadata["lissnas"], strings.to_list()):
        raise LissnasError(f"{path}: altered since it was saved, or by another version; shrink again")
    rows = space.read(strings.to_list())
    if "box" in provenance:
        return _read_box(path, space, provenance["box"]), provenance
    if "union_of_balls" not in provenance:
        return ExplicitSubspace(space, space.index(rows)), provenance
    if not isinstance(space, CategoricalSpace) or not isinstance(radius, int):
        raise LissnasError(f"{path}: a union of balls of radius {radius}: there is none in {space.name}")
    return UnionOfBalls(space, rows, radius), provenance


def _read_box(path: Path, space: Space, choices: Any) -> Subspace:
    """Return the box of the choices left for each gene; raises LissnasError if there is none of these."""
    from lissnas.box import Box

    left = np.zeros((space.genes, max(space.choices)), dtype=np.bool_)
    try:
        if len(choices) != space.genes:
            raise ValueError(f"{len(choices)} genes")
        for gene, (own, count) in enumerate(zip(choices, space.choices, strict=True)):
            if not own or not all(type(choice) is int and 0 <= choice < count for choice in own):
                raise ValueError(f"gene {gene} has the choices {own}")
            left[gene, own] = True
    except (TypeError, ValueError) as error:
        raise LissnasError(f"{path}: a box of other choices than {space.name} has ({error})") from error
    return Box(space, left)
