"""The weights of a network: how they are initialized, and a digest that identifies them."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn


def draw_weights(network: nn.Module, rng: np.random.Generator) -> None:
    """Draw the weights of all convolutions and of the classifier, in the order of the network's modules.

    They are normal, with variance 2 / inputs for convolutions (He et al., 2015) and 1 / inputs for the classifier,
    whose bias is zero. Batch norms stay as they are. All this is our own choice. Tensors on the device "meta" have no
    values, and take no draws.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.is_meta:
            shape: Sequence[int] = module.weight.shape
            gain = 2 if isinstance(module, nn.Conv2d) else 1
            drawn = rng.normal(0, np.sqrt(gain / np.prod(shape[1:])), shape)
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(drawn.astype(np.float32)))
                if module.bias is not None:
                    module.bias.zero_()


def weights_digest(weights: Iterable[Tensor]) -> str:
    """Return the SHA-256 of the bytes of some weights, in their order, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for each in weights:
        digest.update(each.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
