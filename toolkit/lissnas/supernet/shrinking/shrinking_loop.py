"""The loop: train a supernet, shrink its space by what it says, train on in the shrunk space, shrink again.

Gopal et al., "LISSNAS", IJCAI 2023, in outline; Hu et al., "Angle-based Search Space Shrinking", ECCV 2020, for the
training between rounds. Our own choice: whether a shrunk space is better is asked of the same weights on both, those
that shrank it, since training alone would raise any later mean; the momentum of a later training begins at zero.

Everything a run draws follows from its seed and the number of the round. A run that was killed is run again: finished
trainings are read from their checkpoints, scores from their journals, and it goes on to the same bits.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from lissnas.errors import LissnasError, SettingError
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.shrink import Shrinker
from lissnas.spaces.limited import LimitedSpace
from lissnas.spaces.space import ENUMERABLE_SIZE, Space
from lissnas.storage.random_streams import RunStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.subspace import ExplicitSubspace, Subspace, WholeSpace
from lissnas.subspaces.subspace_file import save
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import draw_weights
from lissnas.supernet.scoring.scoring import Scoring, use_ema_weights
from lissnas.supernet.shrinking.shrinking_round import (
    RoundShrinker,
    ShrinkingRound,
    box_of,
    check_agreement,
    per_rank_journals,
)
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.training.path_samplers import PathSampler, SubspacePathSampler
from lissnas.supernet.training.process_group import join_process_group
from lissnas.supernet.training.progress import Progress, print_progress
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import TrainingRecipe


@dataclass(frozen=True)
class ShrinkingSchedule:
    """How trainings and shrinkings follow each other."""

    steps_per_round: int
    """How many steps the training after each round has; the recipe says it for the first one. ABS: five epochs."""

    max_rounds: int = 10
    """How often the space is shrunk at most (our own choice); 0 trains, and no more."""

    between_rounds: Literal["fine-tune", "restart"] = "fine-tune"
    """Whether a later training goes on with the weights there are, and with the schedule where it was, as in ABS; or
    begins anew with new weights and the schedule's beginning."""

    mean_sample_size: int = 299
    """From how many networks each mean is estimated by which the loop stops: the best 1 % is among them, 95 % sure."""

    sizes: tuple[int, ...] = ()
    """How many networks each round keeps, for a shrinker whose settings have a `size`; that one in every round, if
    left out. Their number is then the largest number of rounds."""

    radii: tuple[int, ...] = ()
    """As `sizes`, for one whose settings have a `radius`, as those of LISSNAS: how far from a seed its neighbors lie.
    Later rounds see nothing outside what is left, so that a ball in which a later seed lies should be larger than the
    ball around that seed (our own choice)."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "steps_per_round")
        if self.max_rounds < 0:
            raise SettingError(f"max_rounds must be at least 0, not {self.max_rounds}")
        if self.mean_sample_size < 2:
            raise SettingError(f"mean_sample_size must be at least 2, not {self.mean_sample_size}")
        if self.between_rounds not in ("fine-tune", "restart"):
            raise SettingError(f"between_rounds must be 'fine-tune' or 'restart', not '{self.between_rounds}'")
        if any(smaller >= larger for larger, smaller in pairwise(self.sizes)):
            raise SettingError(f"sizes must fall from round to round, unlike {list(self.sizes)}")
        if any(nearer > farther for farther, nearer in pairwise(self.radii)) or (self.radii and self.radii[-1] < 1):
            raise SettingError(
                f"radii must not rise from round to round, down to 1 at least, unlike {list(self.radii)}"
            )

    @property
    def round_limit(self) -> int:
        """How many rounds there are at most."""
        return min([self.max_rounds, *(len(given) for given in (self.sizes, self.radii) if given)])


def print_round(made: ShrinkingRound) -> None:
    """Print a line."""
    print(made, flush=True)


@dataclass(frozen=True)
class ShrinkingTrace:
    """A run of the loop.

    Attributes
    ----------
    rounds
        In their order; the loop did not go on with what the last one made if that says why it `ended`.
    subspace
        The result, on which the supernet was trained last: a subspace of the space that was given.
    stopped
        Why, as a sentence.
    average
        The moving average of the weights by their names, if the recipe asks for one: see `use_ema_weights`.
    """

    rounds: tuple[ShrinkingRound, ...]
    subspace: Subspace
    stopped: str
    average: Mapping[str, Tensor] | None


def shrink_in_rounds(
    network: Supernet,
    source: ImageSource,
    paths: PathSampler,
    recipe: TrainingRecipe,
    settings: ShrinkingSchedule,
    shrinker: Shrinker | WeightAngleShrinkage,
    scoring: Scoring,
    rng: np.random.Generator,
    folder: Path,
    *,
    space: Space | None = None,
    device: str | None = None,
    save_every: int = 1000,
    keep: int = 3,
    report: Callable[[Progress], None] = print_progress,
    report_round: Callable[[ShrinkingRound], None] = print_round,
) -> ShrinkingTrace:
    """Train a supernet and shrink its space in turn, from where an earlier run in the folder ended.

    The loop ends when the mean score of what a round made is not one standard error above that of the space before,
    which is then returned; with ABS on weight angles, when so few networks are left as its settings say; when the
    shrinker keeps everything or has too few networks to work on; or after all rounds.

    Parameters
    ----------
    network
        Its weights are drawn anew; those of the last training are left in it.
    source
        Its training images train, and recalibrate batch norms; those held out score. Others are not touched.
    paths
        The networks of each step of the first training; later ones draw uniformly from the shrunk space.
    recipe
        Of the first training. Later ones have `steps_per_round` of it: see `training_recipe_after`.
    shrinker
        Any of `lissnas.shrinkers`, as ``Lissnas(max_rounds=1, stop="rounds")`` or ``KernelShrinkage()``;
        each round is a run of it in the space that the rounds before left. Or ``WeightAngleShrinkage()`` for ABS.
    scoring
        How the supernet scores.
    rng
        Draws the seed of the run. On all processes it must be in the same state.
    folder
        Gets a folder of checkpoints for every training, a journal for every shrinking and the subspace it made.
    space
        The networks there are: a `LimitedSpace` of the network's space keeps all that is made to its limits, but not
        `paths`; None for all of the network's space.
    device, save_every, keep, report
        As in `train_supernet`.
    report_round
        Is told of every round, by the first process.

    Raises
    ------
    SettingError
        If settings cannot be met in the first round, or the space is not the network's; before anything is trained.
    LissnasError
        If the images to score with cannot be read, before anything is trained; and whatever `train_supernet` and
        `shrink` raise.
    SystemExit
        After SIGTERM or SIGINT while it trains, once a checkpoint is written.
    """
    everything = network.space if space is None else space
    _check(network, everything, settings, shrinker)
    seed = int(rng.integers(2**63))
    _make(folder)
    with join_process_group(device) as group:

        def train(number: int, sampler: PathSampler) -> Mapping[str, Tensor] | None:
            return train_supernet(
                network,
                source.train,
                sampler,
                training_recipe_after(recipe, settings, number),
                np.random.default_rng([RunStream.SUPERNET_TRAINING, seed, number]),
                folder / f"training-{number}",
                device=device,
                save_every=save_every,
                keep=keep,
                report=report,
            )

        run = _identity(everything, source, paths, recipe, settings, shrinker, scoring, seed)
        shrinking = RoundShrinker(
            everything, shrinker, settings.sizes, settings.radii, settings.mean_sample_size, seed, run
        )
        if settings.round_limit:
            shrinking.check()
        initial = reinitialize(network, np.random.default_rng([RunStream.SUPERNET_WEIGHTS, seed, 0]))
        evaluator = scoring.evaluator(network, source, group)
        evaluator.open_images()
        subspace: Subspace = WholeSpace(everything)
        average = train(0, paths)
        rounds: list[ShrinkingRound] = []
        with per_rank_journals(folder, group) as journals:
            while len(rounds) < settings.round_limit and (not rounds or rounds[-1].ended is None):
                number = len(rounds) + 1
                with use_ema_weights(network, average):
                    if isinstance(shrinker, WeightAngleShrinkage):
                        made = shrinking.by_angles(number, subspace, network, initial)
                    else:
                        made = shrinking.by_scores(number, subspace, evaluator, journals)
                check_agreement(group, made.subspace)
                rounds.append(made)
                if group.rank == 0:
                    report_round(made)
                if made.ended is None:
                    if group.rank == 0:
                        _save(made, folder / f"space-{number}.parquet", run)
                    if settings.between_rounds == "restart":
                        initial = reinitialize(
                            network, np.random.default_rng([RunStream.SUPERNET_WEIGHTS, seed, number])
                        )
                    elif _renews(shrinker, subspace, made.subspace):
                        initial = _weights(network)
                    subspace = made.subspace
                    average = train(number, SubspacePathSampler(subspace))
    stopped = "stopped after 1 round" if len(rounds) == 1 else f"stopped after {len(rounds)} rounds"
    if rounds and rounds[-1].ended is not None:
        stopped = f"stopped in round {len(rounds)}: {rounds[-1].ended}"
    return ShrinkingTrace(tuple(rounds), subspace, stopped, average)


def training_recipe_after(recipe: TrainingRecipe, settings: ShrinkingSchedule, number: int) -> TrainingRecipe:
    """Return the recipe of a training, the first being 0.

    Fine-tuning goes on in the schedule where the training before ended: a schedule of so many steps as the recipe says,
    as ABS lays it out, or else one that ends with the training. `abs_round` is what comes of ABS.
    """
    if number == 0:
        return recipe
    if settings.between_rounds == "restart":
        return replace(recipe, steps=settings.steps_per_round)
    done = recipe.steps + (number - 1) * settings.steps_per_round
    return replace(recipe, steps=settings.steps_per_round, schedule_start=recipe.schedule_start + done)


def reinitialize(network: Supernet, rng: np.random.Generator) -> dict[str, Tensor]:
    """Give a network new weights, as `draw_weights` does, and batch norms as new; return copies of all weights."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.reset_parameters()
    draw_weights(network, rng)
    return _weights(network)


