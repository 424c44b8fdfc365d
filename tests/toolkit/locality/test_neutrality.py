"""Neutrality, against plain loops over pairs of neighbors."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.locality.landscape import Landscape
from lissnas.locality.neutrality import neutrality
from lissnas.spaces.space import Floats


def _neutral(small: Any, scores: Floats, tolerance: float) -> np.ndarray:
    return (small.distance == 1) & (np.abs(scores[:, None] - scores) <= tolerance)


def _components(joined: np.ndarray, nodes: list[int]) -> list[int]:
    sizes, unvisited = [], set(nodes)
    while unvisited:
        queue = deque([unvisited.pop()])
        size = 1
        while queue:
            found = unvisited & set(np.flatnonzero(joined[queue.popleft()]))
            unvisited -= found
            queue.extend(found)
            size += len(found)
        sizes.append(size)
    return sorted(sizes, reverse=True)


@pytest.mark.parametrize("tolerance", [0.0, 0.5, 100.0])
def test_rate_and_networks_match_brute_force(small: Any, scores_of: Any, tolerance: float) -> None:
    scores = scores_of(small.space.size)
    measured = np.flatnonzero(~np.isnan(scores))
    joined = _neutral(small, scores, tolerance)
    pairs = (small.distance[np.ix_(measured, measured)] == 1).sum()
    found = neutrality(Landscape(small.space, scores), tolerance)
    assert found.rate.value == pytest.approx(joined.sum() / pairs)
    assert found.networks.tolist() == _components(joined, measured.tolist())


def test_the_error_of_the_rate_matches_numerical_derivatives(small: Any, scores_of: Any) -> None:
    scores = scores_of(small.space.size)
    measured = ~np.isnan(scores)
    pairs = ((small.distance == 1) & np.outer(measured, measured)).astype(np.float64)
    joined = _neutral(small, scores, 1.0).astype(np.float64)
    step = 1e-5

    def rate(weights: Floats) -> float:
        return float(weights @ joined @ weights / (weights @ pairs @ weights))

    derivatives = [(rate(1 + step * unit) - rate(1 - step * unit)) / (2 * step) for unit in np.eye(small.space.size)]
    found = neutrality(Landscape(small.space, scores), 1.0).rate
    assert (found.high - found.value) / 1.959964 == pytest.approx(np.linalg.norm(derivatives), abs=1e-8)


def test_a_plateau_is_one_neutral_network(small: Any) -> None:
    found = neutrality(Landscape(small.space, np.full(small.space.size, 90.0)))
    assert (found.rate.value, found.networks.tolist()) == (1, [small.space.size])


def test_a_negative_tolerance_is_refused(mixed: Any) -> None:
    with pytest.raises(SettingError, match="tolerance"):
        neutrality(Landscape(mixed.space, np.zeros(24)), -0.1)


def test_a_landscape_without_measured_neighbors_is_refused(mixed: Any) -> None:
    scores = np.full(24, np.nan)
    scores[0] = 90
    with pytest.raises(SettingError, match="neighbors"):
        neutrality(Landscape(mixed.space, scores))
