"""`lissnas supernet plan`: the steps, hours, memory and disk space of a run, before it starts."""

from dataclasses import dataclass
from math import floor, inf, log10
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators
from lissnas.errors import SettingError

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import plain_table, say, show
from lissnas_analyses.cli.supernet.options import AnyRecipe, Changes, need_torch
from lissnas_analyses.sentences import counted

if TYPE_CHECKING:
    from lissnas.supernet.recipes.run_recipe import RunRecipe
    from lissnas.supernet.stages.measured_speed import MeasuredSpeed
    from lissnas.supernet.stages.plan import Plan, PlannedStage


def _finite(_: object, number: float | None) -> None:
    if number is not None and not 0 < number < inf:
        raise ValueError("Must be a number above 0, and finite.")


@dataclass(frozen=True)
class StageEstimate:
    """One part of a run.

    Attributes
    ----------
    name
        Name of the part.
    steps, images
        Number of training steps (0 if networks are only scored), and of images that go through a network.
    gpu_hours
        Hours on one device; null if the throughput is unknown.
    """

    name: str
    steps: int
    images: int
    gpu_hours: float | None


@dataclass(frozen=True)
class PlanResult(CommandResult):
    """The plan of a run.

    Attributes
    ----------
    name
        Name or file of the recipe.
    stages
        The parts of the run.
    images_per_second, measured_on
        Training throughput of one device, and the device on which it was measured; null if it was not measured.
    milliseconds, bottleneck
        Milliseconds of an image in each part of a training: decode and augment, on one core or, if the recipe says so,
        on the device; copy and train, on the device; and the part that limits the throughput; null if not measured.
    gpus, hours
        Number of devices, and how long they take together; null if the throughput is unknown.
    images_per_network
        Number of images that scoring one network takes.
    parameters, flops
        Parameters of the supernet; multiply-accumulates of its cheapest and its most expensive path.
    state_bytes, activation_bytes, disk_bytes
        Memory for weights, gradients, momentum and average on each device; memory that a micro-batch needs for its
        backward pass, an estimate; and maximum disk space of all checkpoints.
    pixel_bytes
        Disk space of the decoded images for scoring.
    """

    name: str
    stages: tuple[StageEstimate, ...]
    images_per_second: float | None
    measured_on: str | None
    milliseconds: dict[str, float] | None
    bottleneck: str | None
    gpus: int
    hours: float | None
    images_per_network: int
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
    images_per_second: Annotated[
        float | None, Parameter(help="Training throughput of one device in images per second.", validator=_finite)
    ] = None,
    measure: Annotated[
        bool,
        Parameter(
            help="Measure decoding, augmentation, copying and training here, and name the bottleneck.", negative=()
        ),
    ] = False,
    gpus: Annotated[
        int, Parameter(help="Number of devices that share the work.", validator=validators.Number(gt=0))
    ] = 1,
) -> PlanResult:
    """Print the steps, hours, memory and disk space of a run before it starts."""
    need_torch()
    if measure and images_per_second is not None:
        raise SettingError("the throughput is either measured or given: remove --measure or --images-per-second")
    import torch
    from lissnas.supernet.recipes.recipe_file import read_recipe
    from lissnas.supernet.recipes.run_recipe import limits_without_effect
    from lissnas.supernet.stages.measured_speed import measured_speed
    from lissnas.supernet.stages.plan import plan as plan_run

    read = read_recipe(recipe, changes)
    trainings = {"training": read.training, "search_training": read.search_training, "retraining": read.retraining}
    for stage, training in trainings.items():
        if training is None:
            continue
        try:
            training.micro_batches_of(0, gpus)
        except SettingError as error:
            raise SettingError(f"[{stage}] {error}") from error
    run_plan = plan_run(read)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    measured = measured_speed(read, device) if measure else None
    if measured is not None:
        images_per_second = measured.images_per_second
    speeds = [_speed_of(stage, images_per_second, measured) for stage in run_plan.stages]
    hours = [speed and stage.hours(speed) for stage, speed in zip(run_plan.stages, speeds, strict=True)]
    result = PlanResult(
        recipe,
        tuple(
            StageEstimate(stage.name, stage.steps, stage.images, hours_spent)
            for stage, hours_spent in zip(run_plan.stages, hours, strict=True)
        ),
        images_per_second,
        (torch.cuda.get_device_name() if device == "cuda" else "the processor") if measure else None,
        {part: 1000 * getattr(measured, part) for part in ("decode", "augment", "copy", "train")} if measured else None,
        measured.bottleneck if measured else None,
        gpus,
        None if images_per_second is None else _hours(read, run_plan, hours, gpus),
        run_plan.scored_network.images,
        run_plan.parameters,
        run_plan.flops,
        run_plan.state_bytes,
        run_plan.activation_bytes,
        run_plan.checkpoint_bytes * run_plan.checkpoints,
        run_plan.pixel_bytes,
    )
    for sentence in limits_without_effect(read):
        say(sentence, indent=2)
    _print(result, (_scoring(run_plan, read.loop.round_limit), *_dearer_scoring(read, run_plan)), measured)
    return result


