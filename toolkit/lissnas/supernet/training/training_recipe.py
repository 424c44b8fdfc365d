"""How a supernet is trained: the recipes of SPOS and of ABS, and what a recipe says."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from lissnas.errors import SettingError
from lissnas.setting_checks import check_at_least_one, check_between


@dataclass(frozen=True)
class TrainingRecipe:
    """Everything that decides what a training computes, beside the network, the images, the paths and the seed.

    Attributes
    ----------
    steps
        How many steps there are.
    batch_size
        Images a step, over all processes.
    micro_batch_size
        Of how many images a batch norm takes its statistics in training, at least 2. A step goes through the batch in
        pieces of this size, which the processes share out: their number changes nothing but the speed.
    learning_rate, final_learning_rate
        The learning rate after the warm-up, and that at the end of the schedule.
    schedule
        How the learning rate falls after the warm-up: by a straight line or half a cosine.
    schedule_steps
        How many steps the schedule is laid over; all of them if left out.
    schedule_start
        At which step of the schedule the training begins: where an earlier one ended.
    warmup_steps
        In how many steps the rate rises to its height, in equal parts.
    momentum, nesterov, weight_decay
        Momentum of stochastic gradient descent, whether it is Nesterov's, and the weight decay.
    weight_decay_on_norms
        Whether the weight decay also takes in batch norms and biases.
    label_smoothing
        Which share of a label is spread over all classes.
    grad_clip_value
        To which size each entry of the gradient is cut; to none if left out.
    ema_decay
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
    batch_size: int
    micro_batch_size: int
    learning_rate: float
    final_learning_rate: float = 0.0
    schedule: Literal["linear", "cosine"] = "linear"
    schedule_steps: int | None = None
    schedule_start: int = 0
    warmup_steps: int = 0
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 4e-5
    weight_decay_on_norms: bool = False
    label_smoothing: float = 0.0
    grad_clip_value: float | None = None
    ema_decay: float | None = None
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = False
    compiled: bool = False

    def __post_init__(self) -> None:
        check_at_least_one(self, "steps", "batch_size")
        check_between(self, 2, math.inf, "micro_batch_size")
        if self.batch_size % self.micro_batch_size:
            raise SettingError(
                f"a batch of {self.batch_size} images cannot be divided into micro-batches of {self.micro_batch_size}"
            )
        check_between(
            self,
            0,
            math.inf,
            "learning_rate",
            "final_learning_rate",
            "schedule_start",
            "warmup_steps",
            "weight_decay",
            "grad_clip_value",
        )
        check_between(self, 0, 1, "momentum", "label_smoothing", "ema_decay")
        if self.ema_decay == 1:
            raise SettingError("ema_decay must be below 1, which would keep the initial weights for ever")
        check_between(self, 1, math.inf, "schedule_steps")
        if self.schedule_steps is not None and self.schedule_steps <= self.warmup_steps:
            raise SettingError(
                f"a schedule of {self.schedule_steps} steps ends before the rate has risen in {self.warmup_steps}"
            )
        if self.nesterov and not self.momentum:
            raise SettingError("Nesterov's momentum needs a momentum above 0")

    @property
    def micro_batches(self) -> int:
        """Into how many pieces a batch falls."""
        return self.batch_size // self.micro_batch_size

    def micro_batches_per_process(self, processes: int) -> int:
        """Return how many pieces of a batch each process goes through.

        Raises SettingError if they cannot be shared out evenly.
        """
        if self.micro_batches % processes:
            count = "1 micro-batch" if self.micro_batches == 1 else f"{self.micro_batches} micro-batches"
            raise SettingError(
                f"{count} of {self.micro_batch_size} images cannot be divided evenly among {processes} processes: "
                "choose another number of processes, or another micro_batch_size"
            )
        return self.micro_batches // processes


SPOS = TrainingRecipe(
    steps=150_000, batch_size=1024, micro_batch_size=128, learning_rate=0.5, weight_decay=4e-5, label_smoothing=0.1
)
"""Of the ShuffleNetV2 supernet, whose batch norms neither scale nor shift; its paths are `FlopsBinPathSampler`.

Guo et al., ECCV 2020, and the authors' code. How many images a batch norm saw there depends on the machine: 128 is our
own choice.
"""

ABS_TRAINING_IMAGES = 1_231_167
"""Images of ImageNet that ABS trains on; it holds out 50,000 others."""

_ABS_EPOCH = ABS_TRAINING_IMAGES // 512

ABS = TrainingRecipe(
    steps=100 * _ABS_EPOCH,
    batch_size=512,
    micro_batch_size=64,
    learning_rate=0.25,
    final_learning_rate=5e-4,
    schedule_steps=250 * _ABS_EPOCH,
    weight_decay=4e-5,
    label_smoothing=0.1,
    grad_clip_value=5.0,
)
"""Of the ShuffleNetV2 and MobileNet supernets, before the first shrinking; its paths are `UniformPathSampler`.

Hu et al., ECCV 2020, and the authors' code. The straight line and the 64 images of a batch norm are our own reading.
"""


def abs_round(number: int) -> TrainingRecipe:
    """Return the recipe of ABS's training before a round of shrinking, the first being 0: 100 epochs, then 5 each."""
    if number == 0:
        return ABS
    return replace(ABS, steps=5 * _ABS_EPOCH, schedule_start=ABS.steps + 5 * (number - 1) * _ABS_EPOCH)
