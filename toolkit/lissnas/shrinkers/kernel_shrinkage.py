"""Kernel shrinkage: keep the architectures that a Gaussian process expects to be the best.

The method is our own. Locality says that near architectures score alike; a kernel says how alike. From a few dozen
scores a Gaussian process predicts every other score, with its uncertainty. Each round scores the most uncertain of the
architectures that the method would keep at that point.

docs/methods/kernel.md reports the measurements of tests/speed/kernel_recall.py. The kernel, and which and how many
architectures a round scores, were chosen by recall on some of those tables: the other tables are the real check.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.predictors.best_predicted import best_predicted, select_best
from lissnas.predictors.distance_kernel import DistanceKernel
from lissnas.predictors.expected_recall import REPRODUCIBLE, describe_expected_recall, expected_subspace
from lissnas.predictors.gaussian_process import GaussianProcess, WarmStartedFit, normal_scores
from lissnas.predictors.graph_kernel import kernel_components
from lissnas.setting_checks import check_at_least_one, check_between, check_share
from lissnas.spaces.space import Floats, Indices, Rows, Space
from lissnas.subspaces.subspace import Subspace

_STRAY_POOL = 1_000
"""Size of the random pool from which the strays of a round are drawn (our own choice)."""

_BATCH_DIVISOR = 8
"""A round scores at least 1/8 of what was scored before it: fewer rounds are faster, and found as many of the best."""

_CACHED_NUMBERS = 2**23
"""Maximum number of features of all architectures of a space that are kept between rounds: 64 MB."""

_CHUNK = 8192
"""Number of architectures to rank in one batch: bounds the memory."""


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
        at_least, at_most = space.size_bounds
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
            kept = expected_subspace(space, process, evaluations.index, ranked[: self.size], self.quantile, rng)
            yield kept
            full_batch = max(self.batch, len(evaluated) // _BATCH_DIVISOR)
            batch = min(full_batch, self.evaluations - len(evaluated))
            if batch == 0:
                if at_least == at_most:
                    evaluations.notes.append(describe_expected_recall(kept, self.quantile))
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
        self._features: dict[DistanceKernel, tuple[list[Floats], Indices]] = {}

    def __call__(self, process: GaussianProcess, scored: Indices, rng: np.random.Generator) -> Indices:
        """Return the places of the architectures with the highest expected scores, best first."""
        moves = REPRODUCIBLE * process.scored_residuals()
        if self._space.enumerable:
            expected = self._means(process)
            expected[scored] += moves
            return select_best(np.arange(self._space.size), expected, self._count, rng)
        order = np.argsort(scored)
        in_order = scored[order]

        def predict(rows: Rows) -> Floats:
            index = self._space.index(rows)
            place = np.minimum(np.searchsorted(in_order, index), len(in_order) - 1)
            return process.mean(rows) + np.where(in_order[place] == index, moves[order[place]], 0)

        drawn = self._space.index(self._space.sample(max(self._candidates, self._count), rng))
        return best_predicted(self._space, predict, self._count, np.union1d(scored, drawn), rng)

    def _means(self, process: GaussianProcess) -> Floats:
        """Return the posterior mean of all architectures of an enumerable space.

        If there are few enough, their features are kept, and the mean is computed once for equal features.
        """
        kernel, rows = process.kernel, self._space.all_rows()
        if len(rows) * kernel.feature_count > _CACHED_NUMBERS:
            return process.mean(rows)
        if kernel not in self._features:
            different, group = _different_rows(np.concatenate(list(map(kernel.features, _batches(rows)))))
            self._features[kernel] = list(_batches(different)), group
        features, group = self._features[kernel]
        return process.mean_of(features)[group]


def _batches(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (values[first : first + _CHUNK] for first in range(0, len(values), _CHUNK))


def _different_rows(features: Floats) -> tuple[Floats, Indices]:
    """Return the different rows, and for each row its position among them."""
    as_bytes = np.ascontiguousarray(features).view(np.dtype((np.void, features.itemsize * features.shape[1])))
    _, first, group = np.unique(as_bytes[:, 0], return_index=True, return_inverse=True)
    return features[first], group
