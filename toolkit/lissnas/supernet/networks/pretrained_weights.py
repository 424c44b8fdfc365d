"""Weights of other projects as initial weights of a supernet: read without running code, and checked shape by shape."""

import pickle
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.chain import IDENTITY, Block, Chain, Convolution
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.networks.weight_name_maps import NAME_MAPS, Lissnas, Names, Place, WeightNameMap, stages

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
"""Mean and standard deviation of red, green and blue, as torchvision and timm normalize images with values up to 1."""

_COUNTER = "num_batches_tracked"

_OWN = Lissnas()


@dataclass(frozen=True)
class PretrainedWeights:
    """Weights for a supernet from a file.

    Attributes
    ----------
    values
        Weights and batch-norm statistics, by their names in the supernet.
    name_map
        The map of the file.
    row
        The architecture that the file has, shape (genes,); None if it has all choices of a supernet.
    has_classifier
        Whether the classifier is among the weights: it is if the file has as many classes as the supernet.
    """

    values: Mapping[str, Tensor]
    name_map: WeightNameMap
    row: Rows | None
    has_classifier: bool


def pretrained_weights(network: Supernet, path: Path) -> PretrainedWeights:
    """Return the weights in a file for a supernet, for the images that supernets are trained on.

    Those are blue, green and red from 0 to 255. If the file is for normalized red, green and blue, its first layer is
    converted: the network computes the same, but that it pads images with black and not with the mean color.

    Parameters
    ----------
    network
        The supernet of a chain. It is unchanged.
    path
        A PyTorch state dict, alone or below "state_dict" or "network", or a safetensors file.

    Raises
    ------
    LissnasError
        If the file cannot be read.
    SettingError
        If the supernet has no layers for the weights; the message names the first weight that does not fit.
    """
    if not isinstance(network, ChainNetwork):
        raise SettingError(
            f"{path}: the space {network.space.name} takes no weights from files; use a space of layers, such as "
            "mobilenetv2 or shufflenetv2"
        )
    found = matched_weights(network, read_weights(path), str(path))
    if not found.name_map.takes_normalized_rgb or network.chain.stem[0].main[0].inputs != len(_MEAN):
        return found
    values = dict(found.values)
    _convert_first_layer(values, *_OWN.stem(0, network.chain.stem[0])[0])
    return PretrainedWeights(values, found.name_map, found.row, found.has_classifier)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, without the prefix of torch's DataParallel.

    Raises LissnasError if it cannot be read, or has anything but tensors. No code in it is run.
    """
    try:
        if path.suffix == ".safetensors":
            content: Any = import_module("safetensors.torch").load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except ImportError as error:
        raise SettingError(f"{path}: safetensors is not installed: pip install 'lissnas[export]'") from error
    except OSError as error:
        raise LissnasError(f"{path}: cannot be read ({error.strerror or error}); give a file of weights") from error
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise LissnasError(
            f"{path}: not a file of weights that can be read without running its code ({type(error).__name__}); save "
            "it again with torch.save(network.state_dict(), FILE)"
        ) from error
    except Exception as error:  # safetensors has an exception of its own
        raise LissnasError(f"{path}: not a file of weights ({type(error).__name__}: {error})") from error
    for key in ("state_dict", "network"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise LissnasError(f"{path}: has no state dict; save one with torch.save(network.state_dict(), FILE)")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def matched_weights(network: ChainNetwork, tensors: Mapping[str, Tensor], source: str) -> PretrainedWeights:
    """Return tensors by the names of a supernet, unconverted; raises SettingError as `pretrained_weights`.

    Parameters
    ----------
    source
        Where the tensors are from, for messages.
    """
    chain = network.chain
    first = chain.stem[0]
    name_map = next((each for each in NAME_MAPS if f"{each.stem(0, first)[0][0]}.weight" in tensors), None)
    if name_map is None:
        raise SettingError(
            f"{source}: its weights have names of no known project, the first: {next(iter(tensors), 'none')}; known "
            f"projects: {', '.join(each.title for each in NAME_MAPS)}"
        )
    match = _Match(network, tensors, source, name_map)
    for number, block in enumerate(chain.stem):
        match.take(_OWN.stem(number, block), name_map.stem(number, block), (*block.main, *block.side))
    row, blocks = match.layers(chain)
    match.take(_OWN.head(0, chain.head), name_map.head(blocks, chain.head), chain.head)
    has_classifier = match.classifier()
    match.check_all_taken()
    return PretrainedWeights(match.values, name_map, row, has_classifier)


class _Match:
    """Takes tensors out of a file for the layers of a supernet."""

    def __init__(
        self, network: ChainNetwork, tensors: Mapping[str, Tensor], source: str, name_map: WeightNameMap
    ) -> None:
        self._own, self._tensors, self._source, self._name_map = network.state_dict(), tensors, source, name_map
        self._space = network.space.name
        self._taken: set[str] = set()
        self.values: dict[str, Tensor] = {}

    def layers(self, chain: Chain) -> tuple[Rows | None, int]:
        """Take the layers; return the architecture, None if the file has all choices, and the number of its blocks."""
        places, row, number, stage_starts = stages(chain), list[int](), 0, dict[int, int]()
        is_supernet = self._has_choices(chain)
        for layer, (blocks, stage) in enumerate(zip(chain.layers, places, strict=True)):
            start = stage_starts.setdefault(stage, number)
            place = Place(layer if self._name_map.numbers_skips else number, stage, number - start)
            if is_supernet:
                for choice, block in enumerate(blocks):
                    self._take_block(layer, choice, block, Place(layer, stage, number - start, choice))
                number += 1
                continue
            choice = self._choice(layer, blocks, place)
            self._take_block(layer, choice, blocks[choice], place)
            row.append(choice)
            number += blocks[choice] != IDENTITY
        return (None if is_supernet else np.array(row, dtype=np.uint8)), number

    def _has_choices(self, chain: Chain) -> bool:
        choice = max(range(len(chain.layers[0])), key=lambda each: len(chain.layers[0][each].main))
        names = self._name_map.block(Place(0, 0, 0, choice), chain.layers[0][choice])
        without = self._name_map.block(Place(0, 0, 0), chain.layers[0][choice])
        return names is not None and names != without and f"{names[0][0]}.weight" in self._tensors

    def _choice(self, layer: int, blocks: Sequence[Block], place: Place) -> int:
        """Return the choice of a layer whose weights the file has."""
        shapes = list[str]()
        for choice, block in enumerate(blocks):
            names = self._name_map.block(place, block)
            if not names or block == IDENTITY:
                continue
            pairs = zip(names, (*block.main, *block.side), strict=True)
            wrong = [name for (name, _), each in pairs if self._shape(f"{name}.weight") != _shape(each)]
            if not wrong and not self._goes_on(names):
                return choice
            shapes += [f"{name}.weight has shape {self._shape(f'{name}.weight')}" for name in wrong[:1]]
        if IDENTITY in blocks and not (self._name_map.numbers_skips and self._has_block(place, blocks)):
            return blocks.index(IDENTITY)
        details = f" ({shapes[0]})" if shapes else ""
        raise self._error(f"layer {layer + 1} of {self._space} has none of the blocks that the file has there{details}")

    def _has_block(self, place: Place, blocks: Sequence[Block]) -> bool:
        names = [name for block in blocks for pair in self._name_map.block(place, block) or () for name in pair[:1]]
        return any(f"{name}.weight" in self._tensors for name in names)

    def _goes_on(self, names: Names) -> bool:
        """Return whether the block in the file has more layers than these names: another kind of block."""
        prefix = names[-1][0].rpartition(".")[0]
        known = {name for pair in names for name in pair}
        return any(name.startswith(f"{prefix}.") and name.rpartition(".")[0] not in known for name in self._tensors)

    def _take_block(self, layer: int, choice: int, block: Block, place: Place) -> None:
        if block == IDENTITY:
            return
        own, theirs = _OWN.block(Place(layer, 0, 0, choice), block), self._name_map.block(place, block)
        if not own or not theirs:
            raise self._error(f"{self._name_map.title} has no block like choice {choice + 1} of layer {layer + 1}")
        self.take(own, theirs, (*block.main, *block.side))

    def take(self, own: Names, theirs: Names, convolutions: Iterable[Convolution]) -> None:
        """Take convolutions and their batch norms."""
        for (our_convolution, our_norm), (convolution, norm), described in zip(own, theirs, convolutions, strict=True):
            self._take(f"{our_convolution}.weight", f"{convolution}.weight", _shape(described))
            channels = (described.outputs,)
            for name, neutral in (("weight", 1.0), ("bias", 0.0)):
                if f"{our_norm}.{name}" not in self._own:
                    if f"{norm}.{name}" in self._tensors:
                        raise self._error(
                            "its batch norms scale and shift, and those of the supernet do not: set network.affine=true"
                        )
                elif f"{norm}.{name}" in self._tensors:
                    self._take(f"{our_norm}.{name}", f"{norm}.{name}", channels)
                else:
                    self.values[f"{our_norm}.{name}"] = torch.full(channels, neutral)
            for name in ("running_mean", "running_var"):
                self._take(f"{our_norm}.{name}", f"{norm}.{name}", channels)

    def classifier(self) -> bool:
        """Take the classifier if its classes are as many as ours, and return whether they are."""
        name, ours = self._name_map.classifier, self._own["classifier.weight"]
        shape = self._shape(f"{name}.weight")
        if shape is None or shape[1:] != tuple(ours.shape[1:]):
            self._take("classifier.weight", f"{name}.weight", tuple(ours.shape))
        self._taken |= {f"{name}.weight", f"{name}.bias"}
        if shape != tuple(ours.shape):
            return False
        self._take("classifier.weight", f"{name}.weight", tuple(ours.shape))
        has_bias, needs_bias = f"{name}.bias" in self._tensors, "classifier.bias" in self._own
        if has_bias and not needs_bias:
            raise self._error(f"its classifier has a bias, and that of {self._space} does not")
        if has_bias:
            self._take("classifier.bias", f"{name}.bias", tuple(ours.shape[:1]))
        elif needs_bias:
            self.values["classifier.bias"] = torch.zeros(ours.shape[0])
        return True

    def check_all_taken(self) -> None:
        """Raise SettingError if the file has more weights."""
        left = [name for name in self._tensors if name not in self._taken and not name.endswith(_COUNTER)]
        if left:
            raise self._error(f"no layer of {self._space} takes {left[0]}, and {len(left) - 1} more of its weights")

    def _take(self, own: str, theirs: str, shape: tuple[int, ...]) -> None:
        found = self._shape(theirs)
        if found is None:
            raise self._error(f"{theirs} is missing")
        if found != shape:
            raise self._error(f"{theirs} has shape {found}, and {own} of {self._space} has shape {shape}")
        self.values[own] = self._tensors[theirs].to(torch.float32)
        self._taken.add(theirs)

    def _shape(self, name: str) -> tuple[int, ...] | None:
        return tuple(self._tensors[name].shape) if name in self._tensors else None

    def _error(self, fault: str) -> SettingError:
        return SettingError(
            f"{self._source}, names of {self._name_map.title}: {fault}; give weights of a network of the space "
            f"{self._space}, or choose the space that has them"
        )


def _shape(convolution: Convolution) -> tuple[int, ...]:
    return (convolution.outputs, convolution.inputs // convolution.groups, convolution.kernel, convolution.kernel)


def _convert_first_layer(values: dict[str, Tensor], convolution: str, norm: str) -> None:
    """Convert the first layer from normalized red, green and blue to blue, green and red from 0 to 255.

    The kernels keep their size, because the size decides how fast they are trained: the batch norm removes the factor.
    """
    kernels = values[f"{convolution}.weight"].double()
    mean, deviation = torch.tensor(_MEAN).double(), torch.tensor(_DEVIATION).double()
    factor, epsilon = 255 * deviation.mean(), torch.nn.BatchNorm2d(1).eps
    shift = (kernels.sum((2, 3)) * mean / deviation).sum(1)
    converted = {
        f"{convolution}.weight": (kernels * (deviation.mean() / deviation)[:, None, None]).flip(1),
        f"{norm}.running_mean": factor * (values[f"{norm}.running_mean"].double() + shift),
        f"{norm}.running_var": factor**2 * (values[f"{norm}.running_var"].double() + epsilon) - epsilon,
    }
    values.update({name: value.float() for name, value in converted.items()})
