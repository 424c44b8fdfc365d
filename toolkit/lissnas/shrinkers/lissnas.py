"""LISSNAS: sample, keep the neighbors of the best architectures, and repeat until the mean stops rising.

Gopal, Sridhar, Zhang and Chen, "LISSNAS: Locality-based Iterative Search Space Shrinkage for Neural Architecture
Search", IJCAI 2023. The authors published no code, so we follow the outline in the paper: take seeds from the best
samples, rely on locality for good neighbors, and repeat until the average accuracy stops rising. Every number and rule
that the outline leaves open is our own choice. The last step with a model is ours, too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.locality.measured_radius import measured_radius
from lissnas.predictors.best_predicted import best_predicted
from lissnas.predictors.predictor import Prediction, predictor_class
from lissnas.setting_checks import check_share
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.statistics.sampled_subspace import SampledMean, estimate_mean
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from lissnas.subspaces.union_of_balls import balls

_POOL = 4
"""With `spread="distance"`, the pool of candidate seeds is this many times `seeds` (our own choice)."""


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
    """LISSNAS: keeps the best architectures scored so far and all their neighbors, so many pockets remain.

    Choose it where locality is high, and to compare with the paper. Where evaluations are expensive, `KernelShrinkage`
    needs fewer. All defaults are our own choice. Gopal, Sridhar, Zhang and Chen, IJCAI 2023.

    Examples
    --------
    >>> Lissnas(confidence=0.95, quantile=0.01).sample_size
    299
    """

    bibtex: ClassVar[str] = _BIBTEX

    confidence: float = 0.95
    """Probability that the sample of a round has at least one architecture of the best `quantile`; the two set the
    sample size."""

    quantile: float = 0.01
    """Share of the architectures that count as best for the sample size: 0.95 and 0.01 give 299 architectures."""

    seeds: int = 30
    """Number of seeds: the best architectures scored so far, which are kept with their neighbors."""

    radius: int | Literal["measured"] = 1
    """Maximum edit distance from a seed to the neighbors that are kept. "measured" starts at up to 2 edits, and falls
    to 1 in the first round whose measured locality does not support 2."""

    max_rounds: int = 10
    """Maximum number of rounds."""

    spread: Literal["rank", "distance"] = "rank"
    """How seeds are chosen: "rank" takes the best; "distance" takes those far apart among the best 4 * `seeds`."""

    stop: Literal["plateau", "rounds"] = "plateau"
    """When to stop: "plateau" stops once the mean no longer rises by one standard error; "rounds" after all rounds."""

    patience: int = 3
    """Number of rounds in a row without a higher mean after which "plateau" stops. 1 stops at the first, so that one
    unlucky sample ends the run."""

    target_size: int | None = None
    """Maximum size of the result in architectures. The run stops once a round is that small; if none is, the method
    drops the lowest seeds of the last round."""

    model: str | None = None
    """Predictor that chooses the result, such as "gp" or "extra-trees": it is fitted to all scores of the run, and as
    many architectures remain as without it, those with the highest predictions. Without a model the balls stay."""

    def __post_init__(self) -> None:
        check_share(self, "confidence", "quantile")
        for name in ("seeds", "radius", "max_rounds", "patience", "target_size"):
            if isinstance(getattr(self, name), int) and getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name, words in (("spread", ("rank", "distance")), ("stop", ("plateau", "rounds"))):
            if getattr(self, name) not in words:
                raise SettingError(f"{name} must be '{words[0]}' or '{words[1]}', not '{getattr(self, name)}'")
        if not isinstance(self.radius, int) and self.radius != "measured":
            raise SettingError(f"radius must be a number of edits or 'measured', not '{self.radius}'")
        if self.model is not None:
            predictor_class(self.model)
        if self.seeds > self.sample_size:
            raise SettingError(f"{self.seeds} seeds cannot be taken from a sample of {self.sample_size}: use fewer")

    @property
    def sample_size(self) -> int:
        """Number of architectures in a sample: ln(1 - confidence) / ln(1 - quantile), rounded up."""
        return math.ceil(math.log1p(-self.confidence) / math.log1p(-self.quantile))

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        self._check(space)
        subspace: Subspace | None = None
        for subspace in self._balls(space, evaluations, rng):
            yield subspace
        if self.model is not None and subspace is not None:
            yield self._best_predicted(subspace, evaluations, rng)

    def _balls(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        """Yield the balls of each round that raised the mean, and their cut to the target size."""
        reference = estimate_mean(FullSpace(space), self.sample_size, evaluations, rng)
        evaluations.check_that_scores_differ()
        selected: tuple[Rows, int] | None = None
        radius, rounds_without_rise = space.genes, 0
        for number in range(1, self.max_rounds + 1):
            seeds, radius = self._seeds(space, evaluations), self._radius(space, evaluations, radius)
            self._check_target(space, seeds, radius)
            subspace = balls(space, seeds, radius)
            if self.stop == "plateau":
                mean = estimate_mean(subspace, self.sample_size, evaluations, rng)
                if not mean.exceeds(reference):
                    rounds_without_rise += 1
                    if rounds_without_rise < self.patience:
                        continue
                    evaluations.notes.append(self._describe_plateau(number, mean, reference))
                    break
                reference, rounds_without_rise = mean, 0
            elif number < self.max_rounds:
                estimate_mean(subspace, self.sample_size, evaluations, rng)
            selected = seeds, radius
            yield subspace
            if self.target_size is not None and subspace.size_bounds[1] <= self.target_size:
                evaluations.notes.append(
                    f"stopped after round {number}: at most {self.target_size:,} networks are left"
                )
                return
        else:
            evaluations.notes.append(f"stopped after all {self.max_rounds} rounds")
        if self.target_size is not None:
            yield self._cut(space, *(selected or (seeds, radius)), self.target_size, evaluations)
        elif selected is None:
            evaluations.notes.append(
                f"no round raised the mean of {space.name}, so all of it is kept; measure its locality before you "
                f"shrink it"
            )

    def _best_predicted(self, subspace: Subspace, evaluations: Evaluations, rng: np.random.Generator) -> Subspace:
        """Return as many architectures as the balls have: those with the highest predictions."""
        space, kept = subspace.space, subspace.index
        predict = self._fitted(space, evaluations, rng)
        best = best_predicted(space, predict, len(kept), np.union1d(kept, evaluations.index), rng)
        evaluations.notes.append(
            f"kept the {len(kept):,} networks with the highest predictions of {self.model}, which was fitted to "
            f"{len(evaluations.scores):,} scores"
        )
        return ExplicitSubspace(space, best)

    def _fitted(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Prediction:
        """Return the predictions of the model; whatever goes wrong in them is a SettingError that names the model."""
        assert self.model is not None
        count = len(evaluations.scores)
        try:
            predict = predictor_class(self.model)().fit(space, evaluations.rows, evaluations.scores, rng)
        except Exception as error:
            raise SettingError(f"the model {self.model} cannot be fitted to {count:,} scores: {error}") from error

        def checked(rows: Rows) -> Floats:
            predicted = predict(rows)
            if missing := int(np.count_nonzero(~np.isfinite(predicted))):
                raise SettingError(
                    f"the model {self.model}, fitted to {count:,} scores, predicts NaN or infinity for {missing:,} of "
                    f"{len(rows):,} networks: choose another model"
                )
            return predicted

        return checked

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
        """Return the seeds, best first.

        By distance, each next seed is the farthest from all seeds before it; of equally far ones the better. This is
        the greedy rule of Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
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
        """Return the radius of the next round. It never grows: a larger radius lowers the mean for any seeds."""
        if isinstance(self.radius, int):
            return self.radius
        if before == 1:
            return 1
        measured = measured_radius(space, evaluations, self.seeds)
        evaluations.notes.append(measured)
        return min(before, measured.radius)

    def _describe_plateau(self, number: int, mean: SampledMean, reference: SampledMean) -> str:
        if self.patience == 1:
            return f"stopped in round {number}: its mean {mean} is not one standard error above {reference}"
        return (
            f"stopped in round {number}: the mean of each of the last {self.patience} rounds is not one standard error "
            f"above {reference}; the last is {mean}"
        )

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
        """Return the balls of the best seeds: as many as fit into `size` architectures, and at least one."""
        fewest, most = 1, len(seeds)
        while fewest < most:
            count = (fewest + most + 1) // 2
            fits = balls(space, seeds[:count], radius).size_bounds[1] <= size
            fewest, most = (count, most) if fits else (fewest, count - 1)
        evaluations.notes.append(
            f"kept the {fewest} best of {len(seeds)} seeds, so that at most {size:,} networks are left"
        )
        return balls(space, seeds[:fewest], radius)


@dataclass(frozen=True)
class LissnasWithModel(Lissnas):
    """LISSNAS whose result a predictor chooses: the architectures with the highest predictions, as many as the balls.

    It makes the evaluations of `Lissnas` and keeps as many architectures. Choose it where locality is high and you need
    no balls. The last step is our own. Gopal, Sridhar, Zhang and Chen, IJCAI 2023.

    Examples
    --------
    >>> LissnasWithModel().model
    'gp'
    """

    model: str | None = "gp"
    """Predictor that chooses the result, such as "gp" or "extra-trees". Without a model the balls stay."""
