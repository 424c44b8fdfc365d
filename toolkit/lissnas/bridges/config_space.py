"""ConfigSpace: a space or subspace as a ConfigurationSpace, and its configurations as rows.

Lindauer et al., "BOAH: A Tool Suite for Multi-Fidelity Bayesian Optimization & Analysis of Hyperparameters", 2019. A
gene is a hyperparameter "gene0", "gene1", ..., ordinal where the space says so. A box is exactly that. Of any other
subspace, what is in the box around it but not in the subspace is forbidden, combination by combination, if that takes
few clauses; or its networks are the choices of one hyperparameter, "architecture".
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lissnas.bridges.gene_values import gene_names, gene_values, named_values, rows_of
from lissnas.errors import ArchitectureError, LissnasError, SettingError
from lissnas.spaces.space import ENUMERABLE_SIZE, Rows, Space
from lissnas.subspaces.enclosing_box import product_choices
from lissnas.subspaces.subspace import Subspace

try:
    from ConfigSpace import (
        CategoricalHyperparameter,
        Configuration,
        ConfigurationSpace,
        Constant,
        ForbiddenAndConjunction,
        ForbiddenEqualsClause,
        ForbiddenInClause,
        OrdinalHyperparameter,
    )
    from ConfigSpace.exceptions import ForbiddenValueError, IllegalValueError
    from ConfigSpace.hyperparameters import Hyperparameter
except ImportError as error:
    raise LissnasError("this bridge leads to ConfigSpace: install it with 'pip install lissnas[bridges]'") from error

MOST_CLAUSES = 200
"""How many forbidden combinations a space may have: ConfigSpace's work grows with their cube (our own choice)."""

LEAST_SHARE = 1e-3
"""Which share of the box a subspace must fill: ConfigSpace draws from the box until it meets it (our own choice)."""

MOST_LISTED = 100_000
"""How many networks may be the choices of one hyperparameter (our own choice)."""

_LISTED = "architecture"

_Forbidden = dict[int, list[int]]
"""Choices of some genes whose combinations are all forbidden."""


def configuration_space(subspace: Subspace, rng: np.random.Generator, *, listed: bool = False) -> ConfigurationSpace:
    """Return a subspace as what ConfigSpace, and all that builds on it, searches in; exactly, or not at all.

    Networks that several rows stand for are there once, by the row that stands for them. Drawn configurations are
    equally likely networks.

    Parameters
    ----------
    subspace
        Which; `WholeSpace(space)` for all of a space.
    rng
        Seeds the draws of the configuration space.
    listed
        Whether the networks are to be the choices of one hyperparameter, by their official strings, which tells an
        optimizer nothing of what they have in common. Otherwise each gene is a hyperparameter.

    Raises
    ------
    SettingError
        If that cannot be done: networks that are no box, and too many, too few in their box, or too scattered.

    Examples
    --------
    >>> from lissnas.subspaces.box import Box
    >>> from lissnas.spaces.published.macro import macro
    >>> box = Box.whole(macro()).without(0, 1)
    >>> drawn = configuration_space(box, np.random.default_rng(0)).sample_configuration(5)
    >>> bool(box.contains(rows(drawn, macro())).all())
    True
    """
    space = subspace.space
    made = ConfigurationSpace(name=space.name, seed=int(rng.integers(2**31)), meta={"space": space.name})
    if listed:
        made.add(_listed(subspace))
        return made
    choices, members = product_choices(subspace), None
    if choices is None:
        members = _listed_rows(subspace, ENUMERABLE_SIZE, "combination by combination")
        choices = [np.unique(column).tolist() for column in members.T]
    first = members[0].tolist() if members is not None else [own[0] for own in choices]
    genes = [_hyperparameter(space, gene, own, first[gene]) for gene, own in enumerate(choices)]
    made.add(genes)
    if members is not None:
        made.add([_clause(space, genes, forbidden) for forbidden in _all_forbidden(subspace, members, choices)])
    return made


def rows(configurations: Sequence[Configuration], space: Space) -> Rows:
    """Return the row of each configuration, shape (n, genes); raises ArchitectureError for one of another space."""
    if configurations and all(_LISTED in configuration for configuration in configurations):
        return space.read([str(configuration[_LISTED]) for configuration in configurations])
    return rows_of([dict(configuration) for configuration in configurations], space, "configuration")


