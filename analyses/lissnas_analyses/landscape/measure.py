"""The landscapes of a benchmark, several data sets side by side: exact where the space is a table, else sampled."""

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

from lissnas_analyses.landscape.result import FEWEST_PAIRS, SHARES, LandscapeRows, Landscapes, joined
from lissnas_analyses.locality.measure import max_pair_distance

ESCAPES = (1, 2)
"""Up to how many edits lead out of a local optimum in the networks of local optima."""

_DIFFERENCES = 64
"""At how many score differences the share of neutral neighbors is taken."""


def open_studies(name: str, datasets: Sequence[str], metric: str | None) -> list[Benchmark]:
    """Open a complete benchmark on several data sets, by default on its first; they share its space.

    Raises SettingError for a data set that is named twice, and what `open_study` raises.
    """
    if len(set(datasets)) < len(datasets):
        raise SettingError(f"{name}: name each data set once, not {' '.join(datasets)}")
    studies = [open_benchmark(name, dataset, metric) for dataset in datasets or (None,)]
    return [replace(benchmark, table=studies[0].table) for benchmark in studies]


def measure(studies: Sequence[Benchmark], report: ProgressCallback) -> Landscapes:
    """Measure the landscape of each study's reported scores, exactly, over the whole space."""
    space = studies[0].space
    edits = edit_graph_of(space)
    functions = isomorphism_classes(space)
    found = []
    for number, benchmark in enumerate(studies):
        report("landscape", number / len(studies))
        found.append((benchmark.dataset, _measure_one(benchmark, edits, functions)))
    report("landscape", 1)
    return joined(found)


def _measure_one(benchmark: Benchmark, edits: EditGraph, functions: DistinctSpace | None) -> LandscapeRows:
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
    if functions is not None:
        _add_functions(rows, benchmark.space, functions, scores)
    _add_regret(rows, landscape)
    _add_neutrality(rows, landscape, noise)
    _add_optima(rows, benchmark.space, landscape)
    return rows


@dataclass(frozen=True)
class ScoreNoise:
    """The noise of a measure, and how likely a network of the top `SHARES` is there again in another training."""

    of_scores: SeedNoise
    top_again: Estimate | None


def score_noise(table: Table, reports: Measure, dataset: str) -> ScoreNoise | None:
    """Return the noise of a measure; None where networks were trained once, or trainings are not kept apart."""
    every = table.matching(replace(reports, seeds=None), dataset)
    if len(every) < 2 or any(column.seed is None for column in every):
        return None
    runs = table.read([column.name for column in every])
    averaged = table.read([column.name for column in table.matching(reports, dataset)])
    trainings = np.count_nonzero(~np.isnan(averaged), axis=1).astype(np.float64)
    return ScoreNoise(seed_noise(runs, table.values(reports, dataset), trainings), _top_again(runs))


def _top_again(runs: Floats) -> Estimate | None:
    """Return how likely top networks are top again; None where too few were trained twice to have a top 1 %."""
    in_common = [
        np.count_nonzero(~np.isnan(runs[:, pair]).any(axis=1)) for pair in combinations(range(runs.shape[1]), 2)
    ]
    return top_agreement(runs, SHARES) if min(in_common) >= 1 / min(SHARES) else None


def add_locality(rows: LandscapeRows, found: PairLocality, known: ScoreNoise | None) -> None:
    """Add what pairs of architectures have in common, and how much of it is noise, where that is known."""
    rates = found.top_rate
    told = (found.pairs >= FEWEST_PAIRS) & ~np.isnan(rates.value[0])
    if told.any():
        nearest = int(np.argmax(told))
        rows.add("nearest distance", found.distance[nearest])
        rows.add("correlation at the nearest distance", at(found.correlation, nearest))
        first = Estimate(rates.value[0, nearest], rates.low[0, nearest], rates.high[0, nearest])
        rows.add(f"P(top {100 * SHARES[0]:g} %) at the nearest distance", first)
    if known is None:
        rows.add_locality("architectures", found)
        return
    noise = known.of_scores
    if known.top_again is not None:
        for number, share in enumerate(SHARES):
            again = at(known.top_again, number)
            rows.add_at_zero("architectures", f"P(top {100 * share:g} %)", noise.networks, again)
            rows.add(f"P(top {100 * share:g} %) of another training", again)
    rows.add_at_zero("architectures", "difference", noise.networks, noise.difference)
    rows.add_at_zero("architectures", "correlation", noise.networks, noise.reliability)
    clean = disattenuate(found.correlation, noise.reliability)
    rows.add_locality("architectures", found, clean.value)
    rows.add("spread of trainings of one network", noise.spread)
    rows.add("correlation of two trainings", noise.correlation)
    rows.add("reliability", noise.reliability)
    if found.pairs[0]:
        rows.add("correlation of neighbors without noise", at(clean, 0))
        noise_of_difference = noise_share(found.correlation.value[0], noise.reliability.value)
        rows.add("share of noise in the squared difference of neighbors", noise_of_difference)


