"""Measure the landscapes of a benchmark that covers its full space, exactly, on one or more data sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from lissnas.errors import SettingError
from lissnas.locality.edit_regret import edit_regret
from lissnas.locality.exact_locality import PairLocality, pair_locality
from lissnas.locality.fitness_distance_correlation import fitness_distance_correlation
from lissnas.locality.landscape import Landscape, edit_graph_of
from lissnas.locality.local_optima_network import LocalOptimaNetwork, funnels, local_optima_network
from lissnas.locality.neutrality import neutrality
from lissnas.locality.random_walks import walk_autocorrelation
from lissnas.progress import ProgressCallback
from lissnas.spaces.catalog import isomorphism_classes
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.edit_graph import EditGraph
from lissnas.spaces.space import Floats, Indices, Space
from lissnas.statistics.estimate import Estimate
from lissnas.statistics.seed_noise import SeedNoise, disattenuate, noise_share, seed_noise, top_agreement
from lissnas_benchmarks.benchmark import Benchmark, open_benchmark
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.table import Table

from lissnas_analyses.landscape.result import MIN_PAIRS, SHARES, LandscapeRows, Landscapes, joined
from lissnas_analyses.locality.measure import max_pair_distance

ESCAPES = (1, 2)
"""Maximum numbers of edits of an escape from a local optimum; each gives one network of local optima."""

_DIFFERENCES = 64
"""Number of score differences at which the share of neutral neighbors is measured."""


def open_studies(name: str, datasets: Sequence[str], metric: str | None) -> list[Benchmark]:
    """Return a benchmark opened on each data set, by default its first; all share one table and space.

    Raises SettingError for a data set that is named twice, and the errors of `open_benchmark`.
    """
    if len(set(datasets)) < len(datasets):
        raise SettingError(f"{name}: name each data set once, not {' '.join(datasets)}")
    studies = [open_benchmark(name, dataset, metric) for dataset in datasets or (None,)]
    return [replace(benchmark, table=studies[0].table) for benchmark in studies]


def measure(studies: Sequence[Benchmark], report: ProgressCallback) -> Landscapes:
    """Return the landscape of each benchmark's reported scores, exact over the full space."""
    space = studies[0].space
    edits = edit_graph_of(space)
    classes = isomorphism_classes(space)
    by_dataset = []
    for number, benchmark in enumerate(studies):
        report("landscape", number / len(studies))
        by_dataset.append((benchmark.dataset, _measure_one(benchmark, edits, classes)))
    report("landscape", 1)
    return joined(by_dataset)


def _measure_one(benchmark: Benchmark, edits: EditGraph, classes: DistinctSpace | None) -> LandscapeRows:
    rows, scores = LandscapeRows.empty(), benchmark.report
    landscape = Landscape(benchmark.space, scores, edits)
    noise = score_noise(benchmark.table, benchmark.reports, benchmark.dataset)
    rows.add("networks", np.count_nonzero(landscape.measured))
    rows.add("best", np.nanmax(scores))
    rows.add("mean", np.nanmean(scores))
    largest_distance = max_pair_distance(benchmark.space)
    add_locality(rows, pair_locality(benchmark.space, scores, SHARES, largest_distance), noise)
    rows.add("walk autocorrelation at lag 1", at(walk_autocorrelation(landscape, 1), 1))
    rows.add("fitness-distance correlation", fitness_distance_correlation(benchmark.space, scores))
    if classes is not None:
        _add_functions(rows, benchmark.space, classes, scores)
    _add_regret(rows, landscape)
    _add_neutrality(rows, landscape, noise)
    _add_optima(rows, benchmark.space, landscape)
    return rows


@dataclass(frozen=True)
class ScoreNoise:
    """Noise of a measure between trainings of one network.

    Attributes
    ----------
    of_scores
        The noise of the scores.
    top_again
        Probability that a network in each of the top `SHARES` is there again after another training; None if too few
        networks were trained twice.
    """

    of_scores: SeedNoise
    top_again: Estimate | None


