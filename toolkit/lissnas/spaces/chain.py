"""Chain: the layers of a chain-structured network, each one of several blocks, and their cost.

A multiply-accumulate counts as one operation, as papers on mobile networks count "FLOPs"; a program that counts
floating-point operations gives twice as many. Batch norms and activations count as zero operations, but the parameters
of batch norms count as parameters.
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
        As in any deep-learning library.
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
        """Number of weights of the kernel."""
        return self.outputs * (self.inputs // self.groups) * self.kernel**2


@dataclass(frozen=True)
class Block:
    """One choice of a layer.

    Attributes
    ----------
    main
        Its convolutions, in order.
    join
        How the block's input joins the result of `main`. ``"nothing"``: not at all. ``"add"``: it is added.
        ``"shuffle"``: `main` gets every other channel, and the remaining channels are concatenated before its result.
        ``"concatenate"``: the result of `side` on the input is concatenated before the result of `main`.
    side
        The convolutions of the second branch, for ``"concatenate"``.
    """

    main: tuple[Convolution, ...]
    join: Literal["nothing", "add", "shuffle", "concatenate"] = "nothing"
    side: tuple[Convolution, ...] = ()

    @property
    def stride(self) -> int:
        """Factor by which the block reduces height and width."""
        stride = 1
        for convolution in self.main:
            stride *= convolution.stride
        return stride

    def outputs(self, inputs: int) -> int:
        """Return the number of output channels for this number of input channels."""
        channels = self.main[-1].outputs if self.main else inputs
        match self.join:
            case "nothing" | "add":
                return channels
            case "shuffle":
                return inputs // 2 + channels
            case "concatenate":
                return self.side[-1].outputs + channels

    def multiply_accumulates(self, size: int) -> int:
        """Return the multiply-accumulates of the block on a square input of `size` pixels a side."""
        return sum(_multiply_accumulates(convolutions, size) for convolutions in (self.main, self.side))

    @property
    def parameters(self) -> int:
        """Number of parameters of the block, including two for each channel of batch norm."""
        return sum(convolution.weights + 2 * convolution.outputs for convolution in (*self.main, *self.side))


IDENTITY = Block((), "add")
"""A skipped layer."""


def inverted_bottleneck(inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> Block:
    """Return a block of MobileNetV2, with a residual connection where shapes allow. Sandler et al., CVPR 2018."""
    hidden = inputs * expansion
    expand = (Convolution(inputs, hidden),) if expansion > 1 else ()
    depthwise = Convolution(hidden, hidden, kernel, stride, groups=hidden)
    project = Convolution(hidden, outputs, activated=False)
    return Block((*expand, depthwise, project), "add" if stride == 1 and inputs == outputs else "nothing")


@dataclass(frozen=True)
class Chain:
    """The stem, layers and head of the networks of a space.

    Attributes
    ----------
    space
        One gene for each layer, one choice for each block.
    size
        Height and width of the images, in pixels.
    stem
        Blocks before the layers.
    layers
        For each gene the block of each choice.
    head
        Convolutions between the layers and global average pooling.
    classes
        Number of outputs of the classifier.
    bias
        Whether the classifier has a bias.
    dropout
        Dropout rate before the classifier.
    activation_limit
        Maximum output of an activation: 6 for ReLU6, None for ReLU.

    Raises
    ------
    SettingError
        If `layers` do not match the choices of the space, or the blocks of one layer have different strides.
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
        """Multiply-accumulates of a network on one image."""
        fixed = sum(block.multiply_accumulates(size) for block, size in zip(self.stem, self._stem_sizes, strict=True))
        *before, last = self._sizes
        fixed += _multiply_accumulates(self.head, last) + self._features * self.classes
        layers = zip(self.layers, before, strict=True)
        return Costs(fixed, [[block.multiply_accumulates(size) for block in layer] for layer, size in layers])

    @property
    def parameters(self) -> Costs:
        """Number of parameters of a network."""
        fixed = sum(block.parameters for block in (*self.stem, Block(self.head)))
        fixed += (self._features + self.bias) * self.classes
        return Costs(fixed, [[block.parameters for block in layer] for layer in self.layers])

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Channels and pixels a side, before the first layer and after each; the same for all choices."""
        channels = [3]
        for block in (*self.stem, *(layer[0] for layer in self.layers)):
            channels.append(block.outputs(channels[-1]))
        return list(zip(channels[len(self.stem) :], self._sizes, strict=True))

    def for_architecture(self, row: Rows) -> "Chain":
        """Return the chain of one architecture, shape (genes,): each layer has only the block that its gene chooses."""
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
        """Pixels a side before each layer and after the last one."""
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
