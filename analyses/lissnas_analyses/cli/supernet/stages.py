"""Commands on the run of a supernet in its folder: train, evaluate, shrink, search, retrain."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators
from lissnas.errors import SettingError

from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.supernet.options import Changes, Device, Folder, Recipe, TensorBoard, opened
from lissnas_analyses.cli.supernet.results import (
    Retrained,
    RoundSummary,
    ScoredNetwork,
    Searched,
    ShrunkInRounds,
    SupernetStageResult,
    Trained,
)
from lissnas_analyses.cli.terminal import counted, say

if TYPE_CHECKING:
    import polars as pl

    from lissnas_analyses.results.folder import Results
    from lissnas_analyses.supernet.stages import Run

_LISTED = 10
"""How many networks are told by name."""


@json_command
def train(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    changes: Changes = (),
    device: Device = None,
    tensorboard: TensorBoard = False,
) -> SupernetStageResult:
    """Train a supernet over its whole space; a training that was stopped goes on.

    Checkpoints and the recipe that was used lie in the folder.
    """
    with opened(recipe, changes, out, device, tensorboard) as run:
        from lissnas_analyses.supernet import stages

        loss = stages.train(run)
        training = run.recipe.training
        found = (f"trained for {training.steps:,} steps of {training.batch_size:,} images",)
        return _told(run, "train", found, None, trained=Trained(training.steps, loss))


@json_command
def evaluate(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    architecture: Annotated[
        tuple[str, ...], Parameter(help="Official string of one to score; may be repeated.", negative=())
    ] = (),
    file: Annotated[
        Path | None, Parameter(help="File of official strings, a line each, or of a column 'architecture'.")
    ] = None,
    random: Annotated[
        int, Parameter(help="How many to draw from the whole space.", validator=validators.Number(gte=0))
    ] = 0,
    changes: Changes = (),
    device: Device = None,
) -> SupernetStageResult:
    """Score architectures by the supernet as it was trained last, on images that are held out.

    The batch norms of each get their own statistics. Scores are in the folder `evaluation` of the run.
    """
    if not architecture and file is None and not random:
        raise SettingError("nothing to score: give --architecture, --file or --random")
    with opened(recipe, changes, out, device) as run:
        import numpy as np

        from lissnas_analyses.architecture_file import read_architectures
        from lissnas_analyses.supernet import stages

        listed = () if file is None else read_architectures(file, run.recipe.network.search_space())
        strings = (*architecture, *listed)
        if not strings and not random:
            raise SettingError(f"nothing to score: {file} names no architecture")
        frame, results = stages.evaluate(run, strings, random)
        best = frame.fill_nan(None).sort("accuracy", descending=True, nulls_last=True).head(_LISTED)
        found = [f"{counted(frame.height, 'network')} scored"]
        if frame.height > _LISTED:
            mean = float(np.nanmean(frame["accuracy"].to_numpy()))
            found.append(f"mean {mean:.2f} %; the best {_LISTED}:")
        found += [
            f"{row['architecture']}: {row['accuracy'] or float('nan'):.2f} %, {row['flops'] / 1e6:,.2f} M FLOPs, "
            f"{row['parameters']:,} parameters"
            for row in best.to_dicts()
        ]
        return _told(run, "evaluate", tuple(found), results, evaluated=_scored(frame))


@json_command
def shrink(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    changes: Changes = (),
    device: Device = None,
    tensorboard: TensorBoard = False,
) -> SupernetStageResult:
    """Train, shrink the space by what the supernet says, train on in what is left, and so on.

    A training that is there is not done again. What each round kept is in the folder `loop` of the run, the rounds in
    `shrinking`.
    """
    with opened(recipe, changes, out, device, tensorboard) as run:
        from lissnas_analyses.supernet import stages

        trace, results = stages.shrink(run, lambda made: say(str(made), indent=2))
        at_least, at_most = trace.subspace.size_bounds
        size = f"{at_most:,}" if at_least == at_most else f"{at_least:,} to {at_most:,}"
        kept = sum(made.ended is None for made in trace.rounds)
        file = run.place.space(kept) if kept else None
        found = [trace.stopped, f"{size} networks are left"]
        if file is not None:
            found.append(f"what is left: {file}")
        rounds = tuple(RoundSummary(**row) for row in stages.rounds_frame(trace).to_dicts())
        shrunk = ShrunkInRounds(rounds, at_least, at_most, file)
        return _told(run, "shrink", tuple(found), results, shrunk=shrunk)


@json_command
def search(
    recipe: Recipe = None, /, *, out: Folder, changes: Changes = (), device: Device = None
) -> SupernetStageResult:
    """Search for the network that the supernet scores highest, in what shrinking kept; in the whole space before.

    All that were scored are in the folder `search` of the run.
    """
    with opened(recipe, changes, out, device) as run:
        from lissnas_analyses.supernet import stages

        _, frame, results = stages.search(run)
        asked = run.recipe.search.evaluations
        fewer = f": no more were found, though {asked:,} were asked for" if frame.height < asked else ""
        [best] = _scored(frame.filter(frame["architecture"] == stages.best(frame)))
        found = (
            f"{counted(frame.height, 'network')} scored{fewer}",
            f"the best: {best.architecture}, {best.accuracy:.2f} %, {best.flops / 1e6:,.2f} M FLOPs, "
            f"{best.parameters:,} parameters",
        )
        return _told(run, "search", found, results, searched=Searched(best, frame.height))


@json_command
def retrain(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    architecture: Annotated[
        str | None, Parameter(help="Official string of the network; by default the best of the search.")
    ] = None,
    changes: Changes = (),
    device: Device = None,
    tensorboard: TensorBoard = False,
) -> SupernetStageResult:
    """Train one network from new weights, and judge it on the official validation images, once.

    Its checkpoints and its score are in the folder `retraining` of the run.
    """
    with opened(recipe, changes, out, device, tensorboard) as run:
        from lissnas_analyses.supernet import stages

        score, results = stages.retrain(run, architecture)
        return _told(run, "retrain", (str(score),), results, retrained=Retrained(**asdict(score)))


def _scored(frame: "pl.DataFrame") -> tuple[ScoredNetwork, ...]:
    columns = ("architecture", "accuracy", "flops", "parameters")
    return tuple(ScoredNetwork(**row) for row in frame.select(columns).to_dicts())


def _told(
    run: "Run", stage: str, findings: tuple[str, ...], results: "Results | None", **numbers: Any
) -> SupernetStageResult:
    """Print what came out, and where it is."""
    network, images = run.recipe.network, run.recipe.images
    say(f", {images.kind}", bold=network.space)
    for sentence in findings:
        say(sentence, indent=2)
    folder = run.place.folder if results is None else results.folder
    say(f"{'checkpoints and recipe' if results is None else 'numbers and manifest'}: {folder}/", indent=2)
    files = () if results is None else tuple(results.files)
    return SupernetStageResult(stage, network.space, images.kind, findings, folder, files, **numbers)