def score_noise(table: Table, reports: Measure, dataset: str) -> ScoreNoise | None:
    """Return the noise of a measure; None if networks were trained once or the table only has means."""
    of_seeds = table.matching(replace(reports, seeds=None), dataset)
    if len(of_seeds) < 2 or any(column.seed is None for column in of_seeds):
        return None
    runs = table.read([column.name for column in of_seeds])
    averaged = table.read([column.name for column in table.matching(reports, dataset)])
    trainings = np.count_nonzero(~np.isnan(averaged), axis=1).astype(np.float64)
    return ScoreNoise(seed_noise(runs, table.values(reports, dataset), trainings), _top_again(runs))


def _top_again(runs: Floats) -> Estimate | None:
    """Return the probability that top networks are top again; None if too few networks were trained twice."""
    in_common = [
        np.count_nonzero(~np.isnan(runs[:, pair]).any(axis=1)) for pair in combinations(range(runs.shape[1]), 2)
    ]
    return top_agreement(runs, SHARES) if min(in_common) >= 1 / min(SHARES) else None


def add_locality(rows: LandscapeRows, locality: PairLocality, score_noise: ScoreNoise | None) -> None:
    """Add the locality of architectures and, if the noise is known, the locality without noise."""
    rates = locality.top_rate
    enough = (locality.pairs >= MIN_PAIRS) & ~np.isnan(rates.value[0])
    if enough.any():
        nearest = int(np.argmax(enough))
        rows.add("nearest distance", locality.distance[nearest])
        rows.add("correlation at the nearest distance", at(locality.correlation, nearest))
        first = Estimate(rates.value[0, nearest], rates.low[0, nearest], rates.high[0, nearest])
        rows.add(f"P(top {100 * SHARES[0]:g} %) at the nearest distance", first)
    if score_noise is None:
        rows.add_locality("architectures", locality)
        return
    noise = score_noise.of_scores
    if score_noise.top_again is not None:
        for number, share in enumerate(SHARES):
            again = at(score_noise.top_again, number)
            rows.add_at_distance_0("architectures", f"P(top {100 * share:g} %)", noise.networks, again)
            rows.add(f"P(top {100 * share:g} %) of another training", again)
    rows.add_at_distance_0("architectures", "difference", noise.networks, noise.difference)
    rows.add_at_distance_0("architectures", "correlation", noise.networks, noise.reliability)
    clean = disattenuate(locality.correlation, noise.reliability)
    rows.add_locality("architectures", locality, clean.value)
    rows.add("spread of trainings of one network", noise.spread)
    rows.add("correlation of two trainings", noise.correlation)
    rows.add("reliability", noise.reliability)
    if locality.pairs[0]:
        rows.add("correlation of neighbors without noise", at(clean, 0))
        noise_of_difference = noise_share(locality.correlation.value[0], noise.reliability.value)
        rows.add("share of noise in the squared difference of neighbors", noise_of_difference)


def _add_functions(rows: LandscapeRows, space: Space, classes: DistinctSpace, scores: Floats) -> None:
    """Add the landscape of functions: a function scores the mean of the isomorphic networks that compute it."""
    function = classes.index(space.all_rows())
    known = ~np.isnan(scores)
    counts = np.bincount(function[known], minlength=classes.size)
    sums = np.bincount(function[known], scores[known], classes.size)
    means = np.divide(sums, counts, out=np.full(classes.size, np.nan), where=counts > 0)
    apart = _by_function(function[known], scores[known])
    same = seed_noise(apart, means, np.maximum(counts, 1).astype(np.float64))
    rows.add_at_distance_0("functions", "difference", same.networks, same.difference)
    rows.add_at_distance_0("functions", "correlation", same.networks, same.correlation)
    near = pair_locality(classes, means, SHARES)
    rows.add_locality("functions", near)
    rows.add("functions", classes.size)
    rows.add("correlation of neighboring functions", at(near.correlation, 0))
    rows.add("difference of architectures of one function", same.difference)
    landscape = Landscape(classes, means, classes.graph)
    rows.add("local optima among functions", len(landscape.local_optima()))
    rows.add("functions that lead to a global optimum", landscape.global_reach())
    rows.add("share of the gap left within 1 edit of a function", at(edit_regret(landscape, largest=1).left, 1))
    for edits in ESCAPES:
        function_funnels = funnels(local_optima_network(landscape, edits))
        rows.add(f"funnels among functions at {edits} edit{'s' * (edits > 1)}", len(function_funnels.sinks))


