"""Two-fidelity shrinkage: kernel shrinkage whose kernel also sees scores that cost almost nothing.

Each round fits two Gaussian processes, one without the cheap scores and one with them. It uses the second only if that
predicts left-out architectures better by more than one standard error, weighted towards the best. So misleading scores
are ignored, and the run is the same as without them. A budget that is too small to judge the cheap scores spends half
of its first round where they promise much, as far as they agree with the other half, and ignores them after that. The
method and its constants are our own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import Evaluator
from lissnas.predictors.cheap_score_diagnosis import gain_at_the_top
from lissnas.predictors.cheap_score_kernel import cheap_score_component
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import GaussianProcess, WarmStartedFit
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.shrink import Shrinker
from lissnas.spaces.space import Floats, Rows, Space

_MIN_SCORES = 30
"""Minimum number of true scores to use the cheap ones (our own choice): with fewer they cannot be judged."""

_POOL = 2_000
"""Number of random architectures among which the promising ones are found (our own choice)."""

_PROMISING = 0.1
"""Share of them with the best weighted ranks by the cheap scores that counts as promising (our own choice)."""

_MIN_GAIN = 0.001
"""Minimum gain in nats (our own choice). If all cheap scores are equal, the two fits differ by less than that."""


def with_cheap_scores(shrinker: Shrinker, cheap: Sequence[Evaluator]) -> Shrinker:
    """Return kernel shrinkage with cheap scores and otherwise equal settings; any other shrinker unchanged.

    Examples
    --------
    >>> type(with_cheap_scores(KernelShrinkage(size=300), [lambda rows: rows.sum(axis=1)])).__name__
    'TwoFidelityShrinkage'
    """
    if not cheap or type(shrinker) is not KernelShrinkage:
        return shrinker
    settings = {each.name: getattr(shrinker, each.name) for each in fields(shrinker)}
    return TwoFidelityShrinkage(**settings, cheap=tuple(cheap))


@dataclass(frozen=True)
class TwoFidelityShrinkage(KernelShrinkage):
    """Kernel shrinkage with cheap scores: keeps the architectures that a Gaussian process expects to be best.

    Choose it over `KernelShrinkage` when you have scores of all architectures that cost almost nothing. All defaults
    are our own choice.

    Examples
    --------
    >>> TwoFidelityShrinkage(evaluations=50, cheap=(lambda rows: rows.sum(axis=1),)).evaluations
    50
    """

    cheap: tuple[Evaluator, ...] = ()
    """Evaluators of the cheap scores, at least one: a supernet, a zero-cost score, FLOPs. Larger need not be better."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cheap:
            raise SettingError("no cheap scores were given: use kernel shrinkage without them")

    def _first_rows(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Rows:
        """Return random architectures; if the budget is too small to judge the cheap scores, half are promising.

        The weight of each cheap score is its rank correlation with the true scores of the random half, so it may be
        negative.
        """
        rows = super()._first_rows(space, evaluations, rng)
        if self.evaluations >= _MIN_SCORES:
            return rows
        random = rows[self.first // 2 :]
        truth = _ranks(evaluations(random)) - 0.5
        pool = space.sample(min(_POOL, space.size_bounds[1]), rng)
        merit = sum(float(truth @ _ranks(cheap(random))) * _ranks(cheap(pool)) for cheap in self.cheap)
        best = pool[np.argsort(-merit, kind="stable")[: math.ceil(_PROMISING * len(pool))]]
        best = best[~np.isin(space.index(best), space.index(random))]
        promising = best[rng.permutation(len(best))[: self.first - len(random)]]
        return np.concatenate([random, promising, rows[: self.first - len(random) - len(promising)]])

    def _learner(self, space: Space, rng: np.random.Generator) -> Callable[[Rows, Floats], GaussianProcess]:
        components = kernel_components(space)
        without = WarmStartedFit(DistanceKernel(components))
        joined = WarmStartedFit(DistanceKernel([*components, cheap_score_component(space, self.cheap, rng)]))

        def learn(rows: Rows, targets: Floats) -> GaussianProcess:
            plain, both = without(rows, targets), joined(rows, targets)
            gain, error = gain_at_the_top(plain, both, targets)
            helps = len(rows) >= _MIN_SCORES and bool(gain > error) and bool(gain > _MIN_GAIN)
            return both if helps else plain

        return learn


def _ranks(scores: Floats) -> Floats:
    """Return the rank of each score from 0 to 1, one half on average and where it is missing."""
    from scipy.stats import rankdata

    known = ~np.isnan(scores)
    ranks = np.full(len(scores), 0.5)
    ranks[known] = (rankdata(scores[known]) - 0.5) / max(known.sum(), 1)
    return ranks
