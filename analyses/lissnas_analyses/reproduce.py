"""The main job: locality, shrinking and a map of the pockets for every benchmark that is there."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses import style
from lissnas_analyses.comparison import measure as comparison
from lissnas_analyses.comparison import pocket_map
from lissnas_analyses.comparison.kept_space import draw_inside
from lissnas_analyses.comparison.measure import ComparisonResult
from lissnas_analyses.comparison.paired import draw_paired
from lissnas_analyses.locality.describe import locality_sentences, run_locality
from lissnas_analyses.results.folder import Results

BENCHMARKS = ("analog-nasbench", "digits-cells", "fashion-cells", "nas-bench-graph", "nas-bench-macro")
"""What is run, as far as it is there."""


def run_comparison(
    benchmark: Benchmark,
    results: Results,
    runs: int,
    seed: int,
    report: ProgressCallback,
    methods: Sequence[str] = comparison.METHODS,
) -> ComparisonResult:
    """Shrink a benchmark with several methods, and draw what each round keeps and where it lies."""
    report("shrinking", 0)
    found = comparison.compare(benchmark, runs, seed, methods, lambda done: report("shrinking", done / runs))
    results.add_table("shrinking_runs", found.runs)
    results.add_table("shrinking", found.rounds)
    results.add_table("distributions", found.distributions)
    results.add_table("paired", found.paired)
    for name in ("search", "genes", "pockets"):
        results.add_table(f"inside_{name}", getattr(found.inside, name))
    report("drawing shrinking", 0)
    with style.house_style():
        if not found.paired.is_empty():
            results.add_figure("paired", draw_paired(found.paired, benchmark))
            report("drawing shrinking", 0.2)
        results.add_figure("inside", draw_inside(found.inside, benchmark, runs))
        report("drawing shrinking", 0.4)
        results.add_figure("shrinking", comparison.draw_rounds(found, benchmark))
        report("drawing shrinking", 0.8)
        results.add_figure("distributions", comparison.draw_distributions(found, benchmark))
    report("drawing shrinking", 1)
    report("map", 0)
    drawn = {method: trace for method, trace in found.first.items() if method != "random-subset"}
    laid_out = pocket_map.lay_out(benchmark, drawn, np.random.default_rng(seed))
    results.add_table("map", laid_out.networks)
    results.add_table("rounds", comparison.first_rounds(found.first, benchmark))
    with style.house_style():
        results.add_figure("map", pocket_map.draw_map(laid_out, benchmark))
    report("map", 1)
    return found


def reproduce(
    benchmark: Benchmark, results: Results, runs: int, seed: int, report: ProgressCallback
) -> tuple[str, ...]:
    """Do everything for one benchmark, and return its summary in sentences."""
    found = run_locality(benchmark, results, report)
    compared = run_comparison(benchmark, results, runs, seed, report)
    findings = (*locality_sentences(found), *comparison_sentences(compared))
    settings = {"runs": runs, "seed": seed, "methods": compared.settings}
    results.save_for_benchmark(benchmark, settings, findings, methods=tuple(compared.settings))
    return findings


def comparison_sentences(compared: ComparisonResult) -> tuple[str, ...]:
    """Return what each method keeps, in sentences."""
    sentences = []
    for method in compared.first:
        recall, low, high = compared.final(method, "recall_1")
        size, mean, spent, count = (
            compared.final(method, name)[0] for name in ("size", "mean", "evaluations", "pockets")
        )
        sentences.append(
            f"{method}: recall of the top 1 % {recall:.2f} [{low:.2f}, {high:.2f}] in {size:,.0f} networks of mean "
            f"{mean:.2f}, {count:.1f} pockets, {spent:,.0f} evaluations"
        )
    for method in compared.paired["method"].unique(maintain_order=True).to_list():
        row = compared.paired.row(
            by_predicate=(pl.col("method") == method) & (pl.col("figure") == "shrinkage_score"), named=True
        )
        sentences.append(
            "shrinkage score of {method} less that of {reference}, run by run: {difference:+.3f} "
            "[{low:+.3f}, {high:+.3f}], ".format_map(row)
            + _verdict(row["low"], row["high"])
        )
    return tuple(sentences)


def _verdict(low: float, high: float) -> str:
    """Say what an interval of a difference shows."""
    return "better" if low > 0 else "worse" if high < 0 else "no difference is shown"
