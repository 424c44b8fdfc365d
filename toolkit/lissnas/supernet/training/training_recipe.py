"""How a supernet is trained: the recipes of SPOS and of ABS, and what a recipe says."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from lissnas.errors import SettingError
from lissnas.evaluation.budget import check_at_least_one, check_between


@dataclass(frozen=True)
class SupernetRecipe:
    """Everything that decides what a training computes, beside the network, the images, the paths and the seed.

    Attributes
    ----------
    steps
        How many steps there are.
    batch
        Images a step, over all processes.
    norm_batch
        Of how many images a batch norm takes its statistics in training, at least 2. A step goes through the batch in
        pieces of this size, which the processes share out: their number changes nothing but the speed.
    rate, final_rate
        The learning rate after the warm-up, and that at the end of the schedule.
    schedule
        How the learning rate falls after the warm-up: by a straight line or half a cosine.
    schedule_steps
        How many steps the schedule is laid over; all of them if left out.
    begins
        At which step of the schedule the training begins: where an earlier one ended.
    warm_up
        In how many steps the rate rises to its height, in equal parts.
    momentum, nesterov, decay
        Momentum of stochastic gradient descent, whether it is Nesterov's, and the weight decay.
    decays_norms
        Whether the weight decay also takes in batch norms and biases.
    label_smoothing
        Which share of a label is spread over all classes.
    grad_clip_value
        To which size each entry of the gradient is cut; to none if left out.
    averaging
        How much of the exponential moving average of the weights is kept in a step, below 1; there is no average if
        left out.
    precision
        What convolutions compute in; float16 comes with scaled losses. For float32, GPUs that can round the factors of
        convolutions to TF32, as is torch's default.
    channels_last
        Whether a pixel's channels lie side by side in memory.
    compiled
        Whether torch.compile takes the blocks that paths are made of.
    """

    steps: int
    batch: int
    norm_batch: int
    rate: float
    final_rate: float = 0.0
    schedule: Literal["linear", "cosine"] = "linear"
    schedule_steps: int | None = None
    begins: int = 0
    warm_up: int = 0
    momentum: float = 0.9
    nesterov: bool = False
    decay: float = 4e-5
    decays_norms: bool = False
    label_smoothing: float = 0.0
    grad_clip_value: float | None = None
    averaging: float | None = None
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = False
    compiled: bool = False

    def __post_init__(self) -> None:
        check_at_least_one(self, "steps", "batch")
        check_between(self, 2, math.inf, "norm_batch")
        if self.batch % self.norm_batch:
            raise SettingError(f"a batch of {self.batch} images does not fall into pieces of {self.norm_batch}")
        check_between(self, 0, math.inf, "rate", "final_rate", "begins", "warm_up", "decay", "grad_clip_value")
        check_between(self, 0, 1, "momentum", "label_smoothing", "averaging")
        if self.averaging == 1:
            raise SettingError("averaging must be below 1, which would keep the initial weights for ever")
        check_between(self, 1, math.inf, "schedule_steps")
        if self.schedule_steps is not None and self.schedule_steps <= self.warm_up:
            raise SettingError(
                f"a schedule of {self.schedule_steps} steps ends before the rate has risen in {self.warm_up}"
            )
        if self.nesterov and not self.momentum:
            raise SettingError("Nesterov's momentum needs a momentum above 0")

    @property
    def pieces(self) -> int:
        """Into how many pieces a batch falls."""
        return self.batch // self.norm_batch

    def pieces_each(self, processes: int) -> int:
        """Return how many pieces of a batch each process goes through.

        Raises SettingError if they cannot be shared out evenly.
        """
        if self.pieces % processes:
            counted = "1 piece" if self.pieces == 1 else f"{self.pieces} pieces"
            raise SettingError(
                f"{counted} of {self.norm_batch} images cannot be shared out to {processes} processes: choose another "
                "number of them, or another norm_batch"
            )
        return self.pieces // processes

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, the first being 0."""
        step += self.begins
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        length = (self.begins + self.steps if self.schedule_steps is None else self.schedule_steps) - self.warm_up
        done = min((step - self.warm_up) / length, 1)
        left = 1 - done if self.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
        return self.final_rate + (self.rate - self.final_rate) * left


SPOS = SupernetRecipe(steps=150_000, batch=1024, norm_batch=128, rate=0.5, decay=4e-5, label_smoothing=0.1)
"""Of the ShuffleNetV2 supernet, whose batch norms neither scale nor shift; its paths are `BinnedPaths`.

Guo et al., ECCV 2020, and the authors' code. How many images a batch norm saw there depends on the machine: 128 is our
own choice.
"""

ABS_TRAINING_IMAGES = 1_231_167
"""Images of ImageNet that ABS trains on; it holds out 50,000 others."""

_ABS_EPOCH = ABS_TRAINING_IMAGES // 512

ABS = SupernetRecipe(
    steps=100 * _ABS_EPOCH,
    batch=512,
    norm_batch=64,
    rate=0.25,
    final_rate=5e-4,
    schedule_steps=250 * _ABS_EPOCH,
    decay=4e-5,
    label_smoothing=0.1,
    grad_clip_value=5.0,
)
"""Of the ShuffleNetV2 and MobileNet supernets, before the first shrinking; its paths are `UniformPaths`.

Hu et al., ECCV 2020, and the authors' code. The straight line and the 64 images of a batch norm are our own reading.
"""


def abs_round(number: int) -> SupernetRecipe:
    """Return the recipe of ABS's training before a round of shrinking, the first being 0: 100 epochs, then 5 each."""
    if number == 0:
        return ABS
    return replace(ABS, steps=5 * _ABS_EPOCH, begins=ABS.steps + 5 * (number - 1) * _ABS_EPOCH)
