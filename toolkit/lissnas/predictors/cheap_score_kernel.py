"""What a kernel sees of scores that cost next to nothing: a supernet's, a zero-cost score, FLOPs.

Each enters by its place among all networks, and whether it is missing as well. A score need not rise with the accuracy:
networks are alike if their scores are, and how much that weighs is learned. So a reversed score tells as much. Our own.
"""

from collections.abc import Sequence

import numpy as np

from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.evaluator import Evaluator
from lissnas.predictors.distance_kernel import KernelComponent
from lissnas.spaces.space import Floats, Rows, Space

_REFERENCES = 2_000
"""Among how many networks a score has its place, in a space that cannot be enumerated."""

_UNIT = 0.1
"""How far apart two networks lie, before anything is learned, for scores that differ by 1.4 standard deviations."""

_SPREAD = 1.0
"""The prior's standard deviation of a score's log weight, and of that of all scores."""


def cheap_score_component(space: Space, cheap: Sequence[Evaluator], rng: np.random.Generator) -> KernelComponent:
    """Return the part of a kernel over cheap scores; each network is scored once by each evaluator.

    Raises SettingError if there is no evaluator.
    """
    if not cheap:
        raise SettingError("no cheap scores were given: use kernel shrinkage without them")
    columns = [Evaluations(space, evaluator) for evaluator in cheap]
    rows = space.all_rows() if space.enumerable else space.sample(_REFERENCES, rng)
    references = [np.sort(scores[~np.isnan(scores)]) for scores in (column(rows) for column in columns)]

    def features(rows: Rows) -> Floats:
        scores = np.stack([column(rows) for column in columns], axis=1)
        places = [_place(column, known) for column, known in zip(scores.T, references, strict=True)]
        return np.column_stack([*places, np.isnan(scores)])

    names = [f"cheap {number}" for number in range(len(cheap))] + [f"missing {number}" for number in range(len(cheap))]
    factors = [[("cheap", _SPREAD), (name, _SPREAD)] for name in names]
    return KernelComponent(features, np.full(len(names), _UNIT), factors)


def _place(scores: Floats, known: Floats) -> Floats:
    """Return where scores stand among those known, as quantiles of the standard normal; 0, the median, if missing."""
    from scipy.special import ndtri

    if not len(known):
        return np.zeros(len(scores))
    below, up_to = (np.searchsorted(known, scores, side) for side in ("left", "right"))
    share = np.clip((below + up_to) / (2 * len(known)), 0.5 / len(known), 1 - 0.5 / len(known))
    return np.where(np.isnan(scores), 0.0, ndtri(share))
