"""The file of a subspace: a Parquet file with its provenance."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lissnas.errors import LissnasError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.space import ENUMERABLE_SIZE, INDEX_COLUMN, Space
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.sealed_parquet import encode_parquet, read_parquet, read_parquet_metadata
from lissnas.subspaces.box import Box
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls

FORMAT = 1
"""Version of the file's layout; docs/results-format.md describes it."""


def save(subspace: Subspace, path: Path, provenance: dict[str, Any]) -> None:
    """Write a subspace as a Parquet file with one row for each architecture: its index, official string and pocket.

    The file of a union of balls has one row for each seed; its metadata has the radius and the bounds of the size. The
    file of a box that is too large to be listed has no rows; its metadata has the allowed choices of each gene.

    Parameters
    ----------
    subspace
        The subspace.
    path
        The file. An existing file is replaced, all at once.
    provenance
        Where the subspace comes from (method, settings, benchmark, ...), as JSON values.
    """
    import polars as pl

    described = {**provenance, "format": FORMAT, "space": subspace.space.name, "space_size": subspace.space.size}
    if isinstance(subspace, UnionOfBalls):
        rows, pocket = subspace.seeds, subspace.seed_pockets()
        at_least, at_most = subspace.size_bounds
        described["union_of_balls"] = {"radius": subspace.radius, "at_least": at_least, "at_most": at_most}
    elif isinstance(subspace, Box) and subspace.size > ENUMERABLE_SIZE:
        rows, pocket = subspace.space.rows(np.empty(0, dtype=np.int64)), np.empty(0, dtype=np.int32)
        described["box"] = [np.flatnonzero(allowed).tolist() for allowed in subspace.allowed]
    else:
        rows, pocket = subspace.space.rows(subspace.index), pockets(subspace)
    strings, text = subspace.space.write(rows), json.dumps(described)
    columns = {INDEX_COLUMN: subspace.space.index(rows), "architecture": strings, "pocket": pocket}
    frame = pl.DataFrame(columns, schema_overrides={"architecture": pl.String})
    with atomic_write(path) as file:
        file.write(encode_parquet(frame, {"lissnas": text, "crc32": checksum(text, strings)}))


def checksum(text: str, strings: Sequence[str]) -> str:
    """Return the CRC-32 of the metadata and the architectures of a saved subspace."""
    return str(zlib.crc32("\n".join([text, *strings]).encode()))


def load(path: Path, space: Space) -> tuple[Subspace, dict[str, Any]]:
    """Return a saved subspace and its provenance.

    Raises LissnasError if the file is damaged, has a newer format, or is a subspace of another space.
    """
    import polars as pl

    try:
        metadata = read_parquet_metadata(path)
        provenance = dict(json.loads(metadata["lissnas"]))
        origin, version = str(provenance["space"]), int(provenance["format"])
        radius = provenance["union_of_balls"]["radius"] if "union_of_balls" in provenance else None
        strings = read_parquet(path, ["architecture"])["architecture"]
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
        raise LissnasError(f"{path}: of format {version}, but this version reads up to {FORMAT}: upgrade lissnas")
    if origin != space.name:
        raise LissnasError(f"{path}: a subspace of {origin}, not of {space.name}; load it with its own space")
    if strings.dtype != pl.String or strings.null_count():
        raise LissnasError(f"{path}: not a saved subspace (some values of 'architecture' are no strings); shrink again")
    if metadata.get("crc32") != checksum(metadata["lissnas"], strings.to_list()):
        raise LissnasError(f"{path}: altered since it was saved, or by another version; shrink again")
    rows = space.read(strings.to_list())
    if "box" in provenance:
        return _read_box(path, space, provenance["box"]), provenance
    if "union_of_balls" not in provenance:
        return ExplicitSubspace(space, space.index(rows)), provenance
    if not isinstance(space, CategoricalSpace) or not isinstance(radius, int):
        raise LissnasError(f"{path}: {space.name} has no union of balls of radius {radius}; shrink again")
    return UnionOfBalls(space, rows, radius), provenance


def _read_box(path: Path, space: Space, choices: Any) -> Subspace:
    """Return the box with these choices of each gene; raises LissnasError if the space does not have them."""
    allowed = np.zeros((space.genes, max(space.choices)), dtype=np.bool_)
    try:
        if len(choices) != space.genes:
            raise ValueError(f"{len(choices)} genes")
        for gene, (own, count) in enumerate(zip(choices, space.choices, strict=True)):
            if not own or not all(type(choice) is int and 0 <= choice < count for choice in own):
                raise ValueError(f"gene {gene} has the choices {own}")
            allowed[gene, own] = True
    except (TypeError, ValueError) as error:
        raise LissnasError(f"{path}: a box with choices that {space.name} does not have ({error})") from error
    return Box(space, allowed)
