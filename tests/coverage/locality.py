"""Situations of locality: other spaces of the same kind, samples of a space, and random pairs and walks.

The space has 4^5 architectures. Their scores have structure, which all spaces of the kind share, and luck, which is new
in each. An exact measure of one space should be within its interval of the mean over all of these spaces.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.locality.edit_regret import edit_regret
from lissnas.locality.exact_locality import PairLocality, pair_locality
from lissnas.locality.fitness_distance_correlation import fitness_distance_correlation
from lissnas.locality.landscape import Landscape, edit_graph_of
from lissnas.locality.neutrality import neutrality
from lissnas.locality.random_walks import random_walk_autocorrelation, walk_autocorrelation
from lissnas.locality.sampled_locality import random_pair_locality, sample_locality
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate
from situation import Shared, Situation, repeated

SPACE = CategoricalSpace("4^5", ("abcd",) * 5, "{}{}{}{}{}")

LARGE = CategoricalSpace("4^7", ("abcd",) * 7, "{}" * 7)
"""The space of which samples are taken: 16,384 architectures."""

TOP = (0.05,)


@cache
def structure(space: CategoricalSpace) -> Floats:
    """Return the part of the scores that all spaces of the kind share: effects of genes and of pairs of genes."""
    rng, rows = np.random.default_rng(7), space.all_rows()
    scores = np.zeros(space.size)
    for gene in range(space.genes):
        scores += rng.normal(size=4)[rows[:, gene]]
        other = (gene + 1) % space.genes
        scores += rng.normal(size=(4, 4))[rows[:, gene], rows[:, other]]
    return (scores - scores.mean()) / scores.std()


def new_scores(structured: float, rng: np.random.Generator) -> Floats:
    """Return the scores of another space of the kind; a share of their variance is structure."""
    luck = rng.normal(size=SPACE.size)
    return np.sqrt(structured) * structure(SPACE) + np.sqrt(1 - structured) * luck


def with_one_optimum(scores: Floats) -> Floats:
    """Return scores whose best architecture is the same in all spaces of the kind."""
    scores = np.minimum(scores, 4)
    scores[np.argmax(structure(SPACE))] = 4.5
    return scores


@cache
def edits() -> EditGraph:
    return edit_graph_of(SPACE)


def near(structured: float, rng: np.random.Generator) -> PairLocality:
    return pair_locality(SPACE, new_scores(structured, rng), TOP, 1)


def on_landscape(
    measure: Callable[[Landscape], Estimate], structured: float, rng: np.random.Generator, *, same_best: bool = False
) -> Estimate:
    scores = new_scores(structured, rng)
    return measure(Landscape(SPACE, with_one_optimum(scores) if same_best else scores, edits()))


OF_THE_BEST = ("k-edit regret", "share of the gap left", "fitness-distance correlation")
"""The measures that depend on the best architecture; their intervals hold it fixed."""

MEASURES: dict[str, tuple[Callable[[Landscape], Estimate], tuple[int, ...]]] = {
    "walk autocorrelation": (lambda landscape: walk_autocorrelation(landscape, 1), (1,)),
    "neutrality": (lambda landscape: neutrality(landscape, 0.2).rate, ()),
    "k-edit regret": (lambda landscape: edit_regret(landscape, 1).regret, (1,)),
    "share of the gap left": (lambda landscape: edit_regret(landscape, 1).left, (1,)),
    "fitness-distance correlation": (lambda landscape: fitness_distance_correlation(SPACE, landscape.scores), ()),
}
"""The exact measures of a landscape, each with the element that is simulated: one step, one edit."""

ATTRIBUTES = (
    ("difference", "difference", (0,)),
    ("correlation", "correlation", (0,)),
    ("P(top 5 %)", "top_rate", (0, 0)),
)
"""The measures of pairs: name, attribute, and the element at the nearest distance."""


def full_space() -> PairLocality:
    return pair_locality(LARGE, structure(LARGE), TOP)


def sampled(n: int, rng: np.random.Generator) -> PairLocality:
    index = rng.choice(LARGE.size, n, replace=False)
    return sample_locality(LARGE, LARGE.rows(index), structure(LARGE)[index], TOP)


def of_random_pairs(n: int, rng: np.random.Generator) -> PairLocality:
    return random_pair_locality(LARGE, TableEvaluator(LARGE, structure(LARGE)), n, 2, rng, TOP)


def of_random_walks(n: int, rng: np.random.Generator) -> Estimate:
    return random_walk_autocorrelation(LARGE, TableEvaluator(LARGE, structure(LARGE)), n, 50, rng, 1)


def situations() -> Iterator[Situation]:
    for structured, data in ((0.0, "scores without structure"), (0.5, "half structure, half luck")):
        pairs = Shared(partial(near, structured), f"locality {structured}")
        for name, attribute, place in ATTRIBUTES:
            yield Situation(f"locality: {name}", data, SPACE.size, pairs.interval(attribute, None, place))
        for name, (measure, place) in MEASURES.items():
            one = partial(on_landscape, measure, structured)
            yield Situation(name, data, SPACE.size, repeated(one, None, place))
            if name in OF_THE_BEST:
                one = partial(on_landscape, measure, structured, same_best=True)
                yield Situation(name, f"{data}, same best", SPACE.size, repeated(one, None, place))
    exact = full_space()
    for kind, measured, sizes in (
        ("sampled locality", sampled, (200,)),
        ("random pairs", of_random_pairs, (200, 1000)),
    ):
        for n in sizes:
            shared = Shared(partial(measured, n), f"{kind} {n}")
            for name, attribute, place in ATTRIBUTES:
                at_two = (*place[:-1], 1)
                truth = float(getattr(exact, attribute).value[at_two])
                yield Situation(f"{kind}: {name}", "two edits apart", n, shared.interval(attribute, truth, at_two))
    walk = float(walk_autocorrelation(Landscape(LARGE, structure(LARGE)), 1).value[1])
    for n in (20, 100):
        yield Situation(
            "random walks: autocorrelation", "one step", n, repeated(partial(of_random_walks, n), walk, (1,))
        )
