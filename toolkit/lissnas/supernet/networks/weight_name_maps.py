"""Name maps: what each layer of a chain is called in the weight files of other projects.

The names are those of torchvision's MobileNetV2, timm's models of the EfficientNet family, the published code of SPOS
(supernet and retrained network), the published networks of ProxylessNAS, and our own files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lissnas.spaces.chain import Block, Chain, Convolution

Names = tuple[tuple[str, str], ...]
"""Names of each convolution of a block and of its batch norm: those of `main`, then those of `side`."""


@dataclass(frozen=True)
class Place:
    """Where a block is.

    Attributes
    ----------
    number
        Its number among the layers after the stem. Without the skipped layers, unless the map numbers them.
    stage, in_stage
        The number of its stage, whose layers have equally many output channels, and its number there.
    choice
        The number of its choice in a supernet; None in the network of one architecture.
    """

    number: int
    stage: int
    in_stage: int
    choice: int | None = None


class WeightNameMap(Protocol):
    """The names of the weights in one project's files.

    Attributes
    ----------
    title
        The project, in messages.
    numbers_skips
        Whether skipped layers have numbers.
    takes_normalized_rgb
        Whether its networks take red, green and blue, normalized with the mean and the standard deviation of ImageNet.
        Ours take blue, green and red from 0 to 255.
    classifier
        Name of the classifier.
    """

    title: str
    numbers_skips: bool
    takes_normalized_rgb: bool
    classifier: str

    def stem(self, number: int, block: Block) -> Names:
        """Return the names of a block of the stem."""

    def block(self, place: Place, block: Block) -> Names | None:
        """Return the names of a block of a layer; None if the project has no such block."""

    def head(self, blocks: int, convolutions: Sequence[Convolution]) -> Names:
        """Return the names of the convolutions after this number of layers."""


class Torchvision:
    """MobileNetV2 of torchvision.models."""

    title = "torchvision"
    numbers_skips = False
    takes_normalized_rgb = True
    classifier = "classifier.1"

    def stem(self, number: int, block: Block) -> Names:
        return self._activated("features.0") if number == 0 else self._bottleneck(number, block)

    def block(self, place: Place, block: Block) -> Names | None:
        return self._bottleneck(place.number + 2, block) if _is_bottleneck(block) else None

    def head(self, blocks: int, convolutions: Sequence[Convolution]) -> Names:
        return self._activated(f"features.{blocks + 2}")

    def _bottleneck(self, number: int, block: Block) -> Names:
        prefix, last = f"features.{number}.conv", len(block.main) - 1
        before = [name for each in range(last) for name in self._activated(f"{prefix}.{each}")]
        return (*before, (f"{prefix}.{last}", f"{prefix}.{last + 1}"))

    def _activated(self, prefix: str) -> Names:
        return ((f"{prefix}.0", f"{prefix}.1"),)


class Timm:
    """Models of timm that its EfficientNet class builds, such as mobilenetv2_100."""

    title = "timm"
    numbers_skips = False
    takes_normalized_rgb = True
    classifier = "classifier"

    def stem(self, number: int, block: Block) -> Names:
        return (("conv_stem", "bn1"),) if number == 0 else self._bottleneck("blocks.0.0", block)

    def block(self, place: Place, block: Block) -> Names | None:
        return self._bottleneck(f"blocks.{place.stage + 1}.{place.in_stage}", block) if _is_bottleneck(block) else None

    def head(self, blocks: int, convolutions: Sequence[Convolution]) -> Names:
        return (("conv_head", "bn2"),)

    def _bottleneck(self, prefix: str, block: Block) -> Names:
        names = ("conv_pw", "conv_dw", "conv_pwl") if len(block.main) == 3 else ("conv_dw", "conv_pw")
        return tuple((f"{prefix}.{name}", f"{prefix}.bn{number}") for number, name in enumerate(names, 1))


class ProxylessNas:
    """The networks of the published code of ProxylessNAS."""

    title = "ProxylessNAS"
    numbers_skips = True
    takes_normalized_rgb = True
    classifier = "classifier.linear"

    def stem(self, number: int, block: Block) -> Names:
        return (("first_conv.conv", "first_conv.bn"),) if number == 0 else self._bottleneck(0, block)

    def block(self, place: Place, block: Block) -> Names | None:
        return self._bottleneck(place.number + 1, block) if _is_bottleneck(block) else None

    def head(self, blocks: int, convolutions: Sequence[Convolution]) -> Names:
        return (("feature_mix_layer.conv", "feature_mix_layer.bn"),)

    def _bottleneck(self, number: int, block: Block) -> Names:
        parts = ("inverted_bottleneck", "depth_conv", "point_linear")[-len(block.main) :]
        prefix = f"blocks.{number}.mobile_inverted_conv"
        return tuple((f"{prefix}.{part}.conv", f"{prefix}.{part}.bn") for part in parts)


class Spos:
    """The supernet and the retrained networks of the published code of SPOS."""

    title = "SPOS"
    numbers_skips = True
    takes_normalized_rgb = False
    classifier = "classifier.0"

    def stem(self, number: int, block: Block) -> Names:
        return _sequence("first_conv", block.main)

    def block(self, place: Place, block: Block) -> Names | None:
        choice = "" if place.choice is None else f".{place.choice}"
        prefix = f"features.{place.number}{choice}"
        return _sequence(f"{prefix}.branch_main", block.main) + _sequence(f"{prefix}.branch_proj", block.side)

    def head(self, blocks: int, convolutions: Sequence[Convolution]) -> Names:
        return _sequence("conv_last", convolutions)


class Lissnas:
    """Our supernets, and the files that `lissnas supernet export` writes."""

    title = "lissnas"
    numbers_skips = True
    takes_normalized_rgb = False
    classifier = "classifier"

    def stem(self, number: int, block: Block) -> Names:
        return self._block(f"stem.{number}", block)

    def block(self, place: Place, block: Block) -> Names | None:
        return self._block(f"layers.{place.number}" + ("" if place.choice is None else f".{place.choice}"), block)

    def head(self, blocks: int, convolutions: Sequence[Convolution]) -> Names:
        return _sequence("head", convolutions)

    def _block(self, prefix: str, block: Block) -> Names:
        main = prefix if block.join == "nothing" else f"{prefix}.main"
        return _sequence(main, block.main) + _sequence(f"{prefix}.side", block.side)


NAME_MAPS: tuple[WeightNameMap, ...] = (Lissnas(), Torchvision(), Timm(), Spos(), ProxylessNas())
"""All name maps."""


def stages(chain: Chain) -> list[int]:
    """Return the number of the stage of each layer; a stage begins where the number of channels changes."""
    numbers, channels = list[int](), chain.stem[-1].main[-1].outputs
    for layer in chain.layers:
        outputs = layer[-1].outputs(channels)
        is_new = not numbers or outputs != channels
        numbers.append((numbers[-1] if numbers else -1) + is_new)
        channels = outputs
    return numbers


def timm_name(chain: Chain) -> str | None:
    """Return the name that timm has for the network of a chain with one block per layer; None if it has none."""
    is_mobilenetv2 = chain.space.name == "one network of mobilenetv2"
    if is_mobilenetv2 and all(names == ("k3e6",) for names in chain.space.operations):
        return "mobilenetv2_100"
    return None


def _sequence(prefix: str, convolutions: Sequence[Convolution]) -> Names:
    """Return the names in an nn.Sequential of convolutions, batch norms, and activations where they are."""
    names, number = list[tuple[str, str]](), 0
    for convolution in convolutions:
        names.append((f"{prefix}.{number}", f"{prefix}.{number + 1}"))
        number += 3 if convolution.activated else 2
    return tuple(names)


def _is_bottleneck(block: Block) -> bool:
    return block.join in ("nothing", "add") and len(block.main) in (2, 3)
