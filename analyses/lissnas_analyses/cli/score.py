"""`lissnas score`: zero-cost scores of the architectures of a space, in a predictor file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from lissnas.spaces.space import INDEX_COLUMN

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.options import NumberOfWorkers, Seed
from lissnas_analyses.cli.shared.terminal import progress, say
from lissnas_analyses.cli.supernet.options import need_torch
from lissnas_analyses.sentences import counted


@dataclass(frozen=True)
class ZeroCostScoresResult(CommandResult):
    """Zero-cost scores, and the predictor file that has them.

    Attributes
    ----------
    space, images, seed
        What was scored.
    undefined
        For each score in the file the number of architectures for which it is undefined.
    architectures
        Number of architectures in the file.
    computed
        Number of scores that this call computed; the others were in the file.
    seconds
        Duration of the call.
    file
        The predictor file.
    """

    space: str
    images: str
    seed: int
    undefined: dict[str, int]
    architectures: int
    computed: int
    seconds: float
    file: Path


@json_command
def score(
    space: str,
    /,
    *,
    scores: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)] = (),
    images: str = "digits",
    sample: int | None = None,
    seed: Seed = 0,
    workers: NumberOfWorkers = None,
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
) -> ZeroCostScoresResult:
    """Compute zero-cost scores of architectures, and write them to a predictor file.

    Finished scores are kept: after an interrupt the same command continues, and more scores or architectures compute
    only what is missing. 'lissnas tau', 'shrink', 'compare' and 'ablate' read the file with --cheap. Needs the extra
    "supernet".

    Parameters
    ----------
    space
        Name of the space: cell201, macro, shufflenetv2, mobilenet, fairnas or mobilenetv2.
    scores
        Scores to compute; default: all. They are parameters, flops, synflow, jacob_cov, nwot, snip, grasp, grad_norm,
        fisher, zen, zico, expressivity, progressivity, trainability.
    images
        Images that the networks see: digits or fashion-mnist of 8 x 8 pixels, on small networks; or noise of the
        published size, on the published networks.
    sample
        Number of random architectures to score; default: all.
    out
        The file, which ends in .parquet; default: results/SPACE/zero-cost-IMAGES.parquet.
    """
    need_torch("zero-cost scores")
    from lissnas.supernet.zero_cost.catalog import SCORE_NAMES
    from lissnas.supernet.zero_cost.score_architectures import ZeroCostTask, check_score_names

    from lissnas_analyses.grid.workers import workers as start_workers
    from lissnas_analyses.zero_cost.measure import measure

    task = ZeroCostTask(space, images, seed)
    names = tuple(dict.fromkeys(scores)) or SCORE_NAMES
    check_score_names(names)
    path = out or Path("results") / space / f"zero-cost-{images}.parquet"
    with start_workers(workers) as started, progress() as report:
        result = measure(task, names, path, sample, started, lambda share: report("scoring", share))
    undefined = {
        name: int(result.scores[name].is_nan().sum()) for name in result.scores.columns if name != INDEX_COLUMN
    }
    say(
        f"{space} on {images}: {counted(len(undefined), 'score')} of {counted(len(result.scores), 'architecture')}; "
        f"{result.computed:,} computed in {result.seconds:.1f} s"
    )
    for name, count in undefined.items():
        if count:
            say(f"{name} is undefined for {counted(count, 'architecture')}", indent=2)
    say(str(path), indent=2)
    return ZeroCostScoresResult(
        space, images, seed, undefined, len(result.scores), result.computed, result.seconds, path
    )
