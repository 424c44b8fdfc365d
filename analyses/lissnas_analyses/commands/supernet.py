"""Commands on the run of a supernet in its folder: train, evaluate, shrink, search, retrain."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators
from lissnas.errors import SettingError

from lissnas_analyses.commands.answer import Answer, answering
from lissnas_analyses.commands.supernet_options import Changes, Device, Folder, Recipe, opened
from lissnas_analyses.commands.terminal import counted, say

if TYPE_CHECKING:
    from lissnas_analyses.results import Results
    from lissnas_analyses.supernet_run import Run

_LISTED = 10
"""How many networks are told by name."""


@dataclass(frozen=True)
class SupernetStage(Answer):
    """A stage of a run that is done.

    Attributes
    ----------
    stage
        "train", "evaluate", "shrink", "search" or "retrain".
    space, images
        Of which architectures the supernet is, and what it saw.
    findings
        What came out, in sentences.
    folder, files
        Of the stage, and what was written there.
    """

    stage: str
    space: str
    images: str
    findings: tuple[str, ...]
    folder: Path
    files: tuple[str, ...]


@answering
def train(recipe: Recipe = None, /, *, out: Folder, changes: Changes = (), device: Device = None) -> SupernetStage:
    """Train a supernet over its whole space; a training that was stopped goes on.

    Checkpoints and the recipe that was used lie in the folder.
    """
    with opened(recipe, changes, out, device) as run:
        from lissnas_analyses import supernet_run

        supernet_run.train(run)
        training = run.recipe.training
        found = (f"trained for {training.steps:,} steps of {training.batch:,} images",)
        return _told(run, "train", found, None)


@answering
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
) -> SupernetStage:
    """Score architectures by the supernet as it was trained last, on images that are held out.

    The batch norms of each get their own statistics. Scores are in the folder `evaluation` of the run.
    """
    from lissnas_analyses.architecture_file import read_architectures

    strings = (*architecture, *(() if file is None else read_architectures(file)))
    if not strings and not random:
        raise SettingError("nothing to score: give --architecture, --file or --random")
    with opened(recipe, changes, out, device) as run:
        import numpy as np

        from lissnas_analyses import supernet_run

        frame, results = supernet_run.evaluate(run, strings, random)
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
        return _told(run, "evaluate", tuple(found), results)


@answering
def shrink(recipe: Recipe = None, /, *, out: Folder, changes: Changes = (), device: Device = None) -> SupernetStage:
    """Train, shrink the space by what the supernet says, train on in what is left, and so on.

    A training that is there is not done again. What each round kept is in the folder `loop` of the run, the rounds in
    `shrinking`.
    """
    with opened(recipe, changes, out, device) as run:
        from lissnas_analyses import supernet_run

        trace, results = supernet_run.shrink(run, lambda made: say(str(made), indent=2))
        at_least, at_most = trace.subspace.size_bounds
        size = f"{at_most:,}" if at_least == at_most else f"{at_least:,} to {at_most:,}"
        kept = sum(made.ended is None for made in trace.rounds)
        found = [trace.stopped, f"{size} networks are left"]
        if kept:
            found.append(f"what is left: {run.place.space(kept)}")
        return _told(run, "shrink", tuple(found), results)


@answering
def search(recipe: Recipe = None, /, *, out: Folder, changes: Changes = (), device: Device = None) -> SupernetStage:
    """Search for the network that the supernet scores highest, in what shrinking kept; in the whole space before.

    All that were scored are in the folder `search` of the run.
    """
    with opened(recipe, changes, out, device) as run:
        from lissnas_analyses import supernet_run

        _, frame, results = supernet_run.search(run)
        found = [f"{counted(frame.height, 'network')} scored"]
        if run.speaks:
            best = supernet_run.best(frame)
            [row] = frame.filter(frame["architecture"] == best).to_dicts()
            found.append(
                f"the best: {best}, {row['accuracy']:.2f} %, {row['flops'] / 1e6:,.2f} M FLOPs, "
                f"{row['parameters']:,} parameters"
            )
        return _told(run, "search", tuple(found), results)


@answering
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
) -> SupernetStage:
    """Train one network from new weights, and judge it on the official validation images, once.

    Its checkpoints and its score are in the folder `retraining` of the run.
    """
    with opened(recipe, changes, out, device) as run:
        from lissnas_analyses import supernet_run

        score, results = supernet_run.retrain(run, architecture)
        return _told(run, "retrain", (str(score),), results)


def _told(run: "Run", stage: str, findings: tuple[str, ...], results: "Results | None") -> SupernetStage:
    """Print what came out, and where it is."""
    network, images = run.recipe.network, run.recipe.images
    say(f", {images.kind}", bold=network.space)
    for sentence in findings:
        say(sentence, indent=2)
    folder = run.place.folder if results is None else results.folder
    say(f"{'checkpoints and recipe' if results is None else 'numbers and manifest'}: {folder}/", indent=2)
    return SupernetStage(
        stage, network.space, images.kind, findings, folder, () if results is None else tuple(results.files)
    )
