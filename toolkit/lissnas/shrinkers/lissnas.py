"""LISSNAS: sample, take the best as seeds, keep their neighbors, until the mean stops rising.

Gopal, Sridhar, Zhang and Chen, "LISSNAS: Locality-based Iterative Search Space Shrinkage for Neural Architecture
Search", IJCAI 2023. The authors published no code and we know the method from the paper's outline: seeds from the best
samples, good neighbors by locality, repeat until the average accuracy stops rising. Every number and rule below that
the outline leaves open is our own choice.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluations
from lissnas.locality.measured_radius import measured_radius
from lissnas.spaces.space import Rows, Space
from lissnas.statistics.sampled_subspace import sampled_mean
from lissnas.subspaces.subspace import Subspace, WholeSpace
from lissnas.subspaces.union_of_balls import balls

_POOL = 4
"""Among how many times `seeds` of the best networks those that lie far apart are chosen."""


_BIBTEX = """\
@inproceedings{gopal2023lissnas,
  title         = {{LISSNAS}: Locality-based Iterative Search Space Shrinkage for Neural Architecture Search},
  author        = {Gopal and Sridhar and Zhang and Chen},
  booktitle     = {Proceedings of the Thirty-Second International Joint Conference on Artificial Intelligence
    (IJCAI)},
  pages         = {773--781},
  year          = {2023},
  doi           = {10.24963/ijcai.2023/86},
  eprint        = {2307.03110},
  archivePrefix = {arXiv},
}
"""


@dataclass(frozen=True)
class Lissnas:
    """Settings of LISSNAS; all defaults are our own choice."""

    bibtex: ClassVar[str] = _BIBTEX

    confidence: float = 0.95
    """How surely each round's sample holds a network of the best `quantile`; with it sets the sample size."""

    quantile: float = 0.01
    """The share of networks that count as best for the sample size: 0.95 and 0.01 ask for 299 networks."""

    seeds: int = 30
    """How many of the best networks seen so far are kept with their neighbors."""

    radius: int | Literal["measured"] = 1
    """Up to how many edits away from a seed its neighbors lie; or 2 and then 1, by the locality measured."""

    max_rounds: int = 10
    """After how many rounds to stop."""

    spread: Literal["rank", "distance"] = "rank"
    """Which of the best are seeds: the very best; or, among four times as many, such that lie far apart."""

    stop: Literal["plateau", "rounds"] = "plateau"
    """Whether to stop as soon as the mean no longer rises by one standard error, or only after all rounds."""

    target_size: int | None = None
    """Stop as soon as the space holds at most so many networks; if it never does, the lowest seeds are dropped."""

    def __post_init__(self) -> None:
        for name in ("confidence", "quantile"):
            if not 0 < getattr(self, name) < 1:
                raise SettingError(f"{name} must lie between 0 and 1, not be {getattr(self, name)}")
        for name in ("seeds", "radius", "max_rounds", "target_size"):
            if isinstance(getattr(self, name), int) and getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name, known in (("spread", ("rank", "distance")), ("stop", ("plateau", "rounds"))):
            if getattr(self, name) not in known:
                raise SettingError(f"{name} must be '{known[0]}' or '{known[1]}', not '{getattr(self, name)}'")
        if not isinstance(self.radius, int) and self.radius != "measured":
            raise SettingError(f"radius must be a number of edits or 'measured', not '{self.radius}'")
        if self.seeds > self.sample_size:
            raise SettingError(f"{self.seeds} seeds cannot be taken from a sample of {self.sample_size}: ask for fewer")

    @property
    def sample_size(self) -> int:
        """The fewest draws that hold one of the best `quantile` with `confidence`: ln(1 - c) / ln(1 - q), upwards."""
        return math.ceil(math.log1p(-self.confidence) / math.log1p(-self.quantile))

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        self._check(space)
        before = sampled_mean(WholeSpace(space), self.sample_size, evaluations, rng)
        evaluations.check_that_scores_differ()
        kept: tuple[Rows, int] | None = None
        radius = space.genes
        for number in range(1, self.max_rounds + 1):
            seeds, radius = self._seeds(space, evaluations), self._radius(space, evaluations, radius)
            self._check_target(space, seeds, radius)
            subspace = balls(space, seeds, radius)
            if self.stop == "plateau" or number < self.max_rounds:
                after = sampled_mean(subspace, self.sample_size, evaluations, rng)
                if self.stop == "plateau" and not after.exceeds(before):
                    evaluations.notes.append(
                        f"stopped in round {number}: its mean {after} is not one standard error above {before}"
                    )
                    kept = kept or (seeds, radius)
                    break
                before = after
            kept = seeds, radius
            yield subspace
            if self.target_size is not None and subspace.size_bounds[1] <= self.target_size:
                evaluations.notes.append(
                    f"stopped after round {number}: at most {self.target_size:,} networks are left"
                )
                return
        else:
            evaluations.notes.append(f"stopped after all {self.max_rounds} rounds")
        if self.target_size is not None and kept is not None:
            yield self._cut(space, *kept, self.target_size, evaluations)

    def _check(self, space: Space) -> None:
        at_most = space.size_bounds[1]
        if self.sample_size > at_most:
            raise SettingError(
                f"a sample of {self.sample_size:,} is larger than the {at_most:,} networks of {space.name}: "
                f"lower the confidence or raise the quantile"
            )
        if isinstance(self.radius, int) and self.radius > space.genes:
            raise SettingError(
                f"a radius of {self.radius} edits is longer than the {space.genes} genes of {space.name}"
            )
        if self.target_size is not None and self.target_size >= at_most:
            raise SettingError(
                f"a target size of {self.target_size:,} is not below the {at_most:,} networks of {space.name}"
            )

    def _seeds(self, space: Space, evaluations: Evaluations) -> Rows:
        """Return the seeds, the best first; by distance, each next is the farthest from all before, the better of two.

        The greedy rule of Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
        """
        if self.seeds > len(evaluations.scores):
            raise SettingError(
                f"{self.seeds} seeds cannot be taken from {len(evaluations.scores)} networks with a score: "
                f"{evaluations.describe_missing()}"
            )
        if self.spread == "rank":
            return evaluations.best(self.seeds)
        pool = evaluations.best(_POOL * self.seeds)
        chosen = [0]
        nearest = space.distances(pool[:1], pool)[0].astype(np.int64)
        while len(chosen) < self.seeds:
            nearest[chosen[-1]] = -1
            chosen.append(int(nearest.argmax()))
            nearest = np.minimum(nearest, space.distances(pool[chosen[-1:]], pool)[0])
        return pool[np.sort(chosen)]

    def _radius(self, space: Space, evaluations: Evaluations, before: int) -> int:
        """Return the radius of the next round; one that grew again would lower the mean whatever the seeds."""
        if isinstance(self.radius, int):
            return self.radius
        if before == 1:
            return 1
        measured = measured_radius(space, evaluations, self.seeds)
        evaluations.notes.append(measured)
        return min(before, measured.radius)

    def _check_target(self, space: Space, seeds: Rows, radius: int) -> None:
        if self.target_size is None:
            return
        smallest = balls(space, seeds[:1], radius).size_bounds[1]
        if smallest > self.target_size:
            raise SettingError(
                f"one seed and its neighbors are {smallest:,} networks, more than the target size of "
                f"{self.target_size:,}: raise it or lower the radius"
            )

    def _cut(self, space: Space, seeds: Rows, radius: int, size: int, evaluations: Evaluations) -> Subspace:
        """Return the balls of as many of the best seeds, one at least, as hold at most `size` networks."""
        fewest, most = 1, len(seeds)
        while fewest < most:
            count = (fewest + most + 1) // 2
            fits = balls(space, seeds[:count], radius).size_bounds[1] <= size
            fewest, most = (count, most) if fits else (fewest, count - 1)
        evaluations.notes.append(f"kept the {fewest} best of {len(seeds)} seeds, to hold at most {size:,} networks")
        return balls(space, seeds[:fewest], radius)
