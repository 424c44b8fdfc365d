"""A small ablation: the grid that tests of ablations and of the grid engine run."""

from pathlib import Path

from lissnas_analyses.ablation.grid_points import AblationPoint, grid_points
from lissnas_analyses.ablation.measure import AblationResult, ablate
from lissnas_analyses.grid.workers import THIS_PROCESS
from lissnas_benchmarks.benchmark import Benchmark

GRID = grid_points(("lissnas", "random-subset"), {"seeds": (5, 20), "size": (100,)}, (1.0, 0.6))
RUNS = 4


def ablate_grid(
    proteins: Benchmark,
    folder: Path,
    given_workers: object = THIS_PROCESS,
    points: tuple[AblationPoint, ...] = GRID,
    runs: int = RUNS,
) -> AblationResult:
    """Run the grid with its rows in a folder."""
    return ablate(proteins, points, runs, 3, path=folder / "ablation.parquet", workers=given_workers)  # type: ignore[arg-type]