def _speed_of(stage: "PlannedStage", images_per_second: float | None, measured: "MeasuredSpeed | None") -> float | None:
    """Return the throughput of a stage: networks are scored on images that were decoded before."""
    return 1 / measured.train if measured is not None and stage.work == "scoring" else images_per_second


def _hours(recipe: "RunRecipe", run_plan: "Plan", hours: list[float | None], gpus: int) -> float:
    """Return the hours of a run on some devices.

    In a training, devices with fewer micro-batches wait for the others. In the closing recalibration all do the same.
    """
    total = 0.0
    for stage, alone in zip(run_plan.stages, hours, strict=True):
        trainings = {"retraining": recipe.retraining, "training for the search": recipe.search_training}
        training = trainings.get(stage.name) or recipe.training
        busy = 1 - training.idle_share(gpus) if stage.work == "training" else 1
        total += (alone or 0) / busy / (1 if stage.work == "closing" else gpus)
    return total


def _print(result: PlanResult, scoring: tuple[str, ...], measured: "MeasuredSpeed | None") -> None:
    table = plain_table("stage", "steps", "images", "device hours")
    table.columns[0].no_wrap = False  # names give way to numbers, which are never cut
    for column in table.columns[1:]:
        column.justify = "right"
    for stage in result.stages:
        hours_spent = "?" if stage.gpu_hours is None else _three_digits(stage.gpu_hours)
        table.add_row(stage.name, f"{stage.steps:,}" if stage.steps else "", f"{stage.images:,}", hours_spent)
    show(table)
    low, high = (flops / 1e6 for flops in result.flops)
    for sentence in (
        _speed(result),
        *_parts(measured),
        *scoring,
        f"{result.parameters:,} parameters; a path costs {low:,.2f} to {high:,.2f} million "
        "multiply-accumulates per image",
        f"memory of a device: {_size(result.state_bytes)} for weights, gradients and momentum, and about "
        f"{_size(result.activation_bytes)} for a micro-batch on the most expensive path, in 32 bits",
        f"disk: at most {_size(result.disk_bytes)} of checkpoints"
        + (f", and {_size(result.pixel_bytes)} of decoded images for scoring" if result.pixel_bytes else ""),
    ):
        say(sentence, indent=2)


def _speed(result: PlanResult) -> str:
    if result.images_per_second is None or result.hours is None:
        return "hours need a throughput: give --images-per-second or --measure"
    where = f"measured on {result.measured_on}" if result.measured_on else "as given"
    speed, hours = _three_digits(result.images_per_second), _three_digits(result.hours)
    return (
        f"{speed} images per second on one device, {where}; scoring is assumed to cost a third of training: "
        f"at least {hours} hours on {counted(result.gpus, 'device')}"
    )


