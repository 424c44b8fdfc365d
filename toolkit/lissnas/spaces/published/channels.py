"""The size space of NATS-Bench: a fixed cell, and the widths of five layers of the network.

Dong, Liu, Musial and Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size", TPAMI 2021.
"""

from lissnas.spaces.categorical import CategoricalSpace

WIDTHS = tuple(str(width) for width in range(8, 65, 8))
"""Possible numbers of channels of a layer, as official strings write them: 8 to 64."""

LAYERS = 5


def channels() -> CategoricalSpace:
    """Return the 8^5 = 32,768 networks, written as their widths, the first layer first: 64:64:64:64:64.

    Genes are ordinal: gene g means 8 (g + 1) channels. One edit may change a layer to any other width.
    """
    return CategoricalSpace("channels", (WIDTHS,) * LAYERS, ":".join(["{}"] * LAYERS), (True,) * LAYERS)