def _weights(network: Supernet) -> dict[str, Tensor]:
    return {name: weights.detach().cpu().clone() for name, weights in network.named_parameters()}


def _renews(shrinker: Shrinker | WeightAngleShrinkage, before: Subspace, after: Subspace) -> bool:
    """Tell whether it is now that the current weights take the place of the initial ones."""
    if not isinstance(shrinker, WeightAngleShrinkage):
        return False
    choices = sum(after.space.choices)
    dropped = [choices - int(box_of(subspace).allowed.sum()) for subspace in (before, after)]
    return dropped[0] <= shrinker.reset_initial_weights_after < dropped[1]


def _check(
    network: Supernet, space: Space, settings: ShrinkingSchedule, shrinker: Shrinker | WeightAngleShrinkage
) -> None:
    if network.space.name != (space.whole if isinstance(space, LimitedSpace) else space).name:
        raise SettingError(f"a supernet of {network.space.name} cannot be shrunk as {space.name}: give its own space")
    for given, name in ((settings.sizes, "size"), (settings.radii, "radius")):
        if given and not hasattr(shrinker, name):
            raise SettingError(f"{type(shrinker).__name__} has no {name}, so that none can be given for each round")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LissnasError(f"{folder}: {error.strerror}; choose another folder for the loop") from error


