"""The space of Accel-NASBench: seven blocks of inverted bottlenecks, after MnasNet.

Ahmad et al., "Accel-NASBench: Sustainable Benchmarking for Accelerator-Aware NAS", DAC 2024.
"""

from lissnas.spaces.categorical import CategoricalSpace

BLOCKS = 7

EXPANSIONS = ("1", "4", "6")
"""By which factor a block's layers are widened inside."""

KERNELS = ("3", "5")

LAYERS = (("1", "2", "3"),) * 5 + (("1", "2", "3", "4"), ("1", "2", "3"))
"""How many layers each block may have."""

SQUEEZES = ("0", "1")
"""Whether a block's layers weight their channels (squeeze and excitation)."""


def accel_mnasnet() -> CategoricalSpace:
    """Return the 1.04 x 10^11 networks; four genes a block: expansion, kernel, layers, squeeze and excitation.

    The benchmark writes a network as a dictionary; the strings here are our own: ``e1k3l2s0`` for each block.
    """
    genes = [choices for layers in LAYERS for choices in (EXPANSIONS, KERNELS, layers, SQUEEZES)]
    scales = (True, True, True, False) * BLOCKS
    return CategoricalSpace("accel-mnasnet", genes, "-".join(["e{}k{}l{}s{}"] * BLOCKS), scales)
