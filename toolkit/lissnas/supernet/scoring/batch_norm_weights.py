"""Weights of the last batch norm of each block: the scores of BN-NAS.

Chen et al., "BN-NAS: Neural Architecture Search with Batch Normalization", ICCV 2021.
"""

from torch import nn

from lissnas.errors import SettingError
from lissnas.supernet.networks.chain_network import ChainNetwork


def train_last_norms_alone(network: ChainNetwork) -> None:
    """Freeze all weights except those of the last batch norm of each block, for all later training.

    The authors train their supernet in this way for ten epochs.
    """
    network.requires_grad_(False)
    for layer in network.layers:
        for block in layer.children():
            last = _last_norm(block)
            if last is not None:
                last.requires_grad_(True)


def norm_weights(network: ChainNetwork) -> tuple[tuple[float, ...], ...]:
    """Return for each layer the mean |gamma| of the last batch norm of each block; NaN for a block without any.

    Raises SettingError if the batch norms of the network do not scale.
    """
    return tuple(tuple(map(_mean_weight, layer.children())) for layer in network.layers)


def _mean_weight(block: nn.Module) -> float:
    last = _last_norm(block)
    if last is None:
        return float("nan")
    if last.weight is None:
        raise SettingError("the batch norms of this network do not scale: build it with affine=True")
    return float(last.weight.detach().abs().mean())


def _last_norm(block: nn.Module) -> nn.BatchNorm2d | None:
    """Return the last batch norm in the main branch of a block, or None."""
    main = getattr(block, "main", block)
    norms = [module for module in main.modules() if isinstance(module, nn.BatchNorm2d)]
    return norms[-1] if norms else None
