"""How far around good networks good ones are found, measured on the networks that a run has scored; our own choice."""

from dataclasses import dataclass

import numpy as np

from lissnas.evaluation.evaluations import Evaluations
from lissnas.spaces.space import Indices, Space
from lissnas.statistics.estimate import proportion

LARGEST_RADIUS = 2
"""How far it is looked."""

TIMES_THE_BASE_RATE = 2.0
"""How many times more frequent than among all scored networks the best must be, to trust a distance."""


@dataclass(frozen=True)
class MeasuredRadius:
    """A radius, and what it rests on: one figure for each distance 1, 2, ... from one of the best.

    Attributes
    ----------
    radius
        The largest up to which every distance can be trusted, and at least 1.
    evaluations, best
        How many networks had been scored, and how many of them, the best, count.
    pairs
        How many ordered pairs there were of one of the best and any scored network at that distance.
    rate, at_least
        Which share of these networks is itself among the best, and the lower end of its 95 % interval; NaN without a
        pair.
    base_rate
        That share among all scored networks.
    """

    radius: int
    evaluations: int
    best: int
    pairs: tuple[int, ...]
    rate: tuple[float, ...]
    at_least: tuple[float, ...]
    base_rate: float

    def __str__(self) -> str:
        found = [
            f"{share:.1%}, at least {low:.1%}, of {count:,} pairs at distance {distance}"
            if count
            else f"no pair at distance {distance}"
            for distance, (share, low, count) in enumerate(
                zip(self.rate, self.at_least, self.pairs, strict=True), start=1
            )
        ]
        return (
            f"radius {self.radius} from {self.evaluations:,} evaluations: a network near one of the {self.best} best "
            f"is itself one in {'; '.join(found)}; against {self.base_rate:.1%}"
        )


def measured_radius(space: Space, evaluations: Evaluations, best: int) -> MeasuredRadius:
    """Measure how often a scored network near one of the `best` scored ones is one of them too, and choose a radius.

    A distance can be trusted if that share, by the lower end of its 95 % interval, is more than twice the base rate.
    Pairs share networks: the interval is the infinitesimal jackknife over networks, as in `locality.pair_locality`.
    Networks scored in later rounds lie near good ones because they were looked for there, so this is the locality of
    the sample, not of the space.
    """
    rows, scores = evaluations.rows, evaluations.scores
    places = np.argsort(-scores, kind="stable")[:best]
    is_best = np.zeros(len(rows), dtype=np.bool_)
    is_best[places] = True
    distances = space.distances(rows[places], rows)
    base_rate = (len(places) - 1) / (len(rows) - 1)
    figures = [_figure(distances == distance, places, is_best) for distance in range(1, LARGEST_RADIUS + 1)]
    pairs, rate, at_least = (tuple(column) for column in zip(*figures, strict=True))
    trusted = [low > TIMES_THE_BASE_RATE * base_rate for low in at_least]
    radius = max(1, trusted.index(False) if False in trusted else LARGEST_RADIUS)
    return MeasuredRadius(radius, len(rows), len(places), pairs, rate, at_least, base_rate)


def _figure(near: np.ndarray, places: Indices, is_best: np.ndarray) -> tuple[int, float, float]:
    """Return the pairs, the share of hits among them, and the lower end of its interval; `near` is (best, scored)."""
    pairs = int(near.sum())
    if not pairs:
        return 0, float("nan"), float("nan")
    neighbors, best_around, hits = near.sum(axis=1), near.sum(axis=0), near[:, places].sum(axis=1)
    rate = hits.sum() / pairs
    influence = -rate * best_around
    influence[places] += 2 * hits - rate * neighbors
    error = np.sqrt((influence**2).sum()) / pairs
    share = proportion(np.asarray(rate), np.asarray(error), np.asarray(float(np.count_nonzero(neighbors))))
    return pairs, float(rate), float(share.low)
