"""The command that says what a run of a supernet will take."""

from dataclasses import dataclass
from math import floor, inf, log10
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators
from lissnas.errors import SettingError
from rich.table import Table as Grid

from lissnas_analyses.cli.json_command import CommandResult, json_command
from lissnas_analyses.cli.supernet.options import AnyRecipe, Changes, need_torch
from lissnas_analyses.cli.terminal import counted, say, show

if TYPE_CHECKING:
    from lissnas.supernet.stages.plan import Plan


def _finite(_: object, number: float | None) -> None:
    if number is not None and not 0 < number < inf:
        raise ValueError("Must be a number above 0, and finite.")


@dataclass(frozen=True)
class Planned:
    """One part of a run.

    Attributes
    ----------
    name
        What it is.
    steps, images
        Of training (0 where networks are only scored), and how many images go through a network.
    gpu_hours
        On one device; null if no throughput is known.
    """

    name: str
    steps: int
    images: int
    gpu_hours: float | None


@dataclass(frozen=True)
class PlanResult(CommandResult):
    """What a run will take.

    Attributes
    ----------
    name
        Of the recipe.
    stages
        Its parts.
    images_a_second, measured_on
        Of training on one device; and on which device it was measured here, null if it was given or is not known.
    gpus, hours
        How many devices, and how long they take if they share the work evenly; null if no throughput is known.
    images_a_network
        How many images scoring one network takes.
    parameters, flops
        Of the supernet; multiply-accumulates of its cheapest and its dearest path.
    state_bytes, activation_bytes, disk_bytes
        Memory of weights, gradients, momentum and average on each device; what a piece of a batch keeps there for its
        backward pass, an estimate; and of all checkpoints on the disk, at most.
    pixel_bytes
        On the disk beside them: the pixels of the images that networks are scored on, decoded.
    """

    name: str
    stages: tuple[Planned, ...]
    images_a_second: float | None
    measured_on: str | None
    gpus: int
    hours: float | None
    images_a_network: int
    parameters: int
    flops: tuple[int, int]
    state_bytes: int
    activation_bytes: int
    disk_bytes: int
    pixel_bytes: int


@json_command
def plan(
    recipe: AnyRecipe,
    /,
    *,
    changes: Changes = (),
    images_a_second: Annotated[
        float | None, Parameter(help="On how many images a second one device trains.", validator=_finite)
    ] = None,
    measure: Annotated[bool, Parameter(help="Measure that here, by some steps on random pixels.", negative=())] = False,
    gpus: Annotated[int, Parameter(help="How many devices share the work.", validator=validators.Number(gt=0))] = 1,
) -> PlanResult:
    """Say what a run will take before anything is spent: steps, hours, memory and disk."""
    need_torch()
    if measure and images_a_second is not None:
        raise SettingError("a throughput is measured or given: leave out --measure or --images-a-second")
    import torch
    from lissnas.supernet.recipes.recipe_file import read_recipe
    from lissnas.supernet.stages.plan import measured_throughput
    from lissnas.supernet.stages.plan import plan as plan_run

    read = read_recipe(recipe, changes)
    for stage, training in (("training", read.training), ("retraining", read.retraining)):
        try:
            training.micro_batches_per_process(gpus)
        except SettingError as error:
            raise SettingError(f"[{stage}] {error}") from error
    made = plan_run(read)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if measure:
        images_a_second = measured_throughput(read, device)
    hours = [None if images_a_second is None else stage.hours(images_a_second) for stage in made.stages]
    answer = PlanResult(
        recipe,
        tuple(
            Planned(stage.name, stage.steps, stage.images, spent)
            for stage, spent in zip(made.stages, hours, strict=True)
        ),
        images_a_second,
        (torch.cuda.get_device_name() if device == "cuda" else "the processor") if measure else None,
        gpus,
        None if images_a_second is None else sum(filter(None, hours)) / gpus,
        made.scored_network.images,
        made.parameters,
        made.flops,
        made.state_bytes,
        made.activation_bytes,
        made.checkpoint_bytes * made.checkpoints,
        made.pixel_bytes,
    )
    _tell(answer, _scoring(made, read.loop.round_limit))
    return answer


def _tell(answer: PlanResult, scoring: str) -> None:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("stage")
    for heading in ("steps", "images", "device hours"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for stage in answer.stages:
        spent = "?" if stage.gpu_hours is None else _three_digits(stage.gpu_hours)
        grid.add_row(stage.name, f"{stage.steps:,}" if stage.steps else "", f"{stage.images:,}", spent)
    show(grid)
    low, high = (flops / 1e6 for flops in answer.flops)
    for sentence in (
        _speed(answer),
        scoring,
        f"{answer.parameters:,} parameters; a path costs {low:,.2f} to {high:,.2f} million "
        "multiply-accumulates an image",
        f"memory of a device: {_size(answer.state_bytes)} for weights, gradients and momentum, and about "
        f"{_size(answer.activation_bytes)} for a piece of a batch on the dearest path, in 32 bits",
        f"disk: at most {_size(answer.disk_bytes)} of checkpoints"
        + (f", and {_size(answer.pixel_bytes)} of pixels of scored images" if answer.pixel_bytes else ""),
    ):
        say(sentence, indent=2)


def _speed(answer: PlanResult) -> str:
    if answer.images_a_second is None or answer.hours is None:
        return "hours need a throughput: give --images-a-second, or --measure it here"
    where = f"measured on {answer.measured_on}" if answer.measured_on else "as given"
    speed, hours = _three_digits(answer.images_a_second), _three_digits(answer.hours)
    return (
        f"{speed} images a second on one device, {where}, where scoring is taken to cost a third of training: "
        f"{hours} hours at best on {counted(answer.gpus, 'device')}"
    )


def _scoring(made: "Plan", rounds: int) -> str:
    takes = f"a network that is scored takes {made.scored_network.images:,} images"
    if not rounds:
        return takes
    if not made.networks_for_means:
        return f"{takes}; the rounds score none, as angles of weights need no images"
    if made.networks_for_shrinker is None:
        return (
            f"{takes}; a round scores {made.networks_for_means:,} for its means, plus those that the shrinker "
            "requests, which no stage counts"
        )
    shrinker, means = f"{made.networks_for_shrinker:,}", f"{made.networks_for_means:,}"
    return f"{takes}; a round scores at most {shrinker} to shrink, and {means} for its means"


def _three_digits(number: float) -> str:
    """Return a number above 0 with its first three digits, or all those before the point."""
    return f"{number:,.{max(0, 2 - floor(log10(number)))}f}"


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