def _by_function(function: Indices, scores: Floats) -> Floats:
    """Return the scores of the architectures of each function, one row per function, padded with NaN."""
    order = np.argsort(function, kind="stable")
    place = np.unique(function, return_inverse=True)[1][order]
    counts = np.bincount(place)
    column = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    apart = np.full((len(counts), counts.max()), np.nan)
    apart[place, column] = scores[order]
    return apart


def _add_regret(rows: LandscapeRows, landscape: Landscape) -> None:
    edit_regrets = edit_regret(landscape)
    for k in edit_regrets.edits:
        rows.add_regret(int(k), at(edit_regrets.regret, k), at(edit_regrets.left, k), float(edit_regrets.reached[k]))
    for k in range(1, min(3, len(edit_regrets.edits))):
        rows.add(f"share of the gap left within {k} edit{'s' * (k > 1)}", at(edit_regrets.left, k))


def _add_neutrality(rows: LandscapeRows, landscape: Landscape, noise: ScoreNoise | None) -> None:
    equal = neutrality(landscape)
    rows.add("neighbors of equal score", equal.rate)
    rows.add("networks in the largest neutral network", equal.networks[0])
    if noise is not None:
        tolerance = noise.of_scores.tolerance
        rows.add("difference that noise makes", tolerance)
        rows.add("neighbors that differ by no more", neutrality(landscape, tolerance).rate)
    add_differences(rows, np.abs(landscape.scores[landscape.source] - landscape.scores[landscape.target]))


def add_differences(rows: LandscapeRows, differences: Floats) -> None:
    """Add the shares of neighbors whose scores differ by at most each of some differences."""
    ranked = np.sort(differences[~np.isnan(differences)])
    shares = np.arange(1, _DIFFERENCES + 1) / _DIFFERENCES
    chosen = ranked[np.ceil(shares * len(ranked)).astype(np.int64) - 1]
    at_most = np.searchsorted(ranked, chosen, side="right") / len(ranked)
    described = zip(chosen.tolist(), at_most.tolist(), strict=True)
    rows.neutral += [{"difference": difference, "share": share} for difference, share in described]


def _add_optima(rows: LandscapeRows, space: Space, landscape: Landscape) -> None:
    networks = {edits: local_optima_network(landscape, edits) for edits in ESCAPES}
    network = networks[ESCAPES[0]]
    rows.add_optima(network, space.write(space.rows(network.optima)))
    _add_basins(rows, network)
    rows.add("edits of steepest ascent", landscape.ascent_steps()[landscape.measured].mean())
    for edits, reached in networks.items():
        network_funnels = funnels(reached)
        rows.add_network(edits, reached, network_funnels)
        rows.add(f"funnels at {edits} edit{'s' * (edits > 1)}", len(network_funnels.sinks))
        rows.add(f"starts that end in a global funnel at {edits} edit{'s' * (edits > 1)}", network_funnels.global_size)


def _add_basins(rows: LandscapeRows, network: LocalOptimaNetwork) -> None:
    basins = network.basins[network.basins > 0]
    best = network.basins[network.scores == network.scores[0]].sum()
    rows.add("local optima", len(network.optima))
    rows.add("starts that end in a global optimum", best)
    rows.add("largest basin", basins.max())
    rows.add("effective number of basins", np.exp(-(basins * np.log(basins)).sum()))


def at(estimate: Estimate, place: int) -> Estimate:
    """Return one element of an array of estimates."""
    return Estimate(estimate.value[place], estimate.low[place], estimate.high[place])
