"""Evolutionary search of SPOS: a generation of mutants and crossings of the best so far, one after the other.

Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", ECCV 2020, as the authors' code has
it: a thousand evaluations are 20 generations of 50. Ours: a mutant gets choices that occur in the subspace, and in
spaces whose rows are not all networks what is none counts as a child outside.
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
"""How many children are made at most for one that is inside and new; random networks fill the generation up."""

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
"""Training by single paths, drawn uniformly, as an entry of BibTeX."""


@dataclass(frozen=True)
class EvolutionarySearch:
    """Settings of the search of SPOS; the defaults are those of its authors' code."""

    bibtex: ClassVar[str] = SPOS_BIBTEX

    population: int = 50
    """How many networks a generation has; the first is random."""

    parents: int = 10
    """Of how many of the best so far the next generation comes."""

    mutations: int = 25
    """How many of a generation are mutants of a parent."""

    crossovers: int = 25
    """How many of a generation take each gene from one of two parents."""

    probability: float = 0.1
    """The probability with which a mutant draws a gene anew."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "population", "parents")
        if min(self.mutations, self.crossovers) < 0 or self.mutations + self.crossovers > self.population:
            raise SettingError(
                f"{self.mutations} mutations and {self.crossovers} crossovers are no part of a population of "
                f"{self.population}"
            )
        if not 0 < self.probability <= 1:
            raise SettingError(f"probability must lie between 0 and 1, not be {self.probability}")

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
                generation += islice(_new(subspace, mutants, known), self.mutations)
                generation += islice(_new(subspace, self._crossings(best, rng), known), self.crossovers)
            missing = self.population - len(generation)
            if missing:
                drawn = subspace.sample(min(subspace.size_bounds[1], len(known) + missing), rng)
                generation += islice(_new(subspace, drawn, known), missing)
            rows = affordable(np.stack(generation), evaluations, total)
            visited = np.concatenate([visited, space.index(rows)])
            scores = np.concatenate([scores, np.nan_to_num(evaluations(rows), nan=-np.inf)])

    def _mutants(self, parents: Rows, choices: list[list[int]], rng: np.random.Generator) -> Rows:
        rows = parents[rng.integers(len(parents), size=_TRIES * self.mutations)]
        drawn = np.stack([rng.choice(each, len(rows)) for each in choices], axis=1).astype(np.uint8)
        return np.where(rng.random(rows.shape) < self.probability, drawn, rows)

    def _crossings(self, parents: Rows, rng: np.random.Generator) -> Rows:
        one, other = parents[rng.integers(len(parents), size=(2, _TRIES * self.crossovers))]
        return np.where(rng.random(one.shape) < 0.5, one, other)


def _new(subspace: Subspace, rows: Rows, known: set[int]) -> Iterator[Rows]:
    """Yield the networks of the subspace that are not known, and know them then."""
    for row in rows:
        try:
            inside = subspace.contains(row[None])[0]
            [place] = subspace.space.index(row[None]).tolist()
        except ArchitectureError:  # no network at all, or beyond the limits
            continue
        if inside and place not in known:
            known.add(place)
            yield row