def configurations(rows: Rows, configuration_space: ConfigurationSpace, space: Space) -> list[Configuration]:
    """Return the configuration of each row; raises ArchitectureError for the first that is not allowed there."""
    representatives = space.canonical(rows)
    strings = space.write(representatives)
    listed = _LISTED in configuration_space
    named: list[dict[str, Any]] = [{_LISTED: string} for string in strings]
    if not listed:
        named = [dict(values) for values in named_values(representatives, space)]
    found = []
    for values, string in zip(named, strings, strict=True):
        try:
            found.append(Configuration(configuration_space, values=values))
        except (ForbiddenValueError, IllegalValueError) as error:
            raise ArchitectureError(f"'{string}' is not in this configuration space of {space.name}") from error
    return found


def _hyperparameter(space: Space, gene: int, choices: list[int], default: int) -> Hyperparameter[Any, Any]:
    name, values = gene_names(space)[gene], gene_values(space)[gene]
    left = [values[choice] for choice in choices]
    if len(left) == 1:
        return Constant(name, left[0])
    if space.ordinal[gene]:
        return OrdinalHyperparameter(name, left, default_value=values[default])
    return CategoricalHyperparameter(name, left, default_value=values[default])


def _listed(subspace: Subspace) -> Hyperparameter[Any, Any]:
    strings = subspace.space.write(_listed_rows(subspace, MOST_LISTED, "one by one"))
    return CategoricalHyperparameter(_LISTED, strings) if len(strings) > 1 else Constant(_LISTED, strings[0])


def _listed_rows(subspace: Subspace, most: int, how: str) -> Rows:
    least, largest = subspace.size_bounds
    if largest > most:
        count = f"{largest:,}" if least == largest else f"{least:,} to {largest:,}"
        raise SettingError(
            f"{count} networks of {subspace.space.name} that are no box are not told to ConfigSpace {how}, being more "
            f"than {most:,}: search with Optuna's samplers (lissnas.bridges.optuna), or keep fewer"
        )
    if not largest:
        raise SettingError(f"nothing of {subspace.space.name} is left to search in")
    return subspace.space.rows(subspace.index)


def _all_forbidden(subspace: Subspace, members: Rows, choices: list[list[int]]) -> list[_Forbidden]:
    box = int(np.prod([len(own) for own in choices], dtype=object))
    found: list[_Forbidden] = []
    way_out = "list them (listed=True), or search with Optuna's samplers (lissnas.bridges.optuna)"
    if len(members) < LEAST_SHARE * box:
        raise SettingError(
            f"{len(members):,} networks of {subspace.space.name} are less than {LEAST_SHARE:.1%} of the {box:,} in the "
            f"box around them, from which ConfigSpace would draw until it meets one: {way_out}"
        )
    for forbidden in _forbidden(members, choices, {}):
        if len(found) == MOST_CLAUSES:
            raise SettingError(
                f"{len(members):,} networks of {subspace.space.name} are too scattered to be the box around them less "
                f"{MOST_CLAUSES} forbidden combinations: {way_out}"
            )
        found.append(forbidden)
    return found


def _forbidden(members: Rows, choices: list[list[int]], given: _Forbidden) -> Iterator[_Forbidden]:
    """Yield combinations that together are the part of a box that holds no member, none of them twice.

    The box is that of `choices`, in which `given` genes have one choice. It is parted by the gene of which the largest
    share of choices has no member.
    """
    free = [gene for gene in range(len(choices)) if gene not in given and len(choices[gene]) > 1]
    if len(members) == int(np.prod([len(choices[gene]) for gene in free], dtype=object)):
        return
    present = {gene: np.unique(members[:, gene]).tolist() for gene in free}
    gene = min(free, key=lambda gene: len(present[gene]) / len(choices[gene]))
    absent = [choice for choice in choices[gene] if choice not in present[gene]]
    if absent:
        yield given | {gene: absent}
    for choice in present[gene]:
        yield from _forbidden(members[members[:, gene] == choice], choices, given | {gene: [choice]})


def _clause(
    space: Space, genes: list[Hyperparameter[Any, Any]], forbidden: _Forbidden
) -> ForbiddenAndConjunction | ForbiddenEqualsClause | ForbiddenInClause:
    values = gene_values(space)
    clauses: list[ForbiddenEqualsClause | ForbiddenInClause] = []
    for gene, choices in forbidden.items():
        excluded = [values[gene][choice] for choice in choices]
        if len(excluded) == 1:
            clauses.append(ForbiddenEqualsClause(genes[gene], excluded[0]))
        else:
            clauses.append(ForbiddenInClause(genes[gene], excluded))
    return ForbiddenAndConjunction(*clauses) if len(clauses) > 1 else clauses[0]
