"""The task of a worker in a comparison: some runs of some methods, one row for each round."""

from collections.abc import Sequence
from dataclasses import asdict

from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import Trace, shrink
from lissnas.shrinkers.two_fidelity_shrinkage import with_cheap_scores
from lissnas.statistics.quality import quality
from lissnas.storage.random_streams import named_generator
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.comparison.compared_method import ComparedMethod
from lissnas_analyses.comparison.kept_space import kept_space_statistics
from lissnas_analyses.comparison.summarize import distribution_scores, share_below
from lissnas_analyses.grid.benchmark_key import BenchmarkKey, full_space_quality
from lissnas_analyses.grid.run_grid import Row

LEFT_OUT = "left_out"
"""Column of the reason why a method refused a run; such a run has a single row without statistics."""


def comparison_rows(key: BenchmarkKey, seed: int, chunk: Sequence[tuple[ComparedMethod, int]]) -> list[Row]:
    """Return the rows of some runs, one per method, run and round: the task of a worker.

    A method that refuses a run has one row with the reason; so has a rule in a file that fails.
    """
    benchmark, rows = key.open(), list[Row]()
    for run in dict.fromkeys(run for _, run in chunk):
        points = [point for point, number in chunk if number == run]
        lissnas = _lissnas_run(benchmark, seed, run, points)
        for point in points:
            try:
                of_point = _rows_of_point(key, seed, run, point, lissnas)
            except Exception as error:
                if point.rule is None and not isinstance(error, SettingError):
                    raise
                reason = str(error) if point.rule is None else point.rule.describe(error)
                of_point = [{"round": 0, LEFT_OUT: reason}]
            rows += [point.columns | {"seed": seed, "run": run} | row for row in of_point]
    return rows


def _lissnas_run(benchmark: Benchmark, seed: int, run: int, points: Sequence[ComparedMethod]) -> Trace | None:
    """Return the run of LISSNAS that decides what is not given; None if every method has what it needs."""
    if not any(point.needs_lissnas for point in points):
        return None
    size = next(point.size for point in points if point.shrinker is None)
    shrinker = ComparedMethod("lissnas", size=size).within({})
    return shrink(benchmark.space, benchmark.evaluator, shrinker, named_generator("lissnas", seed, run))


def _rows_of_point(key: BenchmarkKey, seed: int, run: int, point: ComparedMethod, lissnas: Trace | None) -> list[Row]:
    """Return a row for each round of a run of a method; raises SettingError if the method refuses the run."""
    benchmark, budget = key.open(), dict[str, int]()
    if lissnas is not None and point.needs_lissnas:
        budget = {"evaluations": lissnas.evaluations.count, "size": lissnas.subspace.size}
    shrinker = with_cheap_scores(point.within(budget), benchmark.cheap_evaluators)
    trace = lissnas
    if trace is None or shrinker != trace.shrinker:
        trace = shrink(benchmark.method_space, benchmark.evaluator, shrinker, named_generator(point.stream, seed, run))
    rows, scores = list[Row](), distribution_scores(benchmark)
    for number, (shrunk, spent) in enumerate(zip(trace.rounds, _spent(trace), strict=True)):
        subspace = shrunk.subspace
        if benchmark.is_sample:  # methods saw a space without neighbors
            subspace = ExplicitSubspace(benchmark.space, subspace.index)
        is_last = number == len(trace.rounds) - 1
        kept = subspace.index.tolist() if run == 0 and number else None
        statistics = quality(subspace, benchmark.report) if number else full_space_quality(key)
        rows.append(
            {"round": number, "evaluations": spent}
            | asdict(statistics)
            | {f"lissnas_{name}": budget.get(name) for name in ("evaluations", "size")}
            | {"share_below": share_below(benchmark.report[subspace.index], scores).tolist()}
            | kept_space_statistics(benchmark, subspace if is_last else None)
            | {"kept": kept}
        )
    return rows


def _spent(trace: Trace) -> list[int]:
    """Return the evaluations of each round; the last one has all, also those after which the method stopped."""
    return [*(shrunk.evaluations for shrunk in trace.rounds[:-1]), trace.evaluations.count]
