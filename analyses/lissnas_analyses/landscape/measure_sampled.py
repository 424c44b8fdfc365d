"""Measure landscapes by sampling: of a surrogate from random networks, of a sampled benchmark from its pairs."""

from collections.abc import Sequence

import numpy as np
from lissnas.evaluation.evaluator import Evaluator
from lissnas.locality.fitness_distance_correlation import correlation_with_distance
from lissnas.locality.local_optima_network import funnels
from lissnas.locality.random_walks import random_walk_autocorrelation
from lissnas.locality.sampled_landscape import Ascents, ascents, sampled_local_optima_network
from lissnas.locality.sampled_locality import random_pair_locality, sample_locality
from lissnas.progress import ProgressCallback
from lissnas.spaces.space import Rows as Batch
from lissnas.spaces.space import Space
from lissnas.statistics.estimate import normal_estimate, wilson_estimate
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.table import Table

from lissnas_analyses.landscape.measure import add_differences, add_locality, at, score_noise
from lissnas_analyses.landscape.result import SHARES, LandscapeRows, Landscapes, joined

CENTERS = 5_000
"""Number of random networks around which pairs are drawn."""

DISTANCES = 8
"""Maximum edit distance of these pairs."""

WALKS, STEPS = 100, 50
"""Number of random walks, and number of edits of each."""

STARTS = 50
"""Number of random networks from which ascent starts."""

ESCAPE, PATIENCE = 2, 5
"""Random edits of an escape from a local optimum, and failed escapes after which a search ends (our own choices)."""


def measure_surrogate(
    space: Space, evaluator: Evaluator, dataset: str, seed: int, report: ProgressCallback
) -> Landscapes:
    """Return the landscape of an evaluator's predictions, estimated from random networks."""
    pairs_rng, walks_rng, starts_rng, escapes_rng = np.random.default_rng(seed).spawn(4)
    rows = LandscapeRows.empty()
    report("pairs", 0)
    add_locality(rows, random_pair_locality(space, evaluator, CENTERS, DISTANCES, pairs_rng, SHARES), None)
    report("pairs", 1)
    report("walks", 0)
    walked = random_walk_autocorrelation(space, evaluator, WALKS, STEPS, walks_rng, 1)
    rows.add("walk autocorrelation at lag 1", at(walked, 1))
    report("walks", 1)
    report("ascents", 0)
    climbed = ascents(space, evaluator, space.sample(STARTS, starts_rng))
    report("ascents", 0.5)
    network = sampled_local_optima_network(space, evaluator, climbed, escapes_rng, ESCAPE, PATIENCE)
    report("ascents", 1)
    rows.add("starts", STARTS)
    rows.add("mean", mean_over_runs(climbed.start_scores))
    rows.add("best found", network.scores[0])
    rows.add("local optima found", len(network.optima))
    _add_ascents(rows, climbed, float(network.scores[0]))
    rows.add_optima(network, space.write(space.rows(network.optima)))
    reached = funnels(network)
    rows.add_network(ESCAPE, network, reached)
    rows.add(f"funnels at {ESCAPE} edits", len(reached.sinks))
    rows.add(f"starts that end in a global funnel at {ESCAPE} edits", reached.global_size)
    return joined([(dataset, rows)])


def _add_ascents(rows: LandscapeRows, climbed: Ascents, best: float) -> None:
    """Add regret, neutrality and ascent statistics; the best network found replaces the unknown best network."""
    gap, left = best - climbed.start_scores, best - climbed.nearest_best
    share = left.mean() / gap.mean()
    error = np.sqrt(((left - share * gap) ** 2).sum()) / (len(gap) * gap.mean())
    shares = normal_estimate(np.array([1, share]), np.array([0, error]))
    for edits, regret in enumerate((gap, left)):
        rows.add_regret(edits, mean_over_runs(regret), at(shares, edits), float((regret <= 0).mean()))
    rows.add("share of the gap left within 1 edit", at(shares, 1))
    rows.add("edits of steepest ascent", mean_over_runs(climbed.steps.astype(np.float64)))
    starts = np.bincount(climbed.gap_source, minlength=len(gap))
    equal = np.bincount(climbed.gap_source[climbed.gaps == 0], minlength=len(gap))
    rows.add("neighbors of equal score", mean_over_runs(equal / starts))
    rate = np.mean(climbed.end_scores == best)
    error = np.sqrt(rate * (1 - rate) / len(gap))
    rows.add("starts whose ascent ends at the best found", wilson_estimate(rate, error, np.asarray(float(len(gap)))))
    add_differences(rows, climbed.gaps)


def measure_sample(table: Table, reports: Measure, datasets: Sequence[str], report: ProgressCallback) -> Landscapes:
    """Return the locality of the pairs in a sample of networks; most of their neighbors were not measured."""
    by_dataset = []
    for number, dataset in enumerate(datasets):
        report("pairs", number / len(datasets))
        by_dataset.append((dataset, _sample(table, reports, dataset)))
    report("pairs", 1)
    return joined(by_dataset)


def _sample(table: Table, reports: Measure, dataset: str) -> LandscapeRows:
    rows, scores = LandscapeRows.empty(), table.values(reports, dataset)
    measured = ~np.isnan(scores)
    batch: Batch = table.space.rows(table.index[measured])
    add_locality(
        rows,
        sample_locality(table.space, batch, scores[measured], SHARES),
        score_noise(table, reports, dataset),
    )
    rows.add("networks", np.count_nonzero(measured))
    rows.add("best", np.nanmax(scores))
    rows.add("mean", np.nanmean(scores))
    distances = table.space.distances(batch[scores[measured] == np.nanmax(scores)], batch).min(axis=0)
    rows.add("fitness-distance correlation", correlation_with_distance(scores[measured], distances))
    return rows
