"""`lissnas supernet export`: writes one network for use without lissnas."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from lissnas.bridges.dialects import OFFICIAL, read_architectures
from lissnas.errors import SettingError

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import say
from lissnas_analyses.cli.supernet.options import Changes, Device, Form, Recipe, need_architecture, need_torch, open_run


@dataclass(frozen=True)
class ExportResult(CommandResult):
    """An exported network.

    Attributes
    ----------
    architecture
        Official string.
    weights
        Where the weights are from.
    multiply_accumulates, parameters
        Per image; and the number of parameters in the file.
    top1
        Accuracy in percent with these weights; null if it was not measured.
    folder, files
        The folder, and the names of the files.
    """

    architecture: str
    weights: str
    multiply_accumulates: int
    parameters: int
    top1: float | None
    folder: Path
    files: tuple[str, ...]


@json_command
def export(
    recipe: Recipe = None,
    /,
    *,
    to: Annotated[Path, Parameter(help="Folder for the files of the network.")],
    out: Annotated[Path | None, Parameter(help="Folder of the run; not needed for untrained weights.")] = None,
    architecture: Annotated[str | None, Parameter(help="The network; by default the best one of the search.")] = None,
    form: Form = OFFICIAL,
    weights: Annotated[
        Literal["retrained", "supernet", "untrained"],
        Parameter(help="Weights: of the network trained alone; of its path in the supernet; or initial ones."),
    ] = "retrained",
    written_as: Annotated[
        tuple[Literal["pytorch", "safetensors", "onnx"], ...],
        Parameter(
            name="--as",
            help="Formats in which to write the weights; ONNX is compared with PyTorch.",
            consume_multiple=True,
        ),
    ] = ("pytorch",),
    license: Annotated[str, Parameter(help="License of the weights, as model hubs write it.")] = "other",
    changes: Changes = (),
    device: Device = None,
) -> ExportResult:
    """Write one network into a folder: a module file that needs only PyTorch, its weights, config and model card.

    The folder can be uploaded to a model hub as it is.
    """
    need_torch()
    need_architecture(form, architecture is not None)
    from lissnas.supernet.export.export_network import export_network
    from lissnas.supernet.recipes.recipe_file import read_recipe
    from lissnas.supernet.stages.export import retrained_network, supernet_path, untrained_network

    if weights == "untrained" and out is None:
        if recipe is None or architecture is None:
            raise SettingError("untrained weights need a recipe and --architecture, or the --out of a run")
        read = read_recipe(recipe, changes)
        [row] = read_architectures([architecture], form, read.network.search_space())
        network = untrained_network(read, row)
    elif out is None:
        raise SettingError(f"{weights} weights are in the folder of a run: give it with --out")
    else:
        with open_run(recipe, changes, out, device) as run:
            from lissnas_analyses.supernet.stage_results import search_winner

            space = run.recipe.network.search_space()
            if architecture is None:
                [row] = space.read([search_winner(run.folder)])
            else:
                [row] = read_architectures([architecture], form, space)
            if weights == "retrained":
                network = retrained_network(run.recipe, run.folder, row)
            elif weights == "supernet":
                network = supernet_path(run, run.trained_supernet(), run.open_images(), row)
            else:
                network = untrained_network(run.recipe, row)
    files = export_network(network, to, written_as, license)
    measured = network.measurement
    say(f", {weights}", bold=network.architecture)
    accuracy = "" if measured is None else f", top-1 {measured.top1:.2f} % of {measured.images}"
    say(f"{network.multiply_accumulates:,} multiply-accumulates, {network.parameters:,} parameters{accuracy}", indent=2)
    say(f"{to}/: {', '.join(files)}", indent=2)
    return ExportResult(
        network.architecture,
        weights,
        network.multiply_accumulates,
        network.parameters,
        None if measured is None else measured.top1,
        to,
        files,
    )
