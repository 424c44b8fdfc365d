"""The network of a recipe: which space, for which images, and what its networks cost."""

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
from lissnas.spaces.published.mobilenet import fairnas_chain, mobilenet_chain
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.spaces.space import Space
from lissnas.supernet.networks.supernet import Supernet

_CHAINS: dict[str, Callable[[int, int], Chain]] = {
    "shufflenetv2": shufflenetv2_chain,
    "mobilenet": mobilenet_chain,
    "fairnas": fairnas_chain,
    "macro": macro_chain,
}


class NetworkCosts(Protocol):
    """What the networks of a space cost."""

    @property
    def multiply_accumulates(self) -> Costs:
        """What a network costs to run on one image."""

    @property
    def parameters(self) -> Costs:
        """How many parameters a network has."""


@dataclass(frozen=True)
class _PlainCosts:
    """Of the same cells where a reduction has its 1 x 1 convolution alone, with batch norm."""

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
        """Of each reduction the weights of two convolutions, those of the one batch norm too many, and its pixels."""
        own = self.residual
        wide = [own.channels << stage for stage in range(1, own.stages)]
        return [
            (9 * channels * (channels // 2) + 9 * channels**2, 2 * channels, own.size >> stage)
            for stage, channels in enumerate(wide, 1)
        ]


@dataclass(frozen=True)
class SkeletonRecipe:
    """What surrounds the cells of "cell201"; the defaults are NAS-Bench-201's.

    Attributes
    ----------
    channels
        Channels of the first stage; every stage has twice those of the one before, at half the height and width.
    stages
        How many stages there are, a reduction between each two.
    cells
        How many cells a stage has, all of one architecture.
    residual
        Whether a reduction is the benchmark's residual block, or the mean of 2 x 2 pixels and a 1 x 1 convolution.
    """

    channels: int = 16
    stages: int = 3
    cells: int = 5
    residual: bool = True

    def __post_init__(self) -> None:
        check_at_least_one(self, "channels", "stages", "cells")


@dataclass(frozen=True)
class NetworkRecipe:
    """What the supernet is built of.

    Attributes
    ----------
    space
        Which architectures there are: SPOS's "shufflenetv2"; ABS's "mobilenet"; "fairnas"; "macro", that of
        NAS-Bench-Macro; or "cell201", the cells of NAS-Bench-201.
    classes
        How many kinds of images there are.
    image_size
        Height and width of an image in pixels.
    input_channels
        Channels of an image.
    affine
        Whether batch norms scale and shift in the supernet; those of "cell201" always do.
    skeleton
        What surrounds the cells; of the space "cell201" alone.
    """

    space: Literal["shufflenetv2", "mobilenet", "fairnas", "macro", "cell201"]
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
            raise SettingError("the space 'cell201' needs the table network.skeleton, be it empty")
        elif not self.affine:
            raise SettingError("the batch norms of 'cell201' scale and shift: leave affine out")
        elif self.image_size >> (self.skeleton.stages - 1) < 1:
            raise SettingError(
                f"{self.skeleton.stages} stages leave nothing of {self.image_size} pixels: ask for fewer"
            )

    def chain(self) -> Chain:
        """Return what the networks of a space of chains are made of."""
        chain = _CHAINS[self.space](self.classes, self.image_size)
        first, *others = chain.stem
        convolution = replace(first.main[0], inputs=self.input_channels)
        return replace(chain, stem=(replace(first, main=(convolution, *first.main[1:])), *others))

    def search_space(self) -> CategoricalSpace:
        """Return the space."""
        return cell201() if self.skeleton is not None else self.chain().space

    def costs(self) -> NetworkCosts:
        """Return what its networks cost."""
        if self.skeleton is None:
            return self.chain()
        own = self.skeleton
        costs = Cell201Costs(own.channels, own.stages, own.cells, self.input_channels, self.image_size, self.classes)
        return costs if own.residual else _PlainCosts(costs)

    def within(self, flops: int | None) -> Space:
        """Return the networks that cost at most so many multiply-accumulates; all, if there is no limit."""
        space = self.search_space()
        if flops is None:
            return space
        costs = self.costs().multiply_accumulates
        return LimitedSpace(space, Limit("flops", lambda rows: costs(rows).astype(np.float64), flops))

    def build(self, rng: np.random.Generator) -> Supernet:
        """Return the supernet, with weights drawn from the generator."""
        from lissnas.supernet.networks.cell_network import Skeleton
        from lissnas.supernet.networks.cell_supernet import CellSupernet
        from lissnas.supernet.networks.chain_network import ChainNetwork

        if self.skeleton is None:
            return ChainNetwork(self.chain(), rng, self.affine)
        own = self.skeleton
        return CellSupernet(
            Skeleton(own.channels, own.stages, own.cells, self.input_channels, self.classes, own.residual), rng
        )
