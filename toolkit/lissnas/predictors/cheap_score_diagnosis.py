"""Diagnosis of cheap scores: whether they help or hurt at the top, from a few dozen true accuracies.

Two Gaussian processes, one without the cheap scores and one with them, predict each architecture from all others. The
gain in log density of the second is averaged over the architectures; the weight of each is the share of the others that
it exceeds. The diagnosis is our own. The predictions are in closed form (Rasmussen and Williams, 2006, equations 5.10
to 5.12).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.predictors.cheap_score_kernel import cheap_score_component
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import GaussianProcess, fit_gaussian_process, normal_scores
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.statistics.estimate import Estimate, normal_estimate
from lissnas.statistics.rank_correlation import rank_agreement

_MIN_ACCURACIES = 20
"""Minimum number of true accuracies for a diagnosis (our own choice)."""


@dataclass(frozen=True)
class CheapScoreDiagnosis:
    """Evidence from a few true accuracies whether cheap scores help.

    Attributes
    ----------
    evaluations
        Number of true accuracies.
    gain
        Increase of the log density of a left-out accuracy by the cheap scores, in nats, weighted towards the best. The
        interval assumes independent architectures, although they share one fit, so it is too narrow: for pure noise it
        contains the expected gain in 76 % of all cases (`tests/coverage`), and 7 of 120 noises were reported to help
        (2.5 % would be 3).
    alone
        Kendall's tau of each cheap score with the true accuracies of the better half; NaN where the score is missing or
        equal for nearly all.
    """

    evaluations: int
    gain: Estimate
    alone: tuple[Estimate, ...]

    @property
    def verdict(self) -> str:
        """Either "help", "hurt" or "unclear"."""
        if self.gain.low > 0:
            return "help"
        return "hurt" if self.gain.high < 0 else "unclear"

    def __str__(self) -> str:
        conclusion = {
            "help": "joined with the true accuracies, the cheap scores help at the top",
            "hurt": "joined with the true accuracies, the cheap scores hurt at the top: leave them out",
            "unclear": "it is unclear whether the cheap scores help at the top: leave them out",
        }[self.verdict]
        misleading = [number for number, tau in enumerate(self.alone) if tau.high < 0]
        uninformative = [number for number, tau in enumerate(self.alone) if tau.low <= 0 <= tau.high]
        alone = "".join(
            f"; alone, {len(numbers)} of {len(self.alone)} scores (number {', '.join(map(str, numbers))}) {finding}"
            for numbers, finding in (
                (misleading, "reverse the better half"),
                (uninformative, "do not rank the better half significantly"),
            )
            if numbers
        )
        return (
            f"From {self.evaluations} true accuracies, {conclusion} "
            f"(gain {self.gain.value:+.2f} nats, 95 % interval {self.gain.low:+.2f} to {self.gain.high:+.2f}){alone}."
        )


def diagnose_cheap_scores(
    space: Space, rows: Rows, accuracies: Floats, cheap: Sequence[Evaluator], rng: np.random.Generator
) -> CheapScoreDiagnosis:
    """Return whether cheap scores help at the top, with the evidence.

    Parameters
    ----------
    space
        The search space.
    rows, accuracies
        Different architectures and their true accuracies, shapes (n, genes) and (n,). At least 20; 50 are informative.
    cheap
        Evaluators of the cheap scores. A larger score need not be better.
    rng
        The source of the bootstrap draws of tau, and of the reference architectures in a huge space.

    Raises
    ------
    SettingError
        If there are fewer than 20 accuracies, or all are equal.
    """
    if len(rows) < _MIN_ACCURACIES:
        raise SettingError(f"{len(rows)} true accuracies are too few for a diagnosis: give at least {_MIN_ACCURACIES}")
    targets = normal_scores(accuracies)
    components = kernel_components(space)
    without = fit_gaussian_process(DistanceKernel(components), rows, targets)
    joined = fit_gaussian_process(
        DistanceKernel([*components, cheap_score_component(space, cheap, rng)]), rows, targets
    )
    is_better = accuracies >= np.median(accuracies)
    alone = tuple(_tau(accuracies[is_better], evaluator(rows[is_better]), rng) for evaluator in cheap)
    return CheapScoreDiagnosis(len(rows), normal_estimate(*gain_at_the_top(without, joined, targets)), alone)


def gain_at_the_top(without: GaussianProcess, joined: GaussianProcess, targets: Floats) -> tuple[Floats, Floats]:
    """Return the mean gain in log density of left-out rows, weighted towards the best, and its standard error."""
    from scipy.stats import rankdata

    gains = joined.leave_one_out_log_densities() - without.leave_one_out_log_densities()
    gains *= 2 * (rankdata(targets) - 0.5) / len(targets)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


def _tau(accuracies: Floats, cheap: Floats, rng: np.random.Generator) -> Estimate:
    known = ~np.isnan(cheap)
    if known.sum() < 2 or min(np.ptp(cheap[known]), np.ptp(accuracies[known])) == 0:
        missing = np.array(np.nan)
        return Estimate(missing, missing, missing)
    return rank_agreement(accuracies, cheap, rng, share=0.5).tau
