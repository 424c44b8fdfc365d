"""The recipe of a run: how a supernet is built, trained, shrunk, searched and retrained.

A recipe is a TOML file. Keys that it omits have their defaults; all values are checked before any computation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

from lissnas.errors import SettingError, UnknownNameError
from lissnas.optimizers.search import optimizer_class
from lissnas.setting_checks import check_at_least_one
from lissnas.shrinkers.shrink import shrinker_class, shrinker_names
from lissnas.spaces.costs import Costs
from lissnas.spaces.space import Space
from lissnas.supernet.images.image_files import ImageFileSettings
from lissnas.supernet.images.small_tasks import FASHION_MNIST
from lissnas.supernet.latency.latency_table import load_latency_table
from lissnas.supernet.recipes.network_recipe import NetworkRecipe
from lissnas.supernet.scoring.scoring import Scoring
from lissnas.supernet.shrinking.shrinking_schedule import ShrinkingSchedule
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.training.training_recipe import TrainingRecipe

WEIGHT_ANGLE = "weight-angle"
"""Name of ABS on weight angles, which exists only in the shrinking loop."""

_SMALL = 8
"""Pixels a side of digits and of Fashion-MNIST as it is pooled here."""


@dataclass(frozen=True)
class ImagesRecipe:
    """The images of a run.

    Attributes
    ----------
    kind
        Kind of images: scikit-learn's digits; Fashion-MNIST pooled to 8 x 8 pixels; a folder for each class;
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
    """The paths of a training step before the first round; later ones are drawn uniformly from the shrunk space.

    Attributes
    ----------
    sampler
        The paths of a step: "uniform", one path of the full space; "flops-bins", one path of a FLOPs bin; "fair", as
        many paths as a layer has choices, each choice in one of them (FairNAS); "sandwich", the most expensive path,
        the cheapest one, and random ones.
    bin_edges
        For "flops-bins": multiply-accumulates at the lower edge of each bin and the upper edge of the last, ascending.
    random_paths
        For "sandwich": number of random paths.
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
        """Return the number of paths in a step."""
        if self.sampler == "sandwich":
            return 2 + self.random_paths
        return max(network.search_space().choices) if self.sampler == "fair" else 1


@dataclass(frozen=True)
class LimitsRecipe:
    """Limits on the costs of a network.

    Attributes
    ----------
    shrinking_flops
        Maximum while the space is shrunk, and in the shrunk space; no limit if omitted.
    search_flops
        Maximum while the space is searched; that of shrinking if omitted.
    latency_ms
        Maximum latency in milliseconds while the space is shrunk and searched, by the table; no limit if omitted.
    latency_table
        File of `lissnas supernet latency`, measured on your device.
    """

    shrinking_flops: int | None = None
    search_flops: int | None = None
    latency_ms: float | None = None
    latency_table: str = ""

    def __post_init__(self) -> None:
        if (self.latency_ms is not None) != bool(self.latency_table):
            raise SettingError(
                "latency_ms and latency_table belong together: give both, or neither; 'lissnas supernet latency' "
                "measures a table"
            )


def _shrinker(name: str) -> type:
    if name == WEIGHT_ANGLE:
        return WeightAngleShrinkage
    try:
        return shrinker_class(name)
    except UnknownNameError as error:
        raise UnknownNameError("method", name, (*shrinker_names(), WEIGHT_ANGLE)) from error


@dataclass(frozen=True)
class ShrinkingRecipe:
    """The shrinker of each round.

    Attributes
    ----------
    method
        A method of `lissnas shrink`, or "weight-angle" for ABS on weight angles.
    settings
        Settings of the method.
    """

    method: str = "lissnas"
    settings: Any = None

    SETTINGS: ClassVar[tuple[str, Callable[[str], type]]] = ("method", _shrinker)


@dataclass(frozen=True)
class SearchRecipe:
    """The search for the best network in the shrunk space.

    Attributes
    ----------
    optimizer
        An optimizer of `lissnas search`.
    evaluations
        Maximum number of networks to score.
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
    """The checkpoints of a training.

    Attributes
    ----------
    save_every
        Number of steps between two checkpoints; another one is written at the end.
    keep
        Number of checkpoints kept for each training.
    """

    save_every: int = 1000
    keep: int = 3

    def __post_init__(self) -> None:
        check_at_least_one(self, "save_every", "keep")


