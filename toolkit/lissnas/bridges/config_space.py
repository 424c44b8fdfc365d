"""ConfigSpace: export a space or subspace as a ConfigurationSpace, and read configurations as rows.

Lindauer et al., "BOAH: A Tool Suite for Multi-Fidelity Bayesian Optimization & Analysis of Hyperparameters", 2019. A
gene is a hyperparameter "gene0", "gene1", ..., ordinal where the space says so. A box needs nothing else. For any other
subspace, forbidden clauses exclude the rest of the box around it, if few clauses suffice. Or the architectures are the
choices of one hyperparameter, "architecture".
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
    raise LissnasError("this bridge needs ConfigSpace: run 'pip install lissnas[bridges]'") from error

MAX_CLAUSES = 200
"""Maximum number of forbidden clauses: the work of ConfigSpace grows with their cube (our own choice)."""

MIN_SHARE = 1e-3
"""Minimum share of the box that is in the subspace: ConfigSpace samples by rejection (our own choice)."""

MAX_LISTED = 100_000
"""Maximum number of architectures that are choices of one hyperparameter (our own choice)."""

_LISTED = "architecture"

_Forbidden = dict[int, list[int]]
"""Choices of some genes; every combination of them is forbidden."""


def configuration_space(subspace: Subspace, rng: np.random.Generator, *, listed: bool = False) -> ConfigurationSpace:
    """Return exactly the architectures of a subspace as a ConfigurationSpace, or raise SettingError.

    Where several rows are the same architecture, only the canonical row is a configuration. So sampled configurations
    are equally likely architectures.

    Parameters
    ----------
    subspace
        The subspace. Pass `FullSpace(space)` for the full space.
    rng
        Seeds the random draws of the configuration space.
    listed
        Whether the official strings are the choices of one hyperparameter. An optimizer then cannot learn from genes
        that architectures share. Otherwise each gene is a hyperparameter.

    Raises
    ------
    SettingError
        If the subspace is not a box and has too many architectures, fills too small a share of its box, or needs too
        many forbidden clauses.

    Examples
    --------
    >>> from lissnas.subspaces.box import Box
    >>> from lissnas.spaces.published.macro import macro
    >>> box = Box.full(macro()).without(0, 1)
    >>> drawn = configuration_space(box, np.random.default_rng(0)).sample_configuration(5)
    >>> bool(box.contains(rows(drawn, macro())).all())
    True
    """
    space = subspace.space
    result = ConfigurationSpace(name=space.name, seed=int(rng.integers(2**31)), meta={"space": space.name})
    if listed:
        result.add(_listed(subspace))
        return result
    choices, members = product_choices(subspace), None
    if choices is None:
        members = _listed_rows(subspace, ENUMERABLE_SIZE, "combination by combination")
        choices = [np.unique(column).tolist() for column in members.T]
    first = members[0].tolist() if members is not None else [gene_choices[0] for gene_choices in choices]
    genes = [_hyperparameter(space, gene, gene_choices, first[gene]) for gene, gene_choices in enumerate(choices)]
    result.add(genes)
    if members is not None:
        result.add([_clause(space, genes, forbidden) for forbidden in _all_forbidden(subspace, members, choices)])
    return result


def rows(configurations: Sequence[Configuration], space: Space) -> Rows:
    """Return the row of each configuration, shape (n, genes). Raises ArchitectureError for one of another space."""
    if configurations and all(_LISTED in configuration for configuration in configurations):
        return space.read([str(configuration[_LISTED]) for configuration in configurations])
    return rows_of([dict(configuration) for configuration in configurations], space, "configuration")


def configurations(rows: Rows, configuration_space: ConfigurationSpace, space: Space) -> list[Configuration]:
    """Return the configuration of each row. Raises ArchitectureError for the first row that is not allowed there."""
    canonical = space.canonical(rows)
    strings = space.write(canonical)
    listed = _LISTED in configuration_space
    named: list[dict[str, Any]] = [{_LISTED: string} for string in strings]
    if not listed:
        named = [dict(values) for values in named_values(canonical, space)]
    result = []
    for values, string in zip(named, strings, strict=True):
        try:
            result.append(Configuration(configuration_space, values=values))
        except (ForbiddenValueError, IllegalValueError) as error:
            raise ArchitectureError(f"'{string}' is not in this configuration space of {space.name}") from error
    return result


def _hyperparameter(space: Space, gene: int, choices: list[int], default: int) -> Hyperparameter[Any, Any]:
    name, values = gene_names(space)[gene], gene_values(space)[gene]
    names = [values[choice] for choice in choices]
    if len(names) == 1:
        return Constant(name, names[0])
    if space.ordinal[gene]:
        return OrdinalHyperparameter(name, names, default_value=values[default])
    return CategoricalHyperparameter(name, names, default_value=values[default])


def _listed(subspace: Subspace) -> Hyperparameter[Any, Any]:
    strings = subspace.space.write(_listed_rows(subspace, MAX_LISTED, "one by one"))
    return CategoricalHyperparameter(_LISTED, strings) if len(strings) > 1 else Constant(_LISTED, strings[0])


def _listed_rows(subspace: Subspace, max_count: int, how: str) -> Rows:
    smallest, largest = subspace.size_bounds
    if largest > max_count:
        count = f"{largest:,}" if smallest == largest else f"{smallest:,} to {largest:,}"
        raise SettingError(
            f"{count} networks of {subspace.space.name} that are not a box cannot be exported {how}: the maximum is "
            f"{max_count:,}; search with Optuna's samplers (lissnas.bridges.optuna), or keep fewer"
        )
    if not largest:
        raise SettingError(f"the subspace of {subspace.space.name} is empty: there is nothing to search")
    return subspace.space.rows(subspace.index)


def _all_forbidden(subspace: Subspace, members: Rows, choices: list[list[int]]) -> list[_Forbidden]:
    box = int(np.prod([len(gene_choices) for gene_choices in choices], dtype=object))
    combinations: list[_Forbidden] = []
    way_out = "list them (listed=True), or search with Optuna's samplers (lissnas.bridges.optuna)"
    if len(members) < MIN_SHARE * box:
        raise SettingError(
            f"{len(members):,} networks of {subspace.space.name} are less than {MIN_SHARE:.1%} of the {box:,} in the "
            f"box around them, so ConfigSpace would reject nearly all of its draws: {way_out}"
        )
    for forbidden in _forbidden(members, choices, {}):
        if len(combinations) == MAX_CLAUSES:
            raise SettingError(
                f"{len(members):,} networks of {subspace.space.name} are too scattered: the box around them needs more "
                f"than {MAX_CLAUSES} forbidden clauses; {way_out}"
            )
        combinations.append(forbidden)
    return combinations


def _forbidden(members: Rows, choices: list[list[int]], fixed: _Forbidden) -> Iterator[_Forbidden]:
    """Yield disjoint combinations that together are all non-members of a box.

    The box is that of `choices`, in which the `fixed` genes have one choice. It is split by the gene with the largest
    share of choices that no member has.
    """
    free = [gene for gene in range(len(choices)) if gene not in fixed and len(choices[gene]) > 1]
    if len(members) == int(np.prod([len(choices[gene]) for gene in free], dtype=object)):
        return
    present = {gene: np.unique(members[:, gene]).tolist() for gene in free}
    gene = min(free, key=lambda gene: len(present[gene]) / len(choices[gene]))
    absent = [choice for choice in choices[gene] if choice not in present[gene]]
    if absent:
        yield fixed | {gene: absent}
    for choice in present[gene]:
        yield from _forbidden(members[members[:, gene] == choice], choices, fixed | {gene: [choice]})


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