def _parts(measured: "MeasuredSpeed | None") -> tuple[str, ...]:
    """Return what an image takes in each part of a training, the bottleneck, and what to do about it."""
    if measured is None:
        return ()
    copy, train = (f"{_three_digits(1000 * max(each, 1e-9))} ms" for each in (measured.copy, measured.train))
    if not measured.decode:
        return (f"an image takes {copy} to copy and {train} to train; the bottleneck: {measured.bottleneck}",)
    decode, augment = (f"{_three_digits(1000 * max(each, 1e-9))} ms" for each in (measured.decode, measured.augment))
    decodes = "on the device" if measured.on_device == "decoding" else "on a core"
    augments = "on a core" if measured.on_device == "nothing" else "on the device"
    source = "a generated image, because those of the recipe are not here," if measured.generated else "an image"
    parts = (
        f"{source} takes {decode} to decode {decodes}, {augment} to augment {augments}, {copy} to copy and {train} to "
        f"train, with {counted(measured.workers, 'worker')}; the bottleneck: {measured.bottleneck}"
    )
    return (parts + _REMEDIES.get((measured.bottleneck, measured.on_device), ""),)


_MORE = "raise images.files.workers up to the number of cores"
_REMEDIES = {
    ("decode", "nothing"): f"; {_MORE}, or use copies of 'lissnas supernet resize'",
    ("decode", "augmentation"): f"; {_MORE}, or use copies of 'lissnas supernet resize'",
    ("decode", "decoding"): "; set images.files.on_device to augmentation",
    ("augment", "nothing"): f"; {_MORE}, or on a GPU set images.files.on_device to augmentation",
    ("augment", "augmentation"): "; set images.files.on_device to nothing",
    ("augment", "decoding"): "; set images.files.on_device to nothing",
}
"""What to do about a bottleneck, by its part and by what the device does."""


def _scoring(run_plan: "Plan", rounds: int) -> str:
    takes = f"scoring a network takes {run_plan.scored_network.images:,} images"
    if not rounds:
        return takes
    if not run_plan.networks_for_means:
        return f"{takes}; the rounds score no networks, because weight angles need no images"
    if run_plan.networks_for_shrinker is None:
        return (
            f"{takes}; a round scores {run_plan.networks_for_means:,} for its means, plus those that the shrinker "
            "requests, which no stage counts"
        )
    shrinker, means = f"{run_plan.networks_for_shrinker:,}", f"{run_plan.networks_for_means:,}"
    return f"{takes}; a round scores at most {shrinker} to shrink, and {means} for its means"


def _dearer_scoring(recipe: "RunRecipe", run_plan: "Plan") -> tuple[str, ...]:
    """Return what to lower if scoring takes more images than the training of the supernet; otherwise nothing."""
    scored, trained = (
        sum(stage.images for stage in run_plan.stages if stage.work == work and stage.name != "retraining")
        for work in ("scoring", "training")
    )
    if scored <= trained:
        return ()
    in_rounds = recipe.loop.round_limit and run_plan.networks_for_means
    keys = ["loop.mean_sample_size", "loop.max_rounds"] if in_rounds else []
    if in_rounds and hasattr(recipe.shrinking.settings, "evaluations"):
        keys.append("shrinking.settings.evaluations")
    keys += ["search.evaluations", "scoring.recalibration_batches"]
    if recipe.images.files is not None:
        keys.append("images.files.held_out_per_class")
    lower = f"lower {', '.join(keys[:-1])} or {keys[-1]}"
    if in_rounds and hasattr(recipe.shrinking.settings, "quantile"):
        lower += ", or raise shrinking.settings.quantile"
    return (f"scoring takes {scored:,} images, and training the supernet {trained:,}: {lower}",)


def _three_digits(number: float) -> str:
    """Return a positive number with three significant digits, or all digits before the point."""
    return f"{number:,.{max(0, 2 - floor(log10(number)))}f}"


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
