"""The shrinking loop: train a supernet, shrink its space by its scores, train in the shrunk space, and shrink again.

Gopal et al., "LISSNAS", IJCAI 2023, in outline; Hu et al., "Angle-based Search Space Shrinking", ECCV 2020, for the
training between rounds. Our own choices: the weights that shrank the space also score it before and after, because
training alone would raise any later mean; and each training starts with zero momentum.

All draws follow from the seed of the run and the number of the round. To resume a killed run, run it again: it reads
finished trainings from their checkpoints and scores from their journals, and ends with the same bits.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from lissnas.errors import LissnasError, SettingError
from lissnas.shrinkers.shrink import Shrinker
from lissnas.spaces.limited import LimitedSpace
from lissnas.spaces.space import ENUMERABLE_SIZE, Space
from lissnas.storage.random_streams import RunStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from lissnas.subspaces.subspace_file import save
from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weights import Initialization, draw_weights
from lissnas.supernet.scoring.scoring import Scoring, per_rank_journals, use_ema_weights
from lissnas.supernet.scoring.weight_angle import WeightAngleEvaluator
from lissnas.supernet.shrinking.shrinking_round import RoundShrinker, ShrinkingRound, box_of, check_agreement
from lissnas.supernet.shrinking.shrinking_schedule import ShrinkingSchedule, training_recipe_after
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.training.logs.progress import Progress, print_progress
from lissnas.supernet.training.path_samplers import PathSampler, SubspacePathSampler
from lissnas.supernet.training.process_group import join_process_group
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import TrainingRecipe


def print_round(finished: ShrinkingRound) -> None:
    """Print a line about a finished round."""
    print(finished, flush=True)


@dataclass(frozen=True)
class ShrinkingTrace:
    """The result of the loop.

    Attributes
    ----------
    rounds
        All rounds, in order. If the last one has `ended`, the loop rejected its shrunk space.
    subspace
        The final subspace, in which the supernet was last trained.
    stopped
        Why the loop stopped, as a sentence.
    average
        The moving average of the weights, by name, if the training recipe has one; see `use_ema_weights`.
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
    schedule: ShrinkingSchedule,
    shrinker: Shrinker | WeightAngleShrinkage,
    scoring: Scoring,
    rng: np.random.Generator,
    folder: Path,
    *,
    space: Space | None = None,
    pretrained: Mapping[str, Tensor] | None = None,
    device: str | None = None,
    save_every: int = 1000,
    keep: int = 3,
    report: Callable[[Progress], None] = print_progress,
    report_round: Callable[[ShrinkingRound], None] = print_round,
    report_scores: Callable[[int, int], None] = lambda number, scored: None,
) -> ShrinkingTrace:
    """Train a supernet and shrink its space in turn; resume if the folder has an earlier run.

    The loop ends when the mean score of the shrunk space is not one standard error above the mean before; it then
    returns the space before. With ABS on weight angles it ends when at most `stop_size` networks remain. It also ends
    when the shrinker keeps all networks or has too few to work on, or after the last round of the schedule.

    Parameters
    ----------
    network
        The supernet. The loop draws new weights; afterwards the network has those of the last training.
    source
        The training images train the network and recalibrate batch norms; the held-out images score it. The official
        validation images are not read.
    paths
        Samples the paths of each step of the first training. Later trainings sample uniformly from the shrunk space.
    recipe
        Recipe of the first training. Later trainings have `steps_per_round` steps; see `training_recipe_after`.
    schedule
        How many rounds there are, and how training continues between them.
    shrinker
        Any of `lissnas.shrinkers`, such as ``Lissnas(max_rounds=1, stop="rounds")`` or ``KernelShrinkage()``, which
        runs once per round inside the current space; or ``WeightAngleShrinkage()`` for ABS.
    scoring
        How the supernet scores networks.
    rng
        Draws the seed of the run. It must be in the same state on all processes.
    folder
        Folder for the checkpoints of each training, and the journals and the subspace of each round.
    space
        A `LimitedSpace` of the supernet's space: every network that is drawn, scored or kept meets its limits, except
        those of `paths`. None for the full space of the supernet.
    pretrained
        Weights and batch-norm statistics, by name, that replace new ones wherever a supernet begins with new weights.
    device, save_every, keep, report
        As in `train_supernet`.
    report_round
        Called after each round, in the first process.
    report_scores
        Called after each scored network, in every process, with the number of the round and how many networks all
        processes have scored in it.

    Raises
    ------
    SettingError
        If the space cannot satisfy the settings of the first round, or is not the supernet's; before any training.
    LissnasError
        If the images for scoring cannot be read, before any training; and all errors of `train_supernet` and `shrink`.
    SystemExit
        After SIGTERM or SIGINT during a training, once its checkpoint is written.
    """
    full_space = network.space if space is None else space
    _check(network, full_space, schedule, shrinker)
    seed = int(rng.integers(2**63))
    _make_folder(folder)
    rounds: list[ShrinkingRound] = []
    scored_before_round = 0
    with join_process_group(device) as group:
        recipe = recipe.on(group.device)

        def train(sampler: PathSampler) -> Mapping[str, Tensor] | None:
            return train_supernet(
                network,
                source.train,
                sampler,
                training_recipe_after(recipe, schedule, len(rounds)),
                np.random.default_rng([RunStream.SUPERNET_TRAINING, seed, len(rounds)]),
                folder / f"training-{len(rounds)}",
                device=device,
                save_every=save_every,
                keep=keep,
                report=report,
            )

        def reinitialized() -> dict[str, Tensor]:
            rng = np.random.default_rng([RunStream.SUPERNET_WEIGHTS, seed, len(rounds)])
            return reinitialize(network, rng, recipe.initialization, pretrained)

        run = _identity(full_space, source, paths, recipe, schedule, shrinker, scoring, seed)
        round_shrinker = RoundShrinker(
            full_space, shrinker, schedule.sizes, schedule.radii, schedule.mean_sample_size, seed, run
        )
        if schedule.round_limit:
            round_shrinker.check()
        initial = reinitialized()
        evaluator = scoring.evaluator(
            network,
            source,
            group,
            lambda scored: report_scores(len(rounds) + 1, scored - scored_before_round),
            recipe,
        )
        if recipe.channels_last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        evaluator.try_one_path()
        if isinstance(shrinker, WeightAngleShrinkage):
            WeightAngleEvaluator(network, initial)(network.space.sample(1, np.random.default_rng(0)))
        subspace: Subspace = FullSpace(full_space)
        average = train(paths)
        with per_rank_journals(folder, group) as journals:
            while len(rounds) < schedule.round_limit and (not rounds or rounds[-1].ended is None):
                number = len(rounds) + 1
                scored_before_round = evaluator.scored
                with use_ema_weights(network, average):
                    if isinstance(shrinker, WeightAngleShrinkage):
                        finished = round_shrinker.by_angles(number, subspace, network, initial)
                    else:
                        finished = round_shrinker.by_scores(number, subspace, evaluator, journals)
                check_agreement(group, finished.subspace)
                rounds.append(finished)
                if group.rank == 0:
                    report_round(finished)
                if finished.ended is None:
                    if group.rank == 0:
                        saved, provenance = _without_limits(finished, run)
                        save(saved, folder / f"space-{number}.parquet", provenance)
                    if schedule.between_rounds == "restart":
                        initial = reinitialized()
                    elif _resets_initial_weights(shrinker, subspace, finished.subspace):
                        initial = _weights(network)
                    subspace = finished.subspace
                    average = train(SubspacePathSampler(subspace))
    stopped = "stopped after 1 round" if len(rounds) == 1 else f"stopped after {len(rounds)} rounds"
    if rounds and rounds[-1].ended is not None:
        stopped = f"stopped in round {len(rounds)}: {rounds[-1].ended}"
    return ShrinkingTrace(tuple(rounds), subspace, stopped, average)


