"""Situation: what is simulated, and the intervals that come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate
from lissnas.storage.random_streams import named_generator


@dataclass(frozen=True)
class Simulated:
    """The intervals of all repetitions, and the value that they should contain.

    Attributes
    ----------
    low, high
        Shape (repetitions,).
    truth
        The value that the measure estimates.
    """

    low: Floats
    high: Floats
    truth: float


@dataclass(frozen=True)
class Situation:
    """One interval in one situation.

    Attributes
    ----------
    interval
        Name of the interval, as docs/methods/intervals.md calls it.
    data
        What the data are like.
    n
        Number of independent observations behind the interval.
    simulate
        Returns the intervals of a number of repetitions.
    repetitions
        Number of simulated intervals; with 2,000, a coverage around 95 % varies by 1 %.
    """

    interval: str
    data: str
    n: int
    simulate: Callable[[np.random.Generator, int], Simulated]
    repetitions: int = 2000


def repeated(
    one: Callable[[np.random.Generator], Estimate], truth: float | None, place: tuple[int, ...] = ()
) -> Callable[[np.random.Generator, int], Simulated]:
    """Return a simulation that computes one estimate at a time, and takes one element of it.

    Without a truth, the truth is the mean of the values over all repetitions: the interval then says how far a value
    is from its expectation.
    """

    def simulate(rng: np.random.Generator, repetitions: int) -> Simulated:
        found = [one(rng) for _ in range(repetitions)]
        value, low, high = (
            np.array([float(np.asarray(getattr(each, name))[place]) for each in found])
            for name in ("value", "low", "high")
        )
        return Simulated(low, high, float(np.nanmean(value)) if truth is None else truth)

    return simulate


class Shared:
    """Repetitions that several intervals share, because one call computes all of them.

    Parameters
    ----------
    one
        Returns the estimates of one repetition, as attributes.
    name
        Names the generator.
    """

    def __init__(self, one: Callable[[np.random.Generator], Any], name: str) -> None:
        self._one, self._name = one, name
        self._found: list[Any] = []

    def interval(
        self, attribute: str, truth: float | None, place: tuple[int, ...] = ()
    ) -> Callable[[np.random.Generator, int], Simulated]:
        """Return the simulation of one interval; truth and place are those of `repeated`."""

        def simulate(rng: np.random.Generator, repetitions: int) -> Simulated:
            if not self._found:
                own_rng = named_generator(f"coverage {self._name}", 0)
                self._found = [self._one(own_rng) for _ in range(repetitions)]
            found = iter(self._found)
            return repeated(lambda _: getattr(next(found), attribute), truth, place)(rng, repetitions)

        return simulate
