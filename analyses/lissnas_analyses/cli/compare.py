"""`lissnas compare`: several shrinking methods on one or several benchmarks."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from lissnas.bridges.dialects import OFFICIAL
from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.space import Space
from lissnas_benchmarks.benchmark import Benchmark, open_benchmark
from lissnas_benchmarks.catalog import valid_benchmark_names
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.loading import is_ready

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis, say_intervals
from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import (
    BenchmarkName,
    Cheap,
    Cluster,
    Dataset,
    Evaluator,
    Form,
    Methods,
    Metric,
    NumberOfWorkers,
    Out,
    Rules,
    Runs,
    Seed,
    cheap_sentence,
    default_folder,
    with_cheap,
)
from lissnas_analyses.cli.shared.terminal import prefixed, progress, say, table_width, warn_if_long
from lissnas_analyses.comparison.across_benchmarks.ranks import MethodRanks
from lissnas_analyses.comparison.measure import METHODS


@dataclass(frozen=True)
class ComparisonsResult(CommandResult):
    """Comparisons on several benchmarks.

    Attributes
    ----------
    analyses
        The comparison on each benchmark.
    verdict
        Which method keeps the most of the best networks, at what cost, and where it does not.
    ranks
        The mean ranks of the methods over the benchmarks, at each budget.
    folder
        The folder of the overview: one figure and one table for all benchmarks.
    """

    analyses: tuple[AnalysisResult, ...]
    verdict: str
    ranks: tuple[MethodRanks, ...]
    folder: Path


@json_command
def compare(
    *benchmarks: BenchmarkName,
    every: Annotated[bool, Parameter(name="--all", negative=())] = False,
    dataset: Dataset = None,
    metric: Metric = None,
    methods: Methods = METHODS,
    rules: Rules = (),
    evaluations: Annotated[tuple[int, ...], Parameter(consume_multiple=True, show_default=False)] = (),
    size: str = "lissnas",
    evaluator: Evaluator = None,
    cheap: Cheap = (),
    form: Form = OFFICIAL,
    seed: Seed = 0,
    runs: Runs = 20,
    figures: bool = True,
    workers: NumberOfWorkers = None,
    cluster: Cluster = None,
    out: Out = None,
) -> AnalysisResult | ComparisonsResult:
    """Shrink benchmarks with several methods, at equal evaluations and size, and compare the kept spaces.

    Finished runs are kept: after an interrupt the same command continues, and more runs or methods compute only what
    is missing. The results are in results/BENCHMARK/comparison by default; those of several benchmarks are in
    results/comparison, with a figure and a table for all of them in its folder overview.

    Parameters
    ----------
    benchmarks
        Names of the benchmarks.
    every
        Compare on every benchmark whose data is on this machine, except samples of a space and surrogates.
    evaluations
        Budgets of every method but LISSNAS, which stops by its own rule, one or several; default: the evaluations of
        LISSNAS in the same run, at most 150 for kernel. On a sample of a space LISSNAS cannot run; default there: 150.
    size
        Networks that every method keeps: a number, a share of the space such as 3%, or "lissnas" for as many as LISSNAS
        keeps in the same run; on a sample of a space 3%.
    figures
        Draw figures; without them a comparison takes a fraction of the time.
    """
    from lissnas_analyses.comparison.across_benchmarks.overview import optimism
    from lissnas_analyses.comparison.across_benchmarks.ranks import ranks_sentence
    from lissnas_analyses.comparison.across_benchmarks.tables import benchmark_table, method_table
    from lissnas_analyses.comparison.compared_method import compared_method, rule_method
    from lissnas_analyses.comparison.describe import (
        INTERVALS,
        ROWS,
        add_comparison,
        budget_sentence,
        budget_sentences,
        comparison_sentences,
        save_overview,
    )
    from lissnas_analyses.comparison.measure import ComparisonResult
    from lissnas_analyses.comparison.measure import compare as run
    from lissnas_analyses.grid.workers import workers as start_workers
    from lissnas_analyses.ranking.describe import run_predictor_cost
    from lissnas_analyses.ranking.score_sources import read_one_score
    from lissnas_analyses.results.folder import Results, benchmark_entries

    compared = (*map(compared_method, methods), *map(rule_method, rules))
    names = tuple(filter(_is_here, valid_benchmark_names())) if every else tuple(dict.fromkeys(benchmarks))
    if not names:
        raise SettingError(
            "no benchmark to compare on: name one or several, or use --all; 'lissnas benchmarks' lists them"
        )
    if len(names) > 1:
        for option, value in (("dataset", dataset), ("metric", metric), ("evaluator", evaluator), ("cheap", cheap)):
            if value:
                raise SettingError(f"--{option} needs a single benchmark, not {len(names)}")
    several = out or Path("results/comparison")
    if every:
        say(f"benchmarks whose data is on this machine: {', '.join(names)}")
    analyses: list[AnalysisResult] = []
    comparisons: list[ComparisonResult] = []
    with start_workers(workers, cluster) as started:
        for name in names:
            try:
                opened = by_benchmark = open_benchmark(name, dataset, metric).reduced_to_scored()
                if every:
                    _check_is_complete(opened)
            except LissnasError as error:
                _leave_out(name, error, every)
                continue
            folder = several / name if len(names) > 1 else out or default_folder(name) / "comparison"
            results = Results(folder, "compare")
            if opened.scored is not None and (evaluator or cheap):
                raise SettingError(f"{name} lacks most scores, and --evaluator and --cheap need most of them")
            matched: tuple[str, ...] = ()
            if evaluator is not None:
                predictor = read_one_score(evaluator, by_benchmark, form)
                opened, matched = by_benchmark.selected_by(predictor), (predictor.matched,)
            opened = with_cheap(opened, cheap, [method.name for method in compared], form)
            with progress() as report:
                on_benchmark = prefixed(report, name)
                on_benchmark("shrinking", 0)
                try:
                    result = run(
                        opened,
                        compared,
                        runs,
                        seed,
                        evaluations=evaluations,
                        size=_number_of_networks(size, opened.space),
                        path=results.folder / ROWS,
                        workers=started,
                        report=warn_if_long(partial(on_benchmark, "shrinking"), f"{name}: shrinking"),
                    )
                except LissnasError as error:
                    _leave_out(name, error, every)
                    continue
                results.add_existing_file(ROWS)
                add_comparison(result, results, on_benchmark, figures=figures, workers=started)
                remarks: tuple[str, ...] = (cheap_sentence(opened),) if cheap else ()
                if evaluator is not None:
                    remarks += run_predictor_cost(
                        opened, by_benchmark, result, results, runs, seed, on_benchmark, started
                    )
            settings = {"seed": seed, "runs": runs, "methods": result.settings, "evaluator": evaluator}
            settings |= {"cheap": list(cheap), "evaluations": list(evaluations), "size": size}
            settings |= {"rules": {method.name: method.rule.checksum for method in compared if method.rule}}
            findings = (*matched, *comparison_sentences(result), *remarks)
            results.save(benchmark_entries(opened, methods=result.registered_methods), settings, findings)
            comparisons.append(result)
            table = (*matched, *method_table(result, table_width(2)))
            if len(names) > 1:  # what holds for all benchmarks is printed once, at the end
                lines, intervals = (*table, *remarks), None
            else:
                lines, intervals = (*table, budget_sentence(result), *remarks), INTERVALS
            analyses.append(print_analysis(opened, findings, results, intervals, result.counted, lines))
    if not analyses:
        raise SettingError(f"none of {', '.join(names)} can be compared on")
    if len(names) == 1:
        return analyses[0]
    shown, verdicts, ranks = save_overview(comparisons, several / "overview")
    for line in (*benchmark_table(shown, table_width()), *verdicts, *optimism(shown), *map(ranks_sentence, ranks)):
        say(line)
    for sentence in budget_sentences(comparisons):
        say(sentence)
    say_intervals(INTERVALS, indent=0)
    say(f"figure and table of all benchmarks: {several / 'overview'}/")
    return ComparisonsResult(tuple(analyses), " ".join(verdicts), ranks, several / "overview")


def _leave_out(name: str, error: LissnasError, every: bool) -> None:
    """Say why a benchmark of `--all` is left out; raise the error if the user named the benchmark."""
    if not every:
        raise error
    say(f"{name} was left out: {error}")


def _is_here(name: str) -> bool:
    """Return whether the data of a benchmark is on this machine; opening a damaged file then says what is wrong."""
    try:
        return is_ready(name)
    except BenchmarkFileError:
        return True


def _check_is_complete(opened: Benchmark) -> None:
    """Raise SettingError for a sample of a space: most methods cannot run there, so nobody could rank them."""
    if opened.is_sample:
        raise SettingError(
            f"it lists only a sample of its space, where LISSNAS cannot run; use 'lissnas compare {opened.name}'"
        )


def _number_of_networks(size: str, space: Space) -> int | None:
    """Return the size that every method keeps; None for that of LISSNAS."""
    if size == "lissnas":
        return None
    try:
        count = round(float(size.removesuffix("%")) / 100 * space.size) if size.endswith("%") else int(size)
    except (ValueError, OverflowError):
        count = 0
    if count < 1:
        raise SettingError(f"--size {size} is neither a number of networks, nor a share such as 3%, nor 'lissnas'")
    return count
