"""Names of genes and of their choices, as other tools use them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lissnas.errors import ArchitectureError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.limited import LimitedSpace
from lissnas.spaces.listed import ListedSpace
from lissnas.spaces.space import Rows, Space


def gene_names(space: Space) -> list[str]:
    """Return the names of all genes: "gene0", "gene1", ..."""
    return [f"gene{gene}" for gene in range(space.genes)]


def gene_values(space: Space) -> list[Sequence[str | int]]:
    """Return for each gene the names of its operations, or the numbers of its choices where the space has no names."""
    unlimited = space.full_space if isinstance(space, LimitedSpace | ListedSpace) else space
    if isinstance(unlimited, CategoricalSpace):
        return list(unlimited.operations)
    return [range(count) for count in space.choices]


def named_values(rows: Rows, space: Space) -> list[dict[str, str | int]]:
    """Return each row as a dictionary from gene name to choice name."""
    names, values = gene_names(space), gene_values(space)
    return [
        {name: choices[gene] for name, choices, gene in zip(names, values, row, strict=True)}
        for row in space.checked(rows).tolist()
    ]


def rows_of(named: Sequence[Mapping[str, Any]], space: Space, what: str) -> Rows:
    """Return the row of each dictionary from gene name to choice name, shape (n, genes); other keys are ignored.

    Raises ArchitectureError for the first dictionary that lacks a gene, has an unknown choice, or is not in the space.
    `what` names a dictionary in the error, such as "trial".
    """
    names, values = gene_names(space), gene_values(space)
    rows = np.empty((len(named), space.genes), dtype=np.uint8)
    for place, chosen in enumerate(named):
        for gene, (name, choices) in enumerate(zip(names, values, strict=True)):
            if name not in chosen:
                raise ArchitectureError(f"{what} {place} of {len(named)} has no '{name}': it is not of {space.name}")
            if chosen[name] not in choices:
                known = ", ".join(map(str, choices))
                raise ArchitectureError(
                    f"{what} {place} of {len(named)}: '{name}' is '{chosen[name]}', but in {space.name} one of {known}"
                )
            rows[place, gene] = choices.index(chosen[name])
    return space.canonical(rows)
