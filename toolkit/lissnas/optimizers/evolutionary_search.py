"""Evolutionary search of SPOS: each generation has mutants and crossovers of the best architectures so far.

Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", ECCV 2020, following the authors'
code: a thousand evaluations are 20 generations of 50. Our own choice: mutants draw choices that occur in the subspace,
and a child that is not a valid row of its space counts as outside the subspace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np

from lissnas.errors import ArchitectureError, SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.optimizers.moves import affordable, reachable_total
from lissnas.setting_checks import check_at_least_one
from lissnas.spaces.space import Floats, Indices, Rows
from lissnas.subspaces.enclosing_box import enclosing_choices
from lissnas.subspaces.subspace import Subspace

_TRIES = 10
"""Maximum number of children per requested child that is new and in the subspace; random rows fill the rest."""

SPOS_BIBTEX = """\
@inproceedings{guo2020single,
  title         = {Single Path One-Shot Neural Architecture Search with Uniform Sampling},
  author        = {Guo, Zichao and Zhang, Xiangyu and Mu, Haoyuan and Heng, Wen and Liu, Zechun and Wei, Yichen and
    Sun, Jian},
  booktitle     = {European Conference on Computer Vision (ECCV)},
  year          = {2020},
  eprint        = {1904.00420},
  archivePrefix = {arXiv},
}
"""
"""BibTeX entry of SPOS: supernet training with uniformly drawn single paths, and this search."""


@dataclass(frozen=True)
class EvolutionarySearch:
    """Evolutionary search of SPOS: scores generations of mutants and crossovers of the best architectures.

    Choose it for supernets: it scores batches, and the literature uses it there. The defaults are those of the
    authors' code. Guo et al., ECCV 2020.

    Examples
    --------
    >>> EvolutionarySearch(population=20, mutations=10, crossovers=10).parents
    10
    """

    bibtex: ClassVar[str] = SPOS_BIBTEX

    population: int = 50
    """Number of architectures in a generation. The first generation is random."""

    parents: int = 10
    """Number of best architectures so far that are parents of the next generation."""

    mutations: int = 25
    """Number of mutants in a generation."""

    crossovers: int = 25
    """Number of crossovers in a generation: each gene comes from one of two parents."""

    probability: float = 0.1
    """Probability that a mutant redraws a gene."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "population", "parents")
        if min(self.mutations, self.crossovers) < 0 or self.mutations + self.crossovers > self.population:
            raise SettingError(
                f"{self.mutations} mutations and {self.crossovers} crossovers: both must be at least 0, and their sum "
                f"at most the population of {self.population}"
            )
        if not 0 < self.probability <= 1:
            raise SettingError(f"probability must be above 0 and at most 1, not {self.probability}")

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        space, choices = subspace.space, enclosing_choices(subspace)
        total = reachable_total(subspace, evaluations, total)
        visited: Indices = np.empty(0, dtype=np.int64)
        scores: Floats = np.empty(0)
        while evaluations.count < total:
            known = set(visited.tolist())
            generation: list[Rows] = []
            if len(visited):
                best = space.rows(visited[np.argsort(-scores, kind="stable")[: self.parents]])
                mutants = self._mutants(best, choices, rng)
                generation += islice(_new_members(subspace, mutants, known), self.mutations)
                generation += islice(_new_members(subspace, self._crossovers(best, rng), known), self.crossovers)
            missing = self.population - len(generation)
            if missing:
                drawn = subspace.sample(min(subspace.size_bounds[1], len(known) + missing), rng)
                generation += islice(_new_members(subspace, drawn, known), missing)
            rows = affordable(np.stack(generation), evaluations, total)
            visited = np.concatenate([visited, space.index(rows)])
            scores = np.concatenate([scores, np.nan_to_num(evaluations(rows), nan=-np.inf)])

    def _mutants(self, parents: Rows, choices: list[list[int]], rng: np.random.Generator) -> Rows:
        rows = parents[rng.integers(len(parents), size=_TRIES * self.mutations)]
        drawn = np.stack([rng.choice(each, len(rows)) for each in choices], axis=1).astype(np.uint8)
        return np.where(rng.random(rows.shape) < self.probability, drawn, rows)

    def _crossovers(self, parents: Rows, rng: np.random.Generator) -> Rows:
        one, other = parents[rng.integers(len(parents), size=(2, _TRIES * self.crossovers))]
        return np.where(rng.random(one.shape) < 0.5, one, other)


def _new_members(subspace: Subspace, rows: Rows, known: set[int]) -> Iterator[Rows]:
    """Yield the rows that are in the subspace and whose index is not `known`; add their indices to `known`."""
    for row in rows:
        try:
            is_member = subspace.contains(row[None])[0]
            [index] = subspace.space.index(row[None]).tolist()
        except ArchitectureError:  # not a valid row, or beyond a resource constraint
            continue
        if is_member and index not in known:
            known.add(index)
            yield row
