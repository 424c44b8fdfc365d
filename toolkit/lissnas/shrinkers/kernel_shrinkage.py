"""Kernel shrinkage: keep the architectures that a Gaussian process expects to be the best.

The method is our own. Locality says that near architectures score alike; a kernel says how alike. From a few dozen
scores a Gaussian process predicts every other score, with its uncertainty. Each round scores the most uncertain of the
architectures that the method would keep at that point.

docs/methods/kernel.md reports the measurements of tests/speed/kernel_recall.py. The kernel, and which and how many
architectures a round scores, were chosen by recall on some of those tables: the other tables are the real check.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.predictors.best_predicted import best_predicted
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import GaussianProcess, WarmStartedFit, normal_scores
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.setting_checks import check_at_least_one, check_between, check_share
from lissnas.spaces.space import Floats, Indices, Rows, Space
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace

_SAMPLED_OTHERS = 2_000
"""Number of random architectures to estimate how many of the best are not kept (our own choice)."""

_STRAY_POOL = 1_000
"""Size of the random pool from which the strays of a round are drawn (our own choice)."""

_BATCH_DIVISOR = 8
"""A round scores at least 1/8 of what was scored before it: fewer rounds are faster, and found as many of the best."""

_REPRODUCIBLE = 0.5
"""Share of the noise variance that belongs to the architecture, and not to its measurement (our own choice).

The kernel cannot explain this part, but another measurement shows it again: validation and test accuracy are of the
same trained network. So a scored architecture moves by this share from its posterior mean towards its score.
"""

_DEGREES_OF_FREEDOM = 5
"""Degrees of freedom of the predicted scores in the expected recall (our own choice).

