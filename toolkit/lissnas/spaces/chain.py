"""Chain: networks of layers one after the other, each layer one of several blocks; what they are made of and cost.

A multiply-accumulate counts once, as papers on mobile networks count "FLOPs"; a program that counts floating-point
operations gives twice as many. Batch norms and activations count nothing, but the parameters of batch norms do.
"""

from dataclasses import dataclass, replace
from typing import Literal

from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.costs import Costs
from lissnas.spaces.space import Rows


@dataclass(frozen=True)
class Convolution:
    """A convolution without bias, padded to keep the size, with batch norm.

    Attributes
    ----------
    inputs, outputs
        Channels.
    kernel, stride, groups
        As everywhere.
    activated
        Whether an activation follows the batch norm.
    """

    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    activated: bool = True

    @property
    def weights(self) -> int:
        """How many weights its kernel has."""
        return self.outputs * (self.inputs // self.groups) * self.kernel**2


@dataclass(frozen=True)
class Block:
    """One choice of a layer.

    Attributes
    ----------
    main
        Its convolutions, one after the other.
    join
        What becomes of the block's input: ``"nothing"``; ``"add"``: it is added to the result; ``"shuffle"``: the block
        sees every other channel of it, and the rest is put before the result; ``"beside"``: the result of `side` on it
        is put before the result.
    side
        The convolutions beside the main ones.
    """

    main: tuple[Convolution, ...]
    join: Literal["nothing", "add", "shuffle", "beside"] = "nothing"
    side: tuple[Convolution, ...] = ()

    @property
    def stride(self) -> int:
        """By which factor the block shrinks height and width."""
        stride = 1
        for convolution in self.main:
            stride *= convolution.stride
        return stride

    def outputs(self, inputs: int) -> int:
        """Return how many channels come out where so many go in."""
        made = self.main[-1].outputs if self.main else inputs
        match self.join:
            case "nothing" | "add":
                return made
            case "shuffle":
                return inputs // 2 + made
            case "beside":
                return self.side[-1].outputs + made

    def multiply_accumulates(self, size: int) -> int:
        """Return what the block costs on an input of so many pixels a side."""
        return sum(_multiply_accumulates(convolutions, size) for convolutions in (self.main, self.side))

    @property
    def parameters(self) -> int:
        """How many parameters the block has, two a channel of batch norm among them."""
        return sum(convolution.weights + 2 * convolution.outputs for convolution in (*self.main, *self.side))


IDENTITY = Block((), "add")
"""A layer that is left out."""


def inverted_bottleneck(inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> Block:
    """Return a block of MobileNetV2; its input is added where shapes allow. Sandler et al., CVPR 2018."""
    inside = inputs * expansion
    expand = (Convolution(inputs, inside),) if expansion > 1 else ()
    depthwise = Convolution(inside, inside, kernel, stride, groups=inside)
    project = Convolution(inside, outputs, activated=False)
    return Block((*expand, depthwise, project), "add" if stride == 1 and inputs == outputs else "nothing")


@dataclass(frozen=True)
class Chain:
    """What surrounds the layers of a space's networks, and the blocks that its choices stand for.

    Attributes
    ----------
    space
        A gene a layer, a choice a block.
    size
        Pixels a side of the images.
    stem
        Blocks before the layers.
    layers
        For each gene the block of each choice.
    head
        The convolutions after the layers, before the mean over all pixels.
    classes
        How many outputs the classifier has.
    bias
        Whether the classifier has one.
    dropout
        Which share of the classifier's inputs is dropped in training.
    activation_limit
        Where the activation is cut off: 6 for ReLU6, None for ReLU.
    """

    space: CategoricalSpace
    size: int
    stem: tuple[Block, ...]
    layers: tuple[tuple[Block, ...], ...]
    head: tuple[Convolution, ...]
    classes: int
    bias: bool = True
    dropout: float = 0.0
    activation_limit: int | None = None

    def __post_init__(self) -> None:
        shapes = tuple(map(len, self.layers))
        if shapes != self.space.choices:
            raise SettingError(f"{self.space.name} has {self.space.choices} choices, but {shapes} blocks were given")
        for layer in self.layers:
            if len({block.stride for block in layer}) > 1:
                raise SettingError(f"{self.space.name}: the blocks of one layer have different strides")

    @property
    def multiply_accumulates(self) -> Costs:
        """What a network costs to run on one image."""
        fixed = sum(block.multiply_accumulates(size) for block, size in zip(self.stem, self._stem_sizes, strict=True))
        *before, last = self._sizes
        fixed += _multiply_accumulates(self.head, last) + self._features * self.classes
        layers = zip(self.layers, before, strict=True)
        return Costs(fixed, [[block.multiply_accumulates(size) for block in layer] for layer, size in layers])

    @property
    def parameters(self) -> Costs:
        """How many parameters a network has."""
        fixed = sum(block.parameters for block in (*self.stem, Block(self.head)))
        fixed += (self._features + self.bias) * self.classes
        return Costs(fixed, [[block.parameters for block in layer] for layer in self.layers])

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Channels, and pixels a side, before the first layer and after each, whatever its choice."""
        channels = [3]
        for block in (*self.stem, *(layer[0] for layer in self.layers)):
            channels.append(block.outputs(channels[-1]))
        return list(zip(channels[len(self.stem) :], self._sizes, strict=True))

    def for_architecture(self, row: Rows) -> "Chain":
        """Return the chain of one architecture, shape (genes,): every layer has the one block that its gene chooses."""
        [row] = self.space.checked(row[None])
        names = [(names[gene],) for names, gene in zip(self.space.operations, row, strict=True)]
        space = CategoricalSpace(f"one network of {self.space.name}", names, "-".join(["{}"] * len(names)))
        return replace(self, space=space, layers=tuple((self.layers[i][gene],) for i, gene in enumerate(row)))

    @property
    def _features(self) -> int:
        return self.head[-1].outputs

    @property
    def _stem_sizes(self) -> list[int]:
        """Pixels a side before each block of the stem."""
        return _sizes(self.size, [block.stride for block in self.stem])[:-1]

    @property
    def _sizes(self) -> list[int]:
        """Pixels a side before each layer, and after the last."""
        first = _sizes(self.size, [block.stride for block in self.stem])[-1]
        return _sizes(first, [layer[0].stride for layer in self.layers])


def _sizes(size: int, strides: list[int]) -> list[int]:
    sizes = [size]
    for stride in strides:
        sizes.append(-(-sizes[-1] // stride))
    return sizes


def _multiply_accumulates(convolutions: tuple[Convolution, ...], size: int) -> int:
    after = _sizes(size, [convolution.stride for convolution in convolutions])[1:]
    return sum(convolution.weights * pixels**2 for convolution, pixels in zip(convolutions, after, strict=True))
