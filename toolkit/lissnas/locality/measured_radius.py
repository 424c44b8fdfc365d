"""Measured radius: the edit distance up to which neighbors of good architectures are good, among those scored.

All of it is our own choice.
"""

from dataclasses import dataclass

import numpy as np

from lissnas.evaluation.evaluations import Evaluations
from lissnas.spaces.space import Indices, Space
from lissnas.statistics.estimate import jackknife_error, wilson_estimate

MAX_RADIUS = 2
"""Maximum radius to measure, in edits (our own choice)."""

MIN_LIFT = 2.0
"""A distance is trusted if the best are more than this many times as frequent at it as among all scored rows."""


@dataclass(frozen=True)
class MeasuredRadius:
    """A radius and the evidence for it, one value for each distance 1, 2, ... from one of the best.

    Attributes
    ----------
    radius
        The largest radius with only trusted distances, and at least 1.
    evaluations, best
        Number of scored architectures, and number of them that count as best.
    pairs
        Number of ordered pairs of one of the best and any scored architecture at that distance.
    rate, at_least
        Share of the second members of these pairs that are among the best, and the lower end of its 95 % interval; NaN
        without a pair.
    base_rate
        That share among all scored architectures.
    """

    radius: int
    evaluations: int
    best: int
    pairs: tuple[int, ...]
    rate: tuple[float, ...]
    at_least: tuple[float, ...]
    base_rate: float

    def __str__(self) -> str:
        by_distance = [
            f"{share:.1%}, at least {low:.1%}, of {count:,} pairs at distance {distance}"
            if count
            else f"no pair at distance {distance}"
            for distance, (share, low, count) in enumerate(
                zip(self.rate, self.at_least, self.pairs, strict=True), start=1
            )
        ]
        return (
            f"radius {self.radius} from {self.evaluations:,} evaluations: a network near one of the {self.best} best "
            f"is itself one in {'; '.join(by_distance)}; against {self.base_rate:.1%}"
        )


def measured_radius(space: Space, evaluations: Evaluations, best: int) -> MeasuredRadius:
    """Return the radius that locality supports, measured around the `best` scored architectures.

    A distance is trusted if the share of the best at it, by the lower end of its 95 % interval, is more than twice the
    base rate. Pairs share architectures, so the interval is the infinitesimal jackknife over architectures, as in
    `lissnas.locality.exact_locality.pair_locality`. Later rounds score architectures near good ones, so this is the
    locality of the sample and not of the space.
    """
    rows, scores = evaluations.rows, evaluations.scores
    places = np.argsort(-scores, kind="stable")[:best]
    is_best = np.zeros(len(rows), dtype=np.bool_)
    is_best[places] = True
    distances = space.distances(rows[places], rows)
    base_rate = (len(places) - 1) / (len(rows) - 1)
    measures = [_hit_rate(distances == distance, places, is_best) for distance in range(1, MAX_RADIUS + 1)]
    pairs, rate, at_least = (tuple(column) for column in zip(*measures, strict=True))
    trusted = [low > MIN_LIFT * base_rate for low in at_least]
    radius = max(1, trusted.index(False) if False in trusted else MAX_RADIUS)
    return MeasuredRadius(radius, len(rows), len(places), pairs, rate, at_least, base_rate)


def _hit_rate(near: np.ndarray, places: Indices, is_best: np.ndarray) -> tuple[int, float, float]:
    """Return the number of pairs, the share of hits, and the lower end of its interval; `near` is (best, scored)."""
    pairs = int(near.sum())
    if not pairs:
        return 0, float("nan"), float("nan")
    neighbors, best_around, hits = near.sum(axis=1), near.sum(axis=0), near[:, places].sum(axis=1)
    rate = hits.sum() / pairs
    influence = -rate * best_around
    influence[places] += 2 * hits - rate * neighbors
    error = jackknife_error(influence) / pairs
    share = wilson_estimate(np.asarray(rate), np.asarray(error), np.asarray(float(np.count_nonzero(neighbors))))
    return pairs, float(rate), float(share.low)
