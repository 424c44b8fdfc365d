"""The network of a recipe: its search space, the images it fits, and the costs of its networks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from lissnas.errors import SettingError
from lissnas.setting_checks import check_at_least_one
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import Chain
from lissnas.spaces.costs import Costs
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.cell201_costs import Cell201Costs
from lissnas.spaces.published.macro import macro_chain
from lissnas.spaces.published.mobilenet import fairnas_chain, mobilenet_chain, mobilenetv2_chain
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.spaces.space import Space
from lissnas.supernet.networks.supernet import Supernet

_CHAINS: dict[str, Callable[[int, int], Chain]] = {
    "shufflenetv2": shufflenetv2_chain,
    "mobilenet": mobilenet_chain,
    "fairnas": fairnas_chain,
    "mobilenetv2": mobilenetv2_chain,
    "macro": macro_chain,
}


class NetworkCosts(Protocol):
    """The costs of the networks of a space."""

    @property
    def multiply_accumulates(self) -> Costs:
        """Multiply-accumulates of a network per image."""

    @property
    def parameters(self) -> Costs:
        """Number of parameters of a network."""


@dataclass(frozen=True)
class _PlainCosts:
    """Costs of cells whose reductions have only the 1 x 1 convolution and its batch norm."""

    residual: Cell201Costs

    @property
    def multiply_accumulates(self) -> Costs:
        saved = sum(weights * pixels**2 for weights, _, pixels in self._left_out)
        costs = self.residual.multiply_accumulates
        return Costs(costs.fixed - saved, costs.by_choice)

    @property
    def parameters(self) -> Costs:
        saved = sum(weights + norms for weights, norms, _ in self._left_out)
        costs = self.residual.parameters
        return Costs(costs.fixed - saved, costs.by_choice)

    @property
    def _left_out(self) -> list[tuple[int, int, int]]:
        """For each reduction: weights of its two convolutions and of its extra batch norm, and its size in pixels."""
        own = self.residual
        wide = [own.channels << stage for stage in range(1, own.stages)]
        return [
            (9 * channels * (channels // 2) + 9 * channels**2, 2 * channels, own.size >> stage)
            for stage, channels in enumerate(wide, 1)
        ]


@dataclass(frozen=True)
class SkeletonRecipe:
    """The network around the cells of "cell201"; the defaults are those of NAS-Bench-201.

    Attributes
    ----------
    channels
        Channels of the first stage; each later stage has twice the channels at half the height and width.
    stages
        Number of stages; a reduction joins each two.
    cells
        Number of cells in a stage, all of the same architecture.
    residual
        Whether a reduction is the benchmark's residual block, or 2 x 2 average pooling with a 1 x 1 convolution.
    """

    channels: int = 16
    stages: int = 3
    cells: int = 5
    residual: bool = True

    def __post_init__(self) -> None:
        check_at_least_one(self, "channels", "stages", "cells")


@dataclass(frozen=True)
class NetworkRecipe:
    """The supernet and its search space.

    Attributes
    ----------
    space
        The search space: "shufflenetv2" of SPOS; "mobilenet" of ABS; "fairnas"; "mobilenetv2", around the
        network of that name; "macro" of NAS-Bench-Macro; or "cell201", the cells of NAS-Bench-201.
    classes
        Number of classes.
    image_size
        Height and width of an image in pixels.
    input_channels
        Channels of an image.
    affine
        Whether the batch norms of the supernet scale and shift; those of "cell201" always do.
    skeleton
        The network around the cells; only for the space "cell201".
    """

    space: Literal["shufflenetv2", "mobilenet", "fairnas", "mobilenetv2", "macro", "cell201"]
    classes: int = 1000
    image_size: int = 224
    input_channels: int = 3
    affine: bool = True
    skeleton: SkeletonRecipe | None = None

    def __post_init__(self) -> None:
        check_at_least_one(self, "classes", "image_size", "input_channels")
        if self.space != "cell201":
            if self.skeleton is not None:
                raise SettingError(f"a skeleton is for the space 'cell201', not for '{self.space}'")
        elif self.skeleton is None:
            raise SettingError("the space 'cell201' needs the table network.skeleton; it may be empty")
        elif not self.affine:
            raise SettingError("the batch norms of 'cell201' scale and shift: leave affine out")
        elif self.image_size >> (self.skeleton.stages - 1) < 1:
            raise SettingError(
                f"{self.skeleton.stages} stages reduce {self.image_size} pixels to nothing: use fewer stages"
            )

    def chain(self) -> Chain:
        """Return the chain of which the networks of the space are made; not for "cell201"."""
        chain = _CHAINS[self.space](self.classes, self.image_size)
        first, *others = chain.stem
        convolution = replace(first.main[0], inputs=self.input_channels)
        return replace(chain, stem=(replace(first, main=(convolution, *first.main[1:])), *others))

    def search_space(self) -> CategoricalSpace:
        """Return the search space."""
        return cell201() if self.skeleton is not None else self.chain().space

    def costs(self) -> NetworkCosts:
        """Return the costs of its networks."""
        if self.skeleton is None:
            return self.chain()
        own = self.skeleton
        costs = Cell201Costs(own.channels, own.stages, own.cells, self.input_channels, self.image_size, self.classes)
        return costs if own.residual else _PlainCosts(costs)

    def within(self, flops: int | None, *limits: Limit) -> Space:
        """Return the space of networks with at most this many multiply-accumulates, and within other limits.

        Without any limit it is the full space.
        """
        space = self.search_space()
        if flops is not None:
            costs = self.costs().multiply_accumulates
            limits = (Limit("flops", lambda rows: costs(rows).astype(np.float64), flops), *limits)
        return LimitedSpace(space, *limits) if limits else space

    def build(self, rng: np.random.Generator) -> Supernet:
        """Return the supernet, with its weights drawn from the generator."""
        from lissnas.supernet.networks.cell_network import Skeleton
        from lissnas.supernet.networks.cell_supernet import CellSupernet
        from lissnas.supernet.networks.chain_network import ChainNetwork

        if self.skeleton is None:
            return ChainNetwork(self.chain(), rng, self.affine)
        own = self.skeleton
        return CellSupernet(
            Skeleton(own.channels, own.stages, own.cells, self.input_channels, self.classes, own.residual), rng
        )