Many of the best are surprises: networks of low posterior mean. A normal distribution leaves them out, and expects up to
twice the recall that is found. The scores so far cannot show them: nearly all were chosen for their high mean.
"""

_CACHED_NUMBERS = 2**23
"""Maximum number of features of all architectures of a space that are kept between rounds: 64 MB."""

_CHUNK = 8192
"""Number of architectures to rank in one batch: bounds the memory."""


class ExpectedSubspace(ExplicitSubspace):
    """A list of architectures with their predicted scores.

    Attributes
    ----------
    mean, spread
        Predicted score of each architecture and its standard deviation, shape (size,), in the order of `index`. The
        unit is normal scores: 0 is the median and 1 the 84th percentile of the architectures scored so far.
    expected_recall
        Expected share of the best architectures of the space in this list. Best means by the score that selected them.
        NaN where the size of the space is unknown.
    expected_report_recall
        The same, where best means by a new measurement, with the noise that the process was fitted with. It is usually
        lower, because noise decides which of the good architectures are the best.
    """

    def __init__(
        self,
        space: Space,
        index: Indices,
        mean: Floats,
        spread: Floats,
        expected_recall: float,
        expected_report_recall: float,
    ) -> None:
        super().__init__(space, index)
        order = np.argsort(index)
        self.mean = mean[order]
        self.spread = spread[order]
        self.expected_recall = expected_recall
        self.expected_report_recall = expected_report_recall


@dataclass(frozen=True)
class KernelShrinkage:
    """Kernel shrinkage: keeps the architectures that a Gaussian process expects to be best; many pockets remain.

    Choose it where evaluations are expensive. Its time grows with the cube of the evaluations. The method and all
    defaults are our own choice.

    Examples
    --------
    >>> KernelShrinkage(evaluations=50, size=300).first
    20
    """

    evaluations: int = 150
    """Number of architectures to score in all."""

    size: int = 500
    """Number of architectures to keep."""

    first: int = 20
    """Number of evaluations in the first round, on random architectures of the space."""

    batch: int = 10
    """Number of evaluations in each later round, or an eighth of those before it if that is more. Most go to the most
    uncertain of the architectures that would be kept at that point."""

    strays: int = 2
    """Number of architectures of a batch drawn from the rest, by their probability of belonging to the best `size`."""

    quantile: float = 0.01
    """Share of the architectures that count as best for the expected recall."""

    candidates: int = 20_000
    """Number of random architectures that a round ranks where the space cannot be enumerated, besides the neighbors of
    the best."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations", "size", "first", "batch", "candidates")
        if self.first < 3 or self.evaluations < self.first:
            raise SettingError(
                f"the first round must score at least 3 networks and at most all {self.evaluations}, not {self.first}"
            )
        check_between(self, 0, math.inf, "strays")
        check_share(self, "quantile")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        at_most = space.size_bounds[1]
        for name in ("evaluations", "size"):
            if getattr(self, name) > at_most:
                raise SettingError(
                    f"{name} of {getattr(self, name):,} is more than the {at_most:,} networks of {space.name}"
                )
        learn = self._learner(space, rng)
        rank = _Ranking(space, self.size + self.evaluations, self.candidates)
        drawn = self._first_rows(space, evaluations, rng)
        evaluated = space.index(drawn)
        while True:
            evaluations(drawn)
            process = learn(evaluations.rows, normal_scores(evaluations.scores))
            ranked = rank(process, evaluations.index, rng)
            yield self._subspace(space, process, evaluations.index, ranked[: self.size], rng)
            full_batch = max(self.batch, len(evaluated) // _BATCH_DIVISOR)
            batch = min(full_batch, self.evaluations - len(evaluated))
            if batch == 0:
                return
            unscored = ranked[~np.isin(ranked, evaluated)][: max(self.size, batch)]
            threshold = process.mean(space.rows(ranked[self.size - 1 : self.size]))[0]
            known = np.concatenate([evaluated, ranked[: self.size], unscored])
            max_strays = min(self.strays * full_batch // self.batch, batch)
            strays = _draw_above(space, process, threshold, known, max_strays, rng)
            uncertain = unscored[process.most_uncertain(space.rows(unscored), batch - len(strays))]
            evaluated = np.concatenate([evaluated, uncertain, strays])
            drawn = space.rows(evaluated[-batch:])

    def _first_rows(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Rows:
        """Return the architectures of the first round."""
        return space.sample(self.first, rng)

    def _learner(self, space: Space, rng: np.random.Generator) -> Callable[[Rows, Floats], GaussianProcess]:
        """Return the function that fits a Gaussian process to all rows scored so far and their normal scores."""
        return WarmStartedFit(DistanceKernel(kernel_components(space)))

    def _subspace(
        self, space: Space, process: GaussianProcess, scored: Indices, index: Indices, rng: np.random.Generator
    ) -> ExpectedSubspace:
        """Return the architectures to keep, with the recall expected from them and a sample of the others."""
        at_least, at_most = space.size_bounds
        kept = _Prediction.of(space, process, scored, index)
        mean, spread = kept.of_architecture
        if at_least < at_most:
            return ExpectedSubspace(space, index, mean, spread, float("nan"), float("nan"))
        drawn = np.setdiff1d(space.index(space.sample(min(_SAMPLED_OTHERS, space.size), rng)), index)
        others = _Prediction.of(space, process, scored, drawn)
        weight = (space.size - len(index)) / max(len(drawn), 1)
        best = self.quantile * space.size
        selected = _expected_recall(kept.of_score, others.of_score, weight, best)
        reported = _expected_recall(kept.of_new_score, others.of_new_score, weight, best)
        return ExpectedSubspace(space, index, mean, spread, selected, reported)


@dataclass(frozen=True)
class _Prediction:
    """What a process predicts of some architectures, each as means and standard deviations.

    Attributes
    ----------
    of_architecture
        The score without the noise of measurements.
    of_score
        The score that was or would be measured. Those of scored architectures are known.
    of_new_score
        A new measurement.
    """

    of_architecture: tuple[Floats, Floats]
    of_score: tuple[Floats, Floats]
    of_new_score: tuple[Floats, Floats]

    @classmethod
    def of(cls, space: Space, process: GaussianProcess, scored: Indices, index: Indices) -> "_Prediction":
        mean, spread = process.mean_and_spread(space.rows(index))
        position = {place: number for number, place in enumerate(scored.tolist())}
        places = [(number, position[place]) for number, place in enumerate(index.tolist()) if place in position]
        known, numbers = np.array(places, dtype=np.int64).reshape(-1, 2).T
        residual = process.scored_residuals()[numbers]
        noise, again = process.noise, 1 - _REPRODUCIBLE
        variance = spread**2 + _REPRODUCIBLE * noise
        variance[known] = again * (_REPRODUCIBLE * noise + again * spread[known] ** 2)
        score, score_variance = mean.copy(), spread**2 + noise
        score[known] += residual
        score_variance[known] = 0
        mean[known] += _REPRODUCIBLE * residual
        return cls(
            (mean, np.sqrt(variance)), (score, np.sqrt(score_variance)), (mean, np.sqrt(variance + again * noise))
        )


def _draw_above(
    space: Space,
    process: GaussianProcess,
    threshold: float,
    known: Indices,
    count: int,
    rng: np.random.Generator,
) -> Indices:
    """Draw up to `count` architectures that are not `known`, by their probability of exceeding the threshold.

    Without these draws, architectures that the first scores wrongly rule out would never be scored.
    """
    from scipy.special import ndtr

    others = space.index(space.sample(min(_STRAY_POOL, space.size_bounds[1]), rng))
    others = others[~np.isin(others, known)]
    mean, spread = process.mean_and_spread(space.rows(others))
    chances = ndtr((mean - threshold) / np.maximum(spread, 1e-9))
    count = min(count, int(np.count_nonzero(chances)))
    return rng.choice(others, count, replace=False, p=chances / chances.sum()) if count else others[:0]


class _Ranking:
    """Ranks the architectures of a space by their expected scores.

    Where the space cannot be enumerated, the candidates are a random draw, the scored architectures, and the neighbors
    of the best.
    """

    def __init__(self, space: Space, count: int, candidates: int) -> None:
        self._space = space
        self._count = count
        self._candidates = candidates
        self._features: dict[DistanceKernel, list[Floats]] = {}

    def __call__(self, process: GaussianProcess, scored: Indices, rng: np.random.Generator) -> Indices:
        """Return the places of the architectures with the highest expected scores, best first."""
        moves = _REPRODUCIBLE * process.scored_residuals()
        if self._space.enumerable:
            expected = process.mean_of(self._all_features(process.kernel))
            expected[scored] += moves
            return np.argsort(-expected, kind="stable")[: self._count]
        order = np.argsort(scored)
        in_order = scored[order]

        def predict(rows: Rows) -> Floats:
            index = self._space.index(rows)
            place = np.minimum(np.searchsorted(in_order, index), len(in_order) - 1)
            return process.mean(rows) + np.where(in_order[place] == index, moves[order[place]], 0)

        drawn = self._space.index(self._space.sample(max(self._candidates, self._count), rng))
        return best_predicted(self._space, predict, self._count, np.union1d(scored, drawn))

    def _all_features(self, kernel: DistanceKernel) -> Iterable[Floats]:
        """Return the features of all architectures of an enumerable space in batches; few enough are kept."""
        if kernel in self._features:
            return self._features[kernel]
        rows = self._space.all_rows()
        batches = (kernel.features(rows[first : first + _CHUNK]) for first in range(0, len(rows), _CHUNK))
        if len(rows) * kernel.feature_count > _CACHED_NUMBERS:
            return batches
        return self._features.setdefault(kernel, list(batches))


def _expected_recall(kept: tuple[Floats, Floats], others: tuple[Floats, Floats], weight: float, best: float) -> float:
    """Return the expected share of the `best` architectures among those kept.

    `kept` and `others` are means and standard deviations. `others` is a sample whose members count `weight` times each.
    The best are those above the score that `best` architectures are expected to exceed.
    """
    from scipy.optimize import brentq
    from scipy.special import stdtr

    scale = np.sqrt((_DEGREES_OF_FREEDOM - 2) / _DEGREES_OF_FREEDOM)

    def count_above(scores: tuple[Floats, Floats], threshold: float) -> float:
        mean, spread = scores
        return float(stdtr(_DEGREES_OF_FREEDOM, (mean - threshold) / np.maximum(scale * spread, 1e-9)).sum())

    threshold = brentq(lambda t: count_above(kept, t) + weight * count_above(others, t) - best, -20, 20, xtol=1e-6)
    return count_above(kept, threshold) / best
