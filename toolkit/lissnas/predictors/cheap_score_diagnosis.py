"""Diagnosis: whether cheap scores help or hurt at the top, told from a few dozen true accuracies.

Two Gaussian processes, one without the cheap scores and one with them, predict each network from all the others; what
the second gains in log density is averaged over the networks, each weighing as much as the share of the others that it
exceeds. Our own; the predictions are in closed form (Rasmussen and Williams, 2006, equations 5.10 to 5.12).
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
from lissnas.statistics.estimate import Estimate, with_error
from lissnas.statistics.rank_correlation import rank_agreement

_FEWEST = 20
"""From how few true accuracies on a diagnosis is made."""


@dataclass(frozen=True)
class CheapScoreDiagnosis:
    """What a few true accuracies say of cheap scores.

    Attributes
    ----------
    evaluations
        How many true accuracies it rests on.
    gain
        By how much the cheap scores raise the log density of a left-out accuracy, in nats, the best weighing most. The
        interval takes networks as independent, though they share one fit, and is too narrow: of 120 pure noises, 7 were
        said to help (2.5 % would be 3).
    alone
        For each cheap score Kendall's tau with the true accuracies among the better half of them; NaN where it is
        missing or the same for nearly all.
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
        what = {
            "help": "joined with the true accuracies, the cheap scores help at the top",
            "hurt": "joined with the true accuracies, the cheap scores hurt at the top: leave them out",
            "unclear": "it cannot be told whether the cheap scores help at the top: leave them out",
        }[self.verdict]
        misleading = [number for number, tau in enumerate(self.alone) if tau.high < 0]
        blind = [number for number, tau in enumerate(self.alone) if tau.low <= 0 <= tau.high]
        alone = "".join(
            f"; alone, {len(numbers)} of {len(self.alone)} scores (number {', '.join(map(str, numbers))}) {does}"
            for numbers, does in (
                (misleading, "would reverse the better half"),
                (blind, "cannot be shown to rank the better half"),
            )
            if numbers
        )
        return (
            f"From {self.evaluations} true accuracies, {what} "
            f"(gain {self.gain.value:+.2f} nats, 95 % interval {self.gain.low:+.2f} to {self.gain.high:+.2f}){alone}."
        )


def diagnose(
    space: Space, rows: Rows, accuracies: Floats, cheap: Sequence[Evaluator], rng: np.random.Generator
) -> CheapScoreDiagnosis:
    """Tell whether cheap scores help at the top.

    Parameters
    ----------
    space
        The space.
    rows, accuracies
        Different networks and their true accuracies, shapes (n, genes) and (n,); 50 say much, fewer than 20 nothing.
    cheap
        The cheap scores; a larger one need not be better.
    rng
        For the bootstrap of tau, and for the networks among which a score has its place in a huge space.

    Raises
    ------
    SettingError
        If there are too few accuracies, or all are equal.
    """
    if len(rows) < _FEWEST:
        raise SettingError(f"{len(rows)} true accuracies are too few for a diagnosis: give at least {_FEWEST}")
    targets = normal_scores(accuracies)
    parts = kernel_components(space)
    without = fit_gaussian_process(DistanceKernel(parts), rows, targets)
    joined = fit_gaussian_process(DistanceKernel([*parts, cheap_score_component(space, cheap, rng)]), rows, targets)
    better = accuracies >= np.median(accuracies)
    alone = tuple(_tau(accuracies[better], evaluator(rows[better]), rng) for evaluator in cheap)
    return CheapScoreDiagnosis(len(rows), with_error(*gain_at_the_top(without, joined, targets)), alone)


def gain_at_the_top(without: GaussianProcess, joined: GaussianProcess, targets: Floats) -> tuple[Floats, Floats]:
    """Return the mean gain in log density of left-out networks, the best weighing most, and its standard error."""
    from scipy.stats import rankdata

    gains = joined.leave_one_out_log_densities(targets) - without.leave_one_out_log_densities(targets)
    gains *= 2 * (rankdata(targets) - 0.5) / len(targets)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


def _tau(accuracies: Floats, cheap: Floats, rng: np.random.Generator) -> Estimate:
    known = ~np.isnan(cheap)
    if known.sum() < 2 or min(np.ptp(cheap[known]), np.ptp(accuracies[known])) == 0:
        nothing = np.array(np.nan)
        return Estimate(nothing, nothing, nothing)
    return rank_agreement(accuracies, cheap, rng, share=0.5).tau
