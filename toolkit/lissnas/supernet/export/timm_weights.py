"""The weights of an exported network by the names that timm has for its layers."""

from collections.abc import Mapping

from torch import Tensor

from lissnas.spaces.chain import IDENTITY, Chain
from lissnas.spaces.space import Rows
from lissnas.supernet.networks.weight_name_maps import Lissnas, Names, Place, Timm, stages


def timm_weights(chain: Chain, row: Rows, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of an architecture, a row of shape (genes,), by the names of timm.

    Parameters
    ----------
    chain
        The chain of its space, all of whose blocks are inverted bottlenecks or skipped.
    weights
        Its weights by the names of its module file.
    """
    own, timm = Lissnas(), Timm()
    pairs: list[tuple[Names, Names]] = []
    for number, block in enumerate(chain.stem):
        pairs.append((own.stem(number, block), timm.stem(number, block)))
    starts: dict[int, int] = {}
    count = 0
    for layer, (stage, gene) in enumerate(zip(stages(chain), row, strict=True)):
        block = chain.layers[layer][gene]
        start = starts.setdefault(stage, count)
        if block != IDENTITY:
            place = Place(layer, stage, count - start)
            pairs.append((own.block(place, block) or (), timm.block(place, block) or ()))
            count += 1
    pairs.append((own.head(count, chain.head), timm.head(count, chain.head)))
    renamed = {own.classifier: timm.classifier}
    for ours, theirs in pairs:
        for (convolution, norm), (their_convolution, their_norm) in zip(ours, theirs, strict=True):
            renamed |= {convolution: their_convolution, norm: their_norm}
    return {f"{renamed[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value for name, value in weights.items()}
