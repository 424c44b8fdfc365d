"""Kernel shrinkage: locality made statistical; keep the networks that a Gaussian process expects to be the best.

The method is ours. Locality says that near networks score alike; a kernel says how alike, and a Gaussian process draws
from a few dozen scores what to expect of every other network, and how surely. Each round scores those of the networks
that the method would keep by then of which it is the least sure.

docs/methods/kernel.md holds what tests/speed/kernel_recall.py measured. The kernel, and which networks are scored in a
round and how many, were chosen by recall on some of those tables: tables not used for it are the real check.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluator import Evaluations
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.gaussian_process import GaussianProcess, WarmStartedFit, normal_scores
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.spaces.space import Floats, Indices, Rows, Space
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace

_SAMPLED_OTHERS = 4_000
"""From how many networks of the space it is estimated what those not kept may hold."""

_SAMPLED_STRAYS = 1_000
"""From how many networks of the space those of a round are drawn that would not be kept."""

_SCORED_BEFORE = 15
"""For so many networks scored before it a round scores one at least: a thousand evaluations take minutes otherwise."""

_EXPANDED_AT_ONCE = 100
_MAX_EXPANSIONS = 30
"""How far the search for the best goes in a space that cannot be enumerated: so many times so many are expanded."""


class ExpectedSubspace(ExplicitSubspace):
    """Networks kept for what is expected of them.

    Attributes
    ----------
    mean, spread
        What is expected of each, in the order of `index`, and the standard deviation, in normal scores: 0 is the median
        and 1 the 84th percentile of the networks scored so far. Shape (size,).
    expected_recall
        The share of the space's best that these are expected to hold; best by the scores that selected them, without
        their noise. NaN where it is not known how many networks the space has.
    """

    def __init__(self, space: Space, index: Indices, mean: Floats, spread: Floats, expected_recall: float) -> None:
        super().__init__(space, index)
        order = np.argsort(index)
        self.mean = mean[order]
        self.spread = spread[order]
        self.expected_recall = expected_recall


@dataclass(frozen=True)
class KernelShrinkage:
    """Settings of kernel shrinkage; all defaults are our own choice."""

    evaluations: int = 150
    """How many networks are scored in all."""

    size: int = 500
    """How many networks to keep."""

    first: int = 20
    """How many of the evaluations are spent first, on networks drawn from the whole space."""

    batch: int = 10
    """How many are spent in each later round, most on the least sure of those that would be kept by then; a fifteenth
    of those spent before it if that is more."""

    strays: int = 2
    """How many of a batch are drawn from the rest, each with the chance that it should be kept as well."""

    quantile: float = 0.01
    """The share of networks that count as best for the expected recall."""

    candidates: int = 20_000
    """How many random networks a round looks at where the space cannot be enumerated, beside the best's neighbors."""

    def __post_init__(self) -> None:
        for name in ("evaluations", "size", "first", "batch", "candidates"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.first < 3 or self.evaluations < self.first:
            raise SettingError(
                f"the first round must score at least 3 networks and at most all {self.evaluations}, not {self.first}"
            )
        if self.strays < 0:
            raise SettingError(f"strays must be at least 0, not {self.strays}")
        if not 0 < self.quantile < 1:
            raise SettingError(f"quantile must lie between 0 and 1, not be {self.quantile}")

    def rounds(self, space: Space, evaluations: Evaluations, rng: np.random.Generator) -> Iterator[Subspace]:
        at_most = space.size_bounds[1]
        for name in ("evaluations", "size"):
            if getattr(self, name) > at_most:
                raise SettingError(
                    f"{name} of {getattr(self, name):,} is more than the {at_most:,} networks of {space.name}"
                )
        learn = self._learner(space, rng)
        drawn = space.sample(self.first, rng)
        asked = space.index(drawn)
        while True:
            evaluations(drawn)
            process = learn(evaluations.rows, normal_scores(evaluations.scores))
            ranked = _ranked(space, process, evaluations.rows, self.size + self.evaluations, self.candidates, rng)
            yield self._kept(space, process, ranked[: self.size], rng)
            whole_batch = max(self.batch, len(asked) // _SCORED_BEFORE)
            batch = min(whole_batch, self.evaluations - len(asked))
            if batch == 0:
                return
            unseen = ranked[~np.isin(ranked, asked)][: max(self.size, batch)]
            threshold = process.mean(space.rows(ranked[self.size - 1 : self.size]))[0]
            known = np.concatenate([asked, ranked[: self.size], unseen])
            most_strays = min(self.strays * whole_batch // self.batch, batch)
            strays = _drawn_above(space, process, threshold, known, most_strays, rng)
            sure = unseen[process.most_uncertain(space.rows(unseen), batch - len(strays))]
            asked = np.concatenate([asked, sure, strays])
            drawn = space.rows(asked[-batch:])

    def _learner(self, space: Space, rng: np.random.Generator) -> Callable[[Rows, Floats], GaussianProcess]:
        """Return what learns from all networks scored so far and their normal scores, round by round."""
        return WarmStartedFit(DistanceKernel(kernel_components(space)))

    def _kept(
        self, space: Space, process: GaussianProcess, index: Indices, rng: np.random.Generator
    ) -> ExpectedSubspace:
        """Keep networks, and estimate from them and a sample of the others how many of the best they hold."""
        mean, spread = process.mean_and_spread(space.rows(index))
        at_least, at_most = space.size_bounds
        if at_least < at_most:
            return ExpectedSubspace(space, index, mean, spread, float("nan"))
        others = np.setdiff1d(space.index(space.sample(min(_SAMPLED_OTHERS, space.size), rng)), index)
        other_mean, other_spread = process.mean_and_spread(space.rows(others))
        weight = (space.size - len(index)) / max(len(others), 1)
        recall = _expected_recall((mean, spread), (other_mean, other_spread), weight, self.quantile * space.size)
        return ExpectedSubspace(space, index, mean, spread, recall)


def _drawn_above(
    space: Space,
    process: GaussianProcess,
    threshold: float,
    known: Indices,
    count: int,
    rng: np.random.Generator,
) -> Indices:
    """Draw up to `count` networks that are not known, each with a chance in proportion to that of exceeding a score.

    Without them the networks that the first ones spoke against would never be scored, however wrongly.
    """
    from scipy.special import ndtr

    others = space.index(space.sample(min(_SAMPLED_STRAYS, space.size_bounds[1]), rng))
    others = others[~np.isin(others, known)]
    mean, spread = process.mean_and_spread(space.rows(others))
    chances = ndtr((mean - threshold) / np.maximum(spread, 1e-9))
    count = min(count, int(np.count_nonzero(chances)))
    return rng.choice(others, count, replace=False, p=chances / chances.sum()) if count else others[:0]


def _ranked(
    space: Space, process: GaussianProcess, scored: Rows, count: int, candidates: int, rng: np.random.Generator
) -> Indices:
    """Return the networks with the highest posterior mean, best first: at least `count`, or all there are.

    Where the space cannot be enumerated, the best of a random draw and of those scored, and then, as long as they enter
    the best, their neighbors and the neighbors of these.
    """
    if space.enumerable:
        return _best(np.arange(space.size, dtype=np.int64), process.mean(space.all_rows()), count)
    drawn = space.sample(max(candidates, count), rng)
    index = np.unique(space.index(np.concatenate([scored, drawn])))
    mean = process.mean(space.rows(index))
    expanded: Indices = np.empty(0, dtype=np.int64)
    for _ in range(_MAX_EXPANSIONS):
        front = _best(index, mean, count)
        front = front[~np.isin(front, expanded)][:_EXPANDED_AT_ONCE]
        if len(front) == 0:
            break
        neighbors, _source = space.neighbors(space.rows(front))
        fresh = np.setdiff1d(space.index(neighbors), index)
        index = np.concatenate([index, fresh])
        mean = np.concatenate([mean, process.mean(space.rows(fresh))])
        expanded = np.concatenate([expanded, front])
    return _best(index, mean, count)


def _best(index: Indices, mean: Floats, count: int) -> Indices:
    return index[np.argsort(-mean, kind="stable")[:count]]


def _expected_recall(kept: tuple[Floats, Floats], others: tuple[Floats, Floats], weight: float, best: float) -> float:
    """Return the share of the `best` that are expected among those kept, each of the others standing for `weight`.

    The best are those above the score that as many networks as that are expected to exceed.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def exceed(scores: tuple[Floats, Floats], threshold: float) -> float:
        mean, spread = scores
        return float(ndtr((mean - threshold) / np.maximum(spread, 1e-9)).sum())

    threshold = brentq(lambda t: exceed(kept, t) + weight * exceed(others, t) - best, -20, 20)
    return exceed(kept, threshold) / best
