"""What other tools call the genes of a space, and the choices of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lissnas.errors import ArchitectureError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.limited import LimitedSpace
from lissnas.spaces.space import Rows, Space


def gene_names(space: Space) -> list[str]:
    """Return gene0, gene1, and so on."""
    return [f"gene{gene}" for gene in range(space.genes)]


def gene_values(space: Space) -> list[Sequence[str | int]]:
    """Return for each gene its choices by the names of the operations; where a space gives none, by their numbers."""
    whole = space.whole if isinstance(space, LimitedSpace) else space
    if isinstance(whole, CategoricalSpace):
        return list(whole.operations)
    return [range(count) for count in space.choices]


def named_values(rows: Rows, space: Space) -> list[dict[str, str | int]]:
    """Return each row as a dictionary from the name of a gene to the name of its choice."""
    names, values = gene_names(space), gene_values(space)
    return [
        {name: own[gene] for name, own, gene in zip(names, values, row, strict=True)}
        for row in space.checked(rows).tolist()
    ]


def rows_of(named: Sequence[Mapping[str, Any]], space: Space, what: str) -> Rows:
    """Return the row of each dictionary that holds every gene; whatever else it holds is no matter.

    Raises ArchitectureError for the first that lacks a gene, has a choice there is none of, or is not in the space;
    `what` says there what a dictionary is, as "trial".
    """
    names, values = gene_names(space), gene_values(space)
    rows = np.empty((len(named), space.genes), dtype=np.uint8)
    for place, given in enumerate(named):
        for gene, (name, own) in enumerate(zip(names, values, strict=True)):
            if name not in given:
                raise ArchitectureError(f"{what} {place} of {len(named)} has no '{name}': it is not of {space.name}")
            if given[name] not in own:
                known = ", ".join(map(str, own))
                raise ArchitectureError(
                    f"{what} {place} of {len(named)}: '{name}' is '{given[name]}', but in {space.name} one of {known}"
                )
            rows[place, gene] = own.index(given[name])
    return space.canonical(rows)
