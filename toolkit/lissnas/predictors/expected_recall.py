"""The recall that kernel shrinkage expects: how many of the best architectures of the space its result has.

From the predictions of a Gaussian process for the architectures that are kept, and for a random sample of the others.
The method is our own.
"""

from dataclasses import dataclass

import numpy as np

from lissnas.predictors.gaussian_process import GaussianProcess
from lissnas.spaces.space import Floats, Indices, Space
from lissnas.subspaces.subspace import ExplicitSubspace

REPRODUCIBLE = 0.5
"""Share of the noise variance that belongs to the architecture, and not to its measurement (our own choice).

The kernel cannot explain this part, but another measurement shows it again: validation and test accuracy are of the
same trained network. So a scored architecture moves by this share from its posterior mean towards its score.
"""

_SAMPLED_OTHERS = 2_000
"""Number of random architectures to estimate how many of the best are not kept (our own choice)."""

_MIN_DEGREES = 4
_EVALUATIONS_PER_DEGREE = 100
"""Degrees of freedom of the predicted scores: at least 4, and one more for every 100 evaluations (our own choice).

Many of the best are surprises: networks of low posterior mean. A normal distribution leaves them out, and expects up to
twice the recall that is found from 60 evaluations. Its variances are those of one set of kernel weights, which more
evaluations make certain. We also tried to scale the variances by leave-one-out residuals; it did not help.
"""

_MIN_SIGNIFICANCE = 3.0
"""How many standard errors leave-one-out predictions must be better than the mean score (our own choice)."""


class ExpectedSubspace(ExplicitSubspace):
    """A list of architectures with their predicted scores.

    Attributes
    ----------
    mean, spread
        Predicted score of each architecture and its standard deviation, shape (size,), in the order of `index`. The
        unit is normal scores: 0 is the median and 1 the 84th percentile of the architectures scored so far.
    expected_recall
        Expected share of the best architectures of the space in this list. Best means by the score that selected them.
        NaN where the size of the space is unknown, or where the evaluations are too few to say.
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


def expected_subspace(
    space: Space,
    process: GaussianProcess,
    scored: Indices,
    index: Indices,
    quantile: float,
    rng: np.random.Generator,
) -> ExpectedSubspace:
    """Return a list of architectures with the recall that a process expects of it.

    Parameters
    ----------
    space, process
        The search space, and the process given the scores so far.
    scored, index
        The scored architectures in the order of the process, and those to keep.
    quantile
        Share of the architectures of the space that count as best.
    rng
        The source of the sample of the others.
    """
    at_least, at_most = space.size_bounds
    kept = _Prediction.of(space, process, scored, index)
    mean, spread = kept.of_architecture
    if at_least < at_most:
        return ExpectedSubspace(space, index, mean, spread, float("nan"), float("nan"))
    drawn = np.setdiff1d(space.index(space.sample(min(_SAMPLED_OTHERS, space.size), rng)), index)
    if not _is_informative(process):
        return ExpectedSubspace(space, index, mean, spread, float("nan"), float("nan"))
    others = _Prediction.of(space, process, scored, drawn)
    weight = (space.size - len(index)) / max(len(drawn), 1)
    best, degrees = quantile * space.size, _MIN_DEGREES + len(scored) / _EVALUATIONS_PER_DEGREE
    selected = _expected_recall(kept.of_score, others.of_score, weight, best, degrees)
    reported = _expected_recall(kept.of_new_score, others.of_new_score, weight, best, degrees)
    return ExpectedSubspace(space, index, mean, spread, selected, reported)


def describe_expected_recall(subspace: ExpectedSubspace, quantile: float) -> str:
    """Return a sentence about the expected recall, or that the evaluations are too few to say."""
    best = f"the best {100 * quantile:g} %"
    if np.isnan(subspace.expected_recall):
        return (
            f"the evaluations are too few to say how many of {best} were kept: leaving out each score in turn, the "
            f"others do not predict it significantly better than their mean"
        )
    return (
        f"expected recall of {best}: {subspace.expected_recall:.2f} by the scores that select, "
        f"{subspace.expected_report_recall:.2f} by a new measurement"
    )


def _is_informative(process: GaussianProcess) -> bool:
    """Return whether the process predicts left-out scores significantly better than the mean of all scores, 0."""
    gains = process.targets**2 - process.leave_one_out_residuals() ** 2
    return bool(gains.mean() > _MIN_SIGNIFICANCE * gains.std(ddof=1) / np.sqrt(len(gains)))


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
        noise, again = process.noise, 1 - REPRODUCIBLE
        variance = spread**2 + REPRODUCIBLE * noise
        variance[known] = again * (REPRODUCIBLE * noise + again * spread[known] ** 2)
        score, score_variance = mean.copy(), spread**2 + noise
        score[known] += residual
        score_variance[known] = 0
        mean[known] += REPRODUCIBLE * residual
        return cls(
            (mean, np.sqrt(variance)), (score, np.sqrt(score_variance)), (mean, np.sqrt(variance + again * noise))
        )


def _expected_recall(
    kept: tuple[Floats, Floats], others: tuple[Floats, Floats], weight: float, best: float, degrees: float
) -> float:
    """Return the expected share of the `best` architectures among those kept.

    `kept` and `others` are means and standard deviations of Student's distribution with `degrees` of freedom. `others`
    is a sample whose members count `weight` times each. The best are those above the score that `best` architectures
    are expected to exceed.
    """
    from scipy.optimize import brentq
    from scipy.special import stdtr

    scale = np.sqrt((degrees - 2) / degrees)

    def count_above(scores: tuple[Floats, Floats], threshold: float) -> float:
        mean, spread = scores
        return float(stdtr(degrees, (mean - threshold) / np.maximum(scale * spread, 1e-9)).sum())

    def excess(threshold: float) -> float:
        # The logarithm is nearly linear in the threshold, so that few steps find its root.
        count = count_above(kept, threshold) + weight * count_above(others, threshold)
        return float(np.log(max(count, 1e-300) / best))

    return count_above(kept, brentq(excess, -20, 20, xtol=1e-6)) / best