@dataclass(frozen=True)
class RunRecipe:
    """The recipe of a run.

    Attributes
    ----------
    seed
        Seed of every random draw: the same one gives the same results.
    network
        The supernet and its search space.
    images
        The images for training and scoring.
    paths
        The paths of a training step before the first round.
    training
        The training of the supernet in the full space.
    loop
        How training and shrinking alternate.
    shrinking
        The shrinker of each round.
    scoring
        How the supernet scores a network.
    limits
        Limits on the multiply-accumulates of a network per image.
    search
        The search for the best network in the shrunk space.
    retraining
        The training of the best network alone.
    checkpoints
        The checkpoints of a training.
    search_training
        The training of a new supernet in the shrunk space, whose scores the search uses, as in ABS. By default the
        weights of the last training score.
    initial_weights
        File of weights that supernets begin with, where they would begin with new ones: of torchvision, timm, SPOS,
        ProxylessNAS, or our own. Layers that the file does not have begin with new weights. No file if empty.
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
    search_training: TrainingRecipe | None = None
    initial_weights: str = ""

    def limited_space(self, flops: int | None) -> Space:
        """Return the space of networks within a limit on multiply-accumulates, if any, and that on latency, if any.

        Raises
        ------
        LissnasError
            If the table of latencies cannot be read.
        SettingError
            If it is that of another space or image size.
        """
        limits = self.limits
        if limits.latency_ms is None:
            return self.network.within(flops)
        table, network = load_latency_table(Path(limits.latency_table)), self.network
        ours = network.search_space().name, (network.input_channels, network.image_size, network.image_size)
        if (table.space, table.image) != ours:
            raise SettingError(
                f"limits.latency_table: {limits.latency_table} is of {table.space} with images {table.image}, not of "
                f"{ours[0]} with images {ours[1]}; measure another table"
            )
        return network.within(flops, table.limit(limits.latency_ms))

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SettingError(f"seed must be at least 0, not {self.seed}")
        for name, training in (("training", self.training), ("search_training", self.search_training)):
            if training is not None and training.include_held_out:
                raise SettingError(
                    f"{name}.include_held_out: a supernet cannot be trained on the images that score its paths; only "
                    "the retraining can include them"
                )
        network, images = self.network, self.images
        for mine, theirs, what in (
            ("image_size", images.size, "pixels a side"),
            ("input_channels", images.channels, "channels"),
            ("classes", images.classes, "classes"),
        ):
            value = getattr(network, mine)
            if theirs is not None and value != theirs:
                key = "images.files.augmentation.size" if mine == "image_size" else f"images.files.{mine}"
                have = f"the images of the kind '{images.kind}' have {theirs} {what}"
                if images.files is not None and mine != "input_channels":
                    have = f"{key} is {theirs}: give both the same number"
                raise SettingError(f"network.{mine} is {value}, but {have}")
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
            raise SettingError(f"loop.sizes: the method '{self.shrinking.method}' has no size: remove loop.sizes")


def limits_without_effect(recipe: RunRecipe) -> tuple[str, ...]:
    """Return a sentence for each limit of a recipe that every network of the space meets."""
    costs = recipe.network.costs().multiply_accumulates
    limits = {name: getattr(recipe.limits, name) for name in ("shrinking_flops", "search_flops")}
    return tuple(
        f"limits.{name} = {limit:,} excludes nothing: the most expensive network of {recipe.network.space} costs "
        f"{costs.maximum:,} multiply-accumulates"
        for name, limit in limits.items()
        if limit is not None and limit >= costs.maximum
    )


def _range(costs: Costs) -> str:
    return f"(they cost {costs.minimum:,} to {costs.maximum:,})"
