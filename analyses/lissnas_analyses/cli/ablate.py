"""`lissnas ablate`: a grid over the settings of methods, over noise and over fidelity, with thousands of seeds."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter
from lissnas.bridges.dialects import OFFICIAL
from lissnas_benchmarks.benchmark import open_benchmark

from lissnas_analyses.cli.shared.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.method_options import setting_values
from lissnas_analyses.cli.shared.options import (
    BenchmarkName,
    Cheap,
    Cluster,
    Dataset,
    Form,
    MethodName,
    Metric,
    NumberOfWorkers,
    Out,
    Seed,
    default_folder,
    with_cheap,
)
from lissnas_analyses.cli.shared.terminal import progress, say, warn_if_long

NoiseTaus = Annotated[
    tuple[float, ...],
    Parameter(
        help="Kendall tau to which the scores that a method sees are degraded; 1 leaves them unchanged.",
        consume_multiple=True,
    ),
]
Epochs = Annotated[
    tuple[int, ...],
    Parameter(
        help="Low fidelity: number of training epochs after which the scores that a method sees were measured.",
        consume_multiple=True,
    ),
]


@dataclass(frozen=True)
class AblationGridResult(CommandResult):
    """A grid of shrinkage runs.

    Attributes
    ----------
    analysis
        The benchmark, the findings and the files.
    computed_rows, stored_rows
        Number of rows that this call computed, and of all rows in the file.
    seconds
        Duration of the computation.
    """

    analysis: AnalysisResult
    computed_rows: int
    stored_rows: int
    seconds: float


@json_command
def ablate(
    benchmark: BenchmarkName,
    /,
    *method_settings: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    method: Annotated[
        tuple[MethodName, ...],
        Parameter(
            help="Methods that shrink. Every setting of a method is an option that takes several values: "
            "--seeds 10 30 100 --radius 1 2. 'lissnas shrink --help' lists them.",
            consume_multiple=True,
        ),
    ] = ("lissnas",),
    noise_tau: NoiseTaus = (1.0,),
    epochs: Epochs = (),
    dataset: Dataset = None,
    metric: Metric = None,
    cheap: Cheap = (),
    form: Form = OFFICIAL,
    seed: Seed = 0,
    runs: Annotated[int, Parameter(help="Number of runs of each combination.")] = 100,
    workers: NumberOfWorkers = None,
    cluster: Cluster = None,
    out: Out = None,
) -> AblationGridResult:
    """Shrink with every combination of the given values, each many times, and draw which settings matter.

    Finished runs are kept: after an interrupt the same command continues, and a larger grid computes only what is
    missing. The results are in results/BENCHMARK/ablation by default.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.ablation import describe
    from lissnas_analyses.ablation.grid_points import grid_points
    from lissnas_analyses.ablation.measure import ablate as run
    from lissnas_analyses.grid.workers import workers as start_workers
    from lissnas_analyses.results.folder import Results

    points = grid_points(method, setting_values("ablate", method, method_settings), noise_tau, epochs or (None,))
    results = Results(out or default_folder(benchmark) / "ablation", "ablate")
    opened = with_cheap(open_benchmark(benchmark, dataset, metric), cheap, method, form)
    with start_workers(workers, cluster) as started, progress() as report:
        result = run(
            opened,
            points,
            runs,
            seed,
            path=results.folder / describe.ROWS,
            workers=started,
            report=warn_if_long(lambda share: report("ablation", share), "the ablation"),
        )
        report("drawing", 0)
        results.add_existing_file(describe.ROWS)
        findings = describe.save_ablation(result, results)
    printed = print_analysis(opened, findings, results, describe.INTERVALS)
    say(f"{result.computed:,} rows computed in {result.seconds:.1f} s, {result.stored:,} in the file", indent=2)
    return AblationGridResult(printed, result.computed, result.stored, result.seconds)
