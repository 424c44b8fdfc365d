"""`lissnas ablate`: a grid over the settings of methods, over noise and over fidelity, with thousands of seeds."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from lissnas_analyses.cli.analysis_result import AnalysisResult, print_analysis
from lissnas_analyses.cli.json_command import CommandResult, json_command
from lissnas_analyses.cli.options import BenchmarkName, Dataset, MethodName, Metric, Out, Seed, default_folder
from lissnas_analyses.cli.terminal import progress, say

NoiseTaus = Annotated[
    tuple[float, ...],
    Parameter(
        help="Kendall tau to which the scores that a method sees are degraded; 1 leaves them as they are.",
        consume_multiple=True,
    ),
]
Epochs = Annotated[
    tuple[int, ...],
    Parameter(
        help="Low fidelity: after how many epochs the scores that a method sees were measured.", consume_multiple=True
    ),
]
NumberOfWorkers = Annotated[
    int | None, Parameter(help="How many processes of this machine; by default one for each core.")
]
Cluster = Annotated[
    str | None,
    Parameter(help="Address of a Dask scheduler, to use its workers; 'local:2' starts two processes here."),
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
            help="What shrinks. Every setting of a method is an option that takes several values: "
            "--seeds 10 30 100 --radius 1 2. 'lissnas shrink --help' lists them.",
            consume_multiple=True,
        ),
    ] = ("lissnas",),
    noise_tau: NoiseTaus = (1.0,),
    epochs: Epochs = (),
    dataset: Dataset = None,
    metric: Metric = None,
    seed: Seed = 0,
    runs: Annotated[int, Parameter(help="How many runs of each combination.")] = 100,
    workers: NumberOfWorkers = None,
    cluster: Cluster = None,
    out: Out = None,
) -> AblationGridResult:
    """Shrink with every combination of the values given, each many times, and draw what matters.

    What is finished is kept: after an interrupt the same command goes on, and a larger grid computes what is new. The
    results lie in results/BENCHMARK/ablation if nothing else is said.

    Parameters
    ----------
    benchmark
        Name of the benchmark.
    """
    from lissnas_analyses.ablation import describe
    from lissnas_analyses.ablation.measure import ablate as run
    from lissnas_analyses.cli.method_options import setting_values
    from lissnas_analyses.grid.grid import cells
    from lissnas_analyses.grid.workers import BenchmarkKey
    from lissnas_analyses.grid.workers import workers as start
    from lissnas_analyses.results.folder import Results

    grid = cells(method, setting_values("ablate", method, method_settings), noise_tau, epochs or (None,))
    folder = out or default_folder(benchmark) / "ablation"
    results = Results(folder, "ablate")
    name = BenchmarkKey.known_here(benchmark, dataset, metric)
    with start(workers, cluster) as started, progress() as report:
        found = run(
            name, grid, runs, seed, folder / "ablation.parquet", started, lambda share: report("ablation", share)
        )
        report("drawing", 0)
        findings = describe.write(found, name.open(), results, seed)
    studied = print_analysis(name.open(), findings, results)
    say(f"{found.computed:,} rows computed in {found.seconds:.1f} s, {found.stored:,} in the file", indent=2)
    return AblationGridResult(studied, found.computed, found.stored, found.seconds)