def reinitialize(
    network: Supernet,
    rng: np.random.Generator,
    initialization: Initialization = "fan-in",
    pretrained: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Draw new weights as `draw_weights` does, reset all batch norms, and return copies of the weights by name.

    Pretrained weights and statistics replace those of their names.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.reset_parameters()
    draw_weights(network, rng, initialization)
    network.load_state_dict(pretrained or {}, strict=False)
    return _weights(network)


def _weights(network: Supernet) -> dict[str, Tensor]:
    return {name: weights.detach().cpu().clone() for name, weights in network.named_parameters()}


def _resets_initial_weights(shrinker: Shrinker | WeightAngleShrinkage, before: Subspace, after: Subspace) -> bool:
    """Return whether this round brings the number of dropped operations above `reset_initial_weights_after`."""
    if not isinstance(shrinker, WeightAngleShrinkage):
        return False
    choices = sum(after.space.choices)
    dropped_before, dropped_after = (choices - int(box_of(subspace).allowed.sum()) for subspace in (before, after))
    return dropped_before <= shrinker.reset_initial_weights_after < dropped_after


def _check(
    network: Supernet, space: Space, schedule: ShrinkingSchedule, shrinker: Shrinker | WeightAngleShrinkage
) -> None:
    if network.space.name != (space.full_space if isinstance(space, LimitedSpace) else space).name:
        raise SettingError(
            f"the supernet is of the space {network.space.name}, not {space.name}: pass the supernet's own space"
        )
    for values, name, key in ((schedule.sizes, "size", "sizes"), (schedule.radii, "radius", "radii")):
        if values and not hasattr(shrinker, name):
            raise SettingError(f"{type(shrinker).__name__} has no {name}: leave {key} empty")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LissnasError(f"{folder}: {error.strerror}; choose another folder for the loop") from error


def _identity(
    space: Space,
    source: ImageSource,
    paths: PathSampler,
    recipe: TrainingRecipe,
    schedule: ShrinkingSchedule,
    shrinker: Shrinker | WeightAngleShrinkage,
    scoring: Scoring,
    seed: int,
) -> RunIdentity:
    """Return the identity of a run for its journals; only the number of rounds may change later."""
    return RunIdentity(
        space=space.name,
        method=type(shrinker).__name__,
        settings={
            **asdict(cast(Any, shrinker)),
            "loop": {
                "between_rounds": schedule.between_rounds,
                "steps_per_round": schedule.steps_per_round,
                "sizes": schedule.sizes,
                "radii": schedule.radii,
                "mean_sample_size": schedule.mean_sample_size,
            },
            "paths": type(paths).__name__,
            "recipe": asdict(recipe),
            "scoring": scoring.identity,
        },
        seed=seed,
        data={"images": source.train.description},
    )


def _without_limits(finished: ShrinkingRound, run: RunIdentity) -> tuple[Subspace, dict[str, Any]]:
    """Return the shrunk space of a round as a subspace of the space without limits, and its provenance.

    A limited subspace too large to enumerate is returned without its limits; its provenance names them.
    """
    subspace, limits = finished.subspace, list[str]()
    space = subspace.space
    if isinstance(space, LimitedSpace):
        limits = list(map(str, space.limits))
        if isinstance(subspace, LimitedSubspace) and subspace.unlimited.size_bounds[1] > ENUMERABLE_SIZE:
            subspace = subspace.unlimited
        else:
            subspace = ExplicitSubspace(space.full_space, space.full_space_index(subspace.index))
    provenance = {
        "loop": run.to_json(),
        "round": finished.number,
        "limits": limits,
        "evaluations": finished.evaluations,
    }
    return subspace, provenance
