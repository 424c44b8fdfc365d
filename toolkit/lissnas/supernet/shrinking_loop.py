"""The loop: train a supernet, shrink its space by what it says, train on in the shrunk space, shrink again.

Gopal et al., "LISSNAS", IJCAI 2023, in outline; Hu et al., "Angle-based Search Space Shrinking", ECCV 2020, for the training
between rounds. Our own choice: whether a shrunk space is better is asked of the same weights on both, those that shrank it
since training alone would raise any later mean; the momentum of a later training begins at zero.

Everything a run draws follows from its seed and the number of the round. A run that was killed is run again: finished
trainings are read from their checkpoints, scores from their journals, and it goes on to the same bits.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from lissnas.box import Box
from lissnas.errors import LissnasError, SettingError
from lissnas.evaluate import Evaluations, Evaluator
from lissnas.journal import Journal
from lissnas.limited import LimitedSpace
from lissnas.shrink import Settings, shrink
from lissnas.shrink.budget import check_at_least_one
from lissnas.shrink.sampled_mean import SampledMean, sampled_mean
from lissnas.shrunk_space import ShrunkSpace
from lissnas.space import Space
from lissnas.subspace import ExplicitSubspace, Subspace, WholeSpace, save
from lissnas.supernet.cell_network import draw_weights
from lissnas.supernet.image_source import ImageSource
from lissnas.supernet.path_training import Progress, print_progress, train_paths
from lissnas.supernet.paths import Paths, SubspacePaths
from lissnas.supernet.processes import Processes, processes
from lissnas.supernet.scoring import Scoring, weights_to_score
from lissnas.supernet.supernet import Supernet
from lissnas.supernet.supernet_recipe import SupernetRecipe
from lissnas.supernet.weight_angle import WeightAngleEvaluator
from lissnas.supernet.weight_angle_shrinking import WeightAngleSettings, drop_lowest, within_limits

_WEIGHTS, _TRAINING, _SHRINKING, _MEAN_BEFORE, _MEAN_AFTER = range(5)
"""Tell draws from each other that are made from the same seed."""


@dataclass(frozen=True)
class LoopSettings:
    """How trainings and shrinkings follow each other."""

    later_steps: int
    """How many steps the training after each round has; the recipe says it for the first one. ABS: five epochs."""

    rounds: int = 10
    """How often the space is shrunk at most (our own choice); 0 trains, and no more."""

    between: Literal["fine-tune", "restart"] = "fine-tune"
    """Whether a later training goes on with the weights there are, and with the schedule where it was, as in ABS; or
    begins anew with new weights and the schedule's beginning."""

    mean_networks: int = 299
    """From how many networks each mean is estimated by which the loop stops: the best 1 % is among them, 95 % sure."""

    sizes: tuple[int, ...] = ()
    """How many networks each round keeps, for a shrinker whose settings have a `size`; that one in every round, if
    left out. Their number is then the largest number of rounds."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "later_steps")
        if self.rounds < 0:
            raise SettingError(f"rounds must be at least 0, not {self.rounds}")
        if self.mean_networks < 2:
            raise SettingError(f"mean_networks must be at least 2, not {self.mean_networks}")
        if self.between not in ("fine-tune", "restart"):
            raise SettingError(f"between must be 'fine-tune' or 'restart', not '{self.between}'")
        if any(smaller >= larger for larger, smaller in zip(self.sizes, self.sizes[1:], strict=False)):
            raise SettingError(f"sizes must fall from round to round, unlike {list(self.sizes)}")


@dataclass(frozen=True)
class LoopRound:
    """What one shrinking made of a space.

    Attributes
    ----------
    number
        From 1.
    subspace
        What was made, also if it was not kept.
    before, after
        The mean score of the space that was shrunk, and that of what was made, by the same weights; None for ABS on
        weight angles, which has another rule.
    kept
        Whether the loop went on with it.
    evaluations
        How many distinct networks were scored, for the means too.
    notes
        What the shrinker had to tell.
    """

    number: int
    subspace: Subspace
    before: SampledMean | None
    after: SampledMean | None
    kept: bool
    evaluations: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        at_least, at_most = self.subspace.size_bounds
        size = f"{at_most:,}" if at_least == at_most else f"at most {at_most:,}"
        means = "" if self.before is None else f", mean {self.before} before and {self.after} after"
        verdict = "kept" if self.kept else "not kept"
        return f"round {self.number}: {size} networks{means}, {self.evaluations:,} scored, {verdict}"


def print_round(made: LoopRound) -> None:
    """Print a line."""
    print(made, flush=True)


@dataclass(frozen=True)
class LoopTrace:
    """A run of the loop.

    Attributes
    ----------
    rounds
        In their order, one that was not kept too.
    subspace
        The result, on which the supernet was trained last: a subspace of the space that was given.
    stopped
        Why, as a sentence.
    average
        The moving average of the weights by their names, if the recipe asks for one: see `weights_to_score`.
    """

    rounds: tuple[LoopRound, ...]
    subspace: Subspace
    stopped: str
    average: Mapping[str, Tensor] | None


def shrink_in_rounds(
    network: Supernet,
    source: ImageSource,
    paths: Paths,
    recipe: SupernetRecipe,
    settings: LoopSettings,
    shrinker: Settings | WeightAngleSettings,
    scoring: Scoring,
    rng: np.random.Generator,
    folder: Path,
    *,
    space: Space | None = None,
    device: str | None = None,
    save_every: int = 1000,
    kept: int = 3,
    report: Callable[[Progress], None] = print_progress,
    report_round: Callable[[LoopRound], None] = print_round,
) -> LoopTrace:
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
        Of the first training. Later ones have `later_steps` of it: see `later_recipe`.
    shrinker
        Any settings of `lissnas.shrink`, as ``LissnasSettings(max_rounds=1, stop="rounds")`` or ``KernelSettings()``;
        each round is a run of it in the space that the rounds before left. Or ``WeightAngleSettings()`` for ABS.
    scoring
        How the supernet scores.
    rng
        Draws the seed of the run. On all processes it must be in the same state.
    folder
        Gets a folder of checkpoints for every training, a journal for every shrinking and the subspace it made.
    space
        The networks there are: a `LimitedSpace` of the network's space keeps all that is made to its limits, but not
        `paths`; None for all of the network's space.
    device, save_every, kept, report
        As in `train_paths`.
    report_round
        Is told of every round, by the first process.

    Raises
    ------
    SettingError
        If settings cannot be met in the first round, or the space is not the network's.
    LissnasError
        Whatever `train_paths` and `shrink` raise.
    SystemExit
        After SIGTERM or SIGINT while it trains, once a checkpoint is written.
    """
    raise NotImplementedError