def _identity(
    space: Space,
    source: ImageSource,
    paths: PathSampler,
    recipe: TrainingRecipe,
    settings: ShrinkingSchedule,
    shrinker: Shrinker | WeightAngleShrinkage,
    scoring: Scoring,
    seed: int,
) -> RunIdentity:
    """Return what tells one run from another; only how many rounds there are may be changed."""
    return RunIdentity(
        space=space.name,
        method=type(shrinker).__name__,
        settings={
            **asdict(cast(Any, shrinker)),
            "loop": {
                "between_rounds": settings.between_rounds,
                "steps_per_round": settings.steps_per_round,
                "sizes": settings.sizes,
                "radii": settings.radii,
                "mean_sample_size": settings.mean_sample_size,
            },
            "paths": type(paths).__name__,
            "recipe": asdict(recipe),
            "scoring": scoring.identity,
        },
        seed=seed,
        data={"images": source.train.description},
    )


def _save(made: ShrinkingRound, path: Path, run: RunIdentity) -> None:
    """Save a space, as one of all networks where there are limits; of a box too large to be listed they are told."""
    subspace, limits = made.subspace, list[str]()
    space = subspace.space
    if isinstance(space, LimitedSpace):
        limits = list(map(str, space.limits))
        if isinstance(subspace, LimitedSubspace) and subspace.unlimited.size_bounds[1] > ENUMERABLE_SIZE:
            subspace = subspace.unlimited
        else:
            subspace = ExplicitSubspace(space.whole, space.whole_index(subspace.index))
    provenance = {"loop": run.to_json(), "round": made.number, "limits": limits, "evaluations": made.evaluations}
    save(subspace, path, provenance)
