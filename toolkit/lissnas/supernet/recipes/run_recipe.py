"""The recipe of a run: everything that a supernet is built of, trained, shrunk, searched and retrained with.

It is a TOML file. What it leaves out has its default, what it says is checked before anything is spent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Literal

from lissnas.errors import SettingError, UnknownNameError
from lissnas.optimizers.search import optimizer_class
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.shrink import shrinker_class, shrinker_names
from lissnas.spaces.costs import Costs
from lissnas.supernet.images.image_files import ImageFileSettings
from lissnas.supernet.images.small_tasks import FASHION_MNIST
from lissnas.supernet.recipes.network_recipe import NetworkRecipe
from lissnas.supernet.scoring.scoring import Scoring
from lissnas.supernet.shrinking.shrinking_schedule import ShrinkingSchedule
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.training.training_recipe import TrainingRecipe

WEIGHT_ANGLE = "weight-angle"
"""The name of ABS on the angles of weights, which shrinks in this loop alone."""

_SMALL = 8
"""Pixels a side of digits and of Fashion-MNIST as it is pooled here."""


@dataclass(frozen=True)
class ImagesRecipe:
    """Which images there are.

    Attributes
    ----------
    kind
        Which images there are: scikit-learn's digits; Fashion-MNIST pooled to 8 x 8 pixels; a folder for each class;
        or WebDataset shards.
    train, validation
        Where training and validation images are: of "folder" two folders, each with a folder for each class; of
        "shards" the paths of tar files, with `{000..146}` for numbers or `*` for anything. Below the current folder
        unless they begin with `/`.
    fashion_mnist
        The folder of the four official files of Fashion-MNIST.
    files
        How images from folders and shards are used.
    """

    kind: Literal["digits", "fashion-mnist", "folder", "shards"]
    train: str = ""
    validation: str = ""
    fashion_mnist: str = str(FASHION_MNIST)
    files: ImageFileSettings | None = None

    def __post_init__(self) -> None:
        if self.from_files:
            for name in ("train", "validation"):
                if not getattr(self, name):
                    raise SettingError(f"images of the kind '{self.kind}' need {name}: say where they are")
            if self.files is None:
                raise SettingError(f"images of the kind '{self.kind}' need the table images.files, be it empty")
        elif self.files is not None or self.train or self.validation:
            raise SettingError(f"images of the kind '{self.kind}' take neither train nor validation nor files")

    @property
    def from_files(self) -> bool:
        """Whether they are decoded from image files."""
        return self.kind in ("folder", "shards")

    @property
    def size(self) -> int:
        """Pixels a side of what the network sees."""
        return _SMALL if self.files is None else self.files.augmentation.size

    @property
    def channels(self) -> int:
        """Channels of what the network sees."""
        return 3 if self.from_files else 1

    @property
    def classes(self) -> int | None:
        """How many classes there are; None if only the files tell."""
        return 10 if self.files is None else self.files.classes

    def held_out(self, classes: int) -> int:
        """Return how many images are held out of training for networks to be scored on."""
        if self.files is not None:
            return classes * self.files.held_out_per_class
        return {"digits": 400, "fashion-mnist": 1000}[self.kind]


@dataclass(frozen=True)
class PathsRecipe:
    """Which paths a step trains before the first shrinking; afterwards they are drawn uniformly from what is left.

    Attributes
    ----------
    sampler
        Which paths a step trains: one of all networks; one of a bin of FLOPs; as many as a layer has choices, with each
        choice in one of them (FairNAS); or the dearest, the cheapest and random ones between (sandwich).
    bin_edges
        Of "flops-bins": multiply-accumulates at which each bin begins, ascending, and the last one ends.
    random_paths
        Of "sandwich": how many random networks.
    """

    sampler: Literal["uniform", "flops-bins", "fair", "sandwich"] = "uniform"
    bin_edges: tuple[int, ...] = ()
    random_paths: int = 1

    def __post_init__(self) -> None:
        if (self.sampler == "flops-bins") != bool(self.bin_edges):
            raise SettingError("bin_edges are for the sampler 'flops-bins', which needs them")
        if self.bin_edges and (len(self.bin_edges) < 2 or sorted(set(self.bin_edges)) != list(self.bin_edges)):
            raise SettingError(f"bin_edges must be two or more, ascending, not {list(self.bin_edges)}")
        check_at_least_one(self, "random_paths")

    def paths(self, network: NetworkRecipe) -> int:
        """Return how many paths a step has."""
        if self.sampler == "sandwich":
            return 2 + self.random_paths
        return max(network.search_space().choices) if self.sampler == "fair" else 1


@dataclass(frozen=True)
class LimitsRecipe:
    """What a network may cost, in multiply-accumulates an image.

    Attributes
    ----------
    shrinking_flops
        The most that a network may cost while the space is shrunk, and in what is kept; anything if left out.
    search_flops
        The most that a network may cost while the space is searched; as while it is shrunk if left out.
    """

    shrinking_flops: int | None = None
    search_flops: int | None = None


def _shrinker(name: str) -> type:
    if name == WEIGHT_ANGLE:
        return WeightAngleShrinkage
    try:
        return shrinker_class(name)
    except UnknownNameError as error:
        raise UnknownNameError("method", name, (*shrinker_names(), WEIGHT_ANGLE)) from error


@dataclass(frozen=True)
class ShrinkingRecipe:
    """What shrinks the space in each round.

    Attributes
    ----------
    method
        Any method of `lissnas shrink`, or "weight-angle" for ABS on the angles of weights.
    settings
        Settings of the method.
    """

    method: str = "lissnas"
    settings: Any = None

    SETTINGS: ClassVar[tuple[str, Callable[[str], type]]] = ("method", _shrinker)


@dataclass(frozen=True)
class SearchRecipe:
    """How one network is looked for in what is left.

    Attributes
    ----------
    optimizer
        Any optimizer of `lissnas search`.
    evaluations
        How many networks are scored in all.
    settings
        Settings of the optimizer.
    """

    optimizer: str = "regularized-evolution"
    evaluations: int = 1000
    settings: Any = None

    SETTINGS: ClassVar[tuple[str, Callable[[str], type]]] = ("optimizer", optimizer_class)

    def __post_init__(self) -> None:
        check_at_least_one(self, "evaluations")


@dataclass(frozen=True)
class CheckpointsRecipe:
    """When the state of a training is written.

    Attributes
    ----------
    save_every
        After how many steps a checkpoint is written; one more is written at the end.
    keep
        How many checkpoints of a training are kept.
    """

    save_every: int = 1000
    keep: int = 3

    def __post_init__(self) -> None:
        check_at_least_one(self, "save_every", "keep")


@dataclass(frozen=True)
class RunRecipe:
    """A run.

    Attributes
    ----------
    seed
        Seed of every random draw: the same one gives the same results.
    network
        The supernet, which holds all networks as its paths.
    images
        Which images networks are trained and scored on.
    paths
        Which paths a step trains before the first shrinking.
    training
        How the supernet is trained.
    loop
        How training and shrinking follow each other.
    shrinking
        What shrinks the space in each round.
    scoring
        How the supernet scores a network.
    limits
        What a network may cost, in multiply-accumulates an image.
    search
        How the best network is looked for in what is left.
    retraining
        How the network that the search finds is trained on its own.
    checkpoints
        When the state of a training is saved.
    """

    network: NetworkRecipe
    images: ImagesRecipe
    training: TrainingRecipe
    loop: ShrinkingSchedule
    retraining: TrainingRecipe
    seed: int = 0
    paths: PathsRecipe = field(default_factory=PathsRecipe)
    scoring: Scoring = field(default_factory=Scoring)
    shrinking: ShrinkingRecipe = field(default_factory=ShrinkingRecipe)
    limits: LimitsRecipe = field(default_factory=LimitsRecipe)
    search: SearchRecipe = field(default_factory=SearchRecipe)
    checkpoints: CheckpointsRecipe = field(default_factory=CheckpointsRecipe)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SettingError(f"seed must be at least 0, not {self.seed}")
        network, images = self.network, self.images
        for mine, theirs, what in (
            ("image_size", images.size, "pixels a side"),
            ("input_channels", images.channels, "channels"),
            ("classes", images.classes, "classes"),
        ):
            asked = getattr(network, mine)
            if theirs is not None and asked != theirs:
                raise SettingError(
                    f"network.{mine} is {asked}, but the images of the kind '{images.kind}' have {theirs} {what}"
                )
        costs = network.costs().multiply_accumulates
        for low, high in pairwise(self.paths.bin_edges):
            if low > costs.maximum or high <= costs.minimum:
                raise SettingError(
                    f"paths.bin_edges: no network of {network.space} costs {low:,} to {high:,} FLOPs {_range(costs)}"
                )
        for name in ("shrinking_flops", "search_flops"):
            limit = getattr(self.limits, name)
            if limit is not None and limit < costs.minimum:
                raise SettingError(
                    f"limits.{name}: no network of {network.space} costs at most {limit:,} FLOPs {_range(costs)}"
                )
        if self.loop.sizes and not hasattr(self.shrinking.settings, "size"):
            raise SettingError(f"loop.sizes: the method '{self.shrinking.method}' has no size; leave them out")


def _range(costs: Costs) -> str:
    return f"(they cost {costs.minimum:,} to {costs.maximum:,})"
