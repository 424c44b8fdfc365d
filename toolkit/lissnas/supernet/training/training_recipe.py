"""TrainingRecipe: the settings of one training, and the published recipes of SPOS and ABS."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch

from lissnas.errors import SettingError
from lissnas.setting_checks import check_at_least_one, check_between
from lissnas.supernet.networks.weights import Initialization

Precision = Literal["float32", "bfloat16", "float16"]
"""Precisions of convolutions."""


@dataclass(frozen=True)
class TrainingRecipe:
    """All settings that decide the result of a training, apart from network, images, path sampler and seed.

    Attributes
    ----------
    steps
        Number of steps.
    batch_size
        Images per step, over all processes.
    micro_batch_size
        Images from which a batch norm takes its statistics in training, at least 2. A step divides its batch into
        micro-batches of this size, which the processes share: the number of processes changes only the speed. It need
        not divide the number of micro-batches.
    learning_rate, final_learning_rate
        Learning rate after the warmup, and at the end of the schedule.
    schedule
        Decay of the learning rate after the warmup: linear, or half a cosine.
    schedule_steps
        Step at which the schedule ends. By default the last step of this training.
    schedule_start
        Step of the schedule at which this training starts: where an earlier training ended.
    warmup_steps
        Number of steps in which the learning rate rises from zero, by equal increments.
    momentum, nesterov, weight_decay
        Momentum of stochastic gradient descent, whether it is Nesterov's, and the weight decay.
    weight_decay_on_norms
        Whether the weight decay also applies to batch norms and biases.
    label_smoothing
        Share of a label that is spread over all classes.
    grad_clip_value
        Largest absolute value of each entry of the gradient; larger ones are clipped. No clipping by default.
    grad_clip_norm
        Largest Euclidean norm of the gradient of all weights; a larger gradient is scaled down. No clipping by default.
    initialization
        Distribution of the weights before the first step: "fan-in", our own choice; "fan-out" of ABS; "spos"; or
        "torch", PyTorch's own. It matters where the training begins with new weights.
    dropout
        Dropout rate before the classifier; by default that of the space.
    classifier_decay
        To which parameters of the classifier the weight decay applies. ABS decays weight and bias in supernets, and
        neither in retrained networks.
    include_held_out
        Whether the held-out images train, too. Only for the retraining: nothing is chosen by scores after it.
    ema_decay
        Share of the exponential moving average of the weights that remains after a step, below 1. No average by
        default.
    precision
        Precision of convolutions, in training and in scoring. float16 comes with loss scaling. With float32, GPUs may
        round the factors of convolutions to TF32, as is torch's default. By default float32 on a processor, and
        bfloat16 on a GPU that has it, else float16.
    channels_last
        Whether the channels of a pixel are adjacent in memory. By default only on GPUs.
    compiled
        Whether torch.compile compiles the blocks of the paths. By default only on GPUs.
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
    grad_clip_norm: float | None = None
    initialization: Initialization = "fan-in"
    dropout: float | None = None
    classifier_decay: Literal["weight", "weight and bias", "none"] = "weight"
    include_held_out: bool = False
    ema_decay: float | None = None
    precision: Precision | None = None
    channels_last: bool | None = None
    compiled: bool | None = None

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
            "grad_clip_norm",
        )
        check_between(self, 0, 1, "momentum", "label_smoothing", "ema_decay", "dropout")
        if self.ema_decay == 1:
            raise SettingError("ema_decay must be below 1: at 1 the average stays at the initial weights")
        check_between(self, 1, math.inf, "schedule_steps")
        if self.schedule_steps is not None and self.schedule_steps <= self.warmup_steps:
            raise SettingError(
                f"a schedule of {self.schedule_steps} steps ends before the warmup of {self.warmup_steps} steps"
            )
        if self.weight_decay_on_norms and self.classifier_decay != "weight":
            raise SettingError("weight_decay_on_norms decays all weights: leave classifier_decay out")
        if self.nesterov and not self.momentum:
            raise SettingError("Nesterov's momentum needs a momentum above 0")

    def on(self, device: torch.device) -> "TrainingRecipe":
        """Return the recipe with what it leaves to the device: precision, memory format, and compilation."""
        on_gpu = device.type == "cuda"
        fastest: Precision = "float32"
        if on_gpu:
            fastest = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
        return replace(
            self,
            precision=self.precision or fastest,
            channels_last=on_gpu if self.channels_last is None else self.channels_last,
            compiled=on_gpu if self.compiled is None else self.compiled,
        )

    @property
    def micro_batches(self) -> int:
        """Number of micro-batches in a batch."""
        return self.batch_size // self.micro_batch_size

    def micro_batches_of(self, rank: int, processes: int) -> range:
        """Return the numbers of the micro-batches of a process; the processes have equally many, or one more or less.

        Raises SettingError if there are more processes than micro-batches.
        """
        if self.micro_batches < processes:
            count = "1 micro-batch" if self.micro_batches == 1 else f"{self.micro_batches} micro-batches"
            raise SettingError(
                f"{count} of {self.micro_batch_size} images cannot be divided among {processes} processes: start at "
                f"most {self.micro_batches}, or choose a smaller micro_batch_size"
            )
        return range(rank * self.micro_batches // processes, (rank + 1) * self.micro_batches // processes)

    def idle_share(self, processes: int) -> float:
        """Return the share of their time that the processes wait for those with one more micro-batch."""
        most = max(len(self.micro_batches_of(rank, processes)) for rank in range(processes))
        return 1 - self.micro_batches / (most * processes)


SPOS = TrainingRecipe(
    steps=150_000,
    batch_size=1024,
    micro_batch_size=128,
    learning_rate=0.5,
    weight_decay=4e-5,
    label_smoothing=0.1,
    initialization="spos",
)
"""Recipe of the ShuffleNetV2 supernet of SPOS, for batch norms without scale and shift and a `FlopsBinPathSampler`.

Guo et al., ECCV 2020, and the authors' code. There the images per batch norm depend on the machine: 128 is our own
choice.
"""

ABS_TRAINING_IMAGES = 1_231_167
"""Number of ImageNet images that ABS trains on; it holds out the other 50,000."""

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
    initialization="fan-out",
    dropout=0.0,
    classifier_decay="weight and bias",
)
"""Recipe of ABS for the MobileNet supernet before the first shrinking, with a `UniformPathSampler`.

Hu et al., ECCV 2020, and the authors' code. The linear schedule and 64 images per batch norm are our own reading.
"""


ABS_SEARCH = replace(ABS, final_learning_rate=0.0, schedule_steps=None, initialization="torch")
"""Recipe of ABS for the new supernet of the shrunk space, which scores the networks of the search: 100 epochs."""


def abs_round(number: int) -> TrainingRecipe:
    """Return ABS's recipe for the training before a round of shrinking, from 0: 100 epochs, then 5 per round."""
    if number == 0:
        return ABS
    return replace(ABS, steps=5 * _ABS_EPOCH, schedule_start=ABS.steps + 5 * (number - 1) * _ABS_EPOCH)
