"""The size space of NATS-Bench: one cell throughout, and the widths of the five layers of the network around it.

Dong, Liu, Musial and Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size", TPAMI 2021.
"""

from lissnas.spaces.categorical import CategoricalSpace

WIDTHS = tuple(str(width) for width in range(8, 65, 8))
"""How many channels a layer may have, as official strings write them: 8 to 64."""

LAYERS = 5


def channels() -> CategoricalSpace:
    """Return the 8^5 = 32,768 networks, written as their widths, the first layer first: 64:64:64:64:64.

    Widths are ordinal: a gene counts how many steps of eight channels a layer has above the narrowest. One edit may
    still give a layer any other width.
    """
    return CategoricalSpace("channels", (WIDTHS,) * LAYERS, ":".join(["{}"] * LAYERS), (True,) * LAYERS)