def _add_functions(rows: LandscapeRows, space: Space, functions: DistinctSpace, scores: Floats) -> None:
    """Add the locality of what the architectures compute; the score of a function is the mean of its architectures'."""
    function = functions.index(space.all_rows())
    known = ~np.isnan(scores)
    counts = np.bincount(function[known], minlength=functions.size)
    sums = np.bincount(function[known], scores[known], functions.size)
    means = np.divide(sums, counts, out=np.full(functions.size, np.nan), where=counts > 0)
    apart = _by_function(function[known], scores[known])
    same = seed_noise(apart, means, np.maximum(counts, 1).astype(np.float64))
    rows.add_at_zero("functions", "difference", same.networks, same.difference)
    rows.add_at_zero("functions", "correlation", same.networks, same.correlation)
    near = pair_locality(functions, means, SHARES)
    rows.add_locality("functions", near)
    rows.add("functions", functions.size)
    rows.add("correlation of neighboring functions", at(near.correlation, 0))
    rows.add("difference of architectures of one function", same.difference)
    landscape = Landscape(functions, means, functions.graph)
    rows.add("local optima among functions", len(landscape.local_optima()))
    rows.add("functions that lead to a global optimum", landscape.global_reach())
    rows.add("share of the gap left within 1 edit of a function", at(edit_regret(landscape, largest=1).left, 1))
    for edits in ESCAPES:
        found = funnels(local_optima_network(landscape, edits))
        rows.add(f"funnels among functions at {edits} edit{'s' * (edits > 1)}", len(found.sinks))


def _by_function(function: Indices, scores: Floats) -> Floats:
    """Return the scores of each function's architectures in a row of its own, NaN after the last."""
    order = np.argsort(function, kind="stable")
    place = np.unique(function, return_inverse=True)[1][order]
    counts = np.bincount(place)
    column = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    apart = np.full((len(counts), counts.max()), np.nan)
    apart[place, column] = scores[order]
    return apart


def _add_regret(rows: LandscapeRows, landscape: Landscape) -> None:
    found = edit_regret(landscape)
    for k in found.edits:
        rows.add_regret(int(k), at(found.regret, k), at(found.left, k), float(found.reached[k]))
    for k in range(1, min(3, len(found.edits))):
        rows.add(f"share of the gap left within {k} edit{'s' * (k > 1)}", at(found.left, k))


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
    """Add how many neighbors differ by no more than so much."""
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
        found = funnels(reached)
        rows.add_network(edits, reached, found)
        rows.add(f"funnels at {edits} edit{'s' * (edits > 1)}", len(found.sinks))
        rows.add(f"starts that end in a global funnel at {edits} edit{'s' * (edits > 1)}", found.global_size)


def _add_basins(rows: LandscapeRows, network: LocalOptimaNetwork) -> None:
    held = network.basins[network.basins > 0]
    best = network.basins[network.scores == network.scores[0]].sum()
    rows.add("local optima", len(network.optima))
    rows.add("starts that end in a global optimum", best)
    rows.add("largest basin", held.max())
    rows.add("effective number of basins", np.exp(-(held * np.log(held)).sum()))


def at(estimate: Estimate, place: int) -> Estimate:
    """Return one of an array of estimates."""
    return Estimate(estimate.value[place], estimate.low[place], estimate.high[place])
