"""The search space of Accel-NASBench: seven blocks of inverted bottlenecks, as in MnasNet.

Ahmad et al., "Accel-NASBench: Sustainable Benchmarking for Accelerator-Aware NAS", DAC 2024.
"""

from lissnas.spaces.categorical import CategoricalSpace

BLOCKS = 7

EXPANSIONS = ("1", "4", "6")
"""Expansion ratios of a block's inverted bottlenecks."""

KERNELS = ("3", "5")

LAYERS = (("1", "2", "3"),) * 5 + (("1", "2", "3", "4"), ("1", "2", "3"))
"""Possible numbers of layers of each block."""

SQUEEZES = ("0", "1")
"""Whether a block's layers use squeeze-and-excitation."""


def accel_mnasnet() -> CategoricalSpace:
    """Return the 1.04 x 10^11 networks, with four genes for each block: expansion, kernel, layers, squeeze-excitation.

    The benchmark writes a network as a dictionary. The strings here are our own choice: ``e1k3l2s0`` for each block.
    """
    genes = [choices for layers in LAYERS for choices in (EXPANSIONS, KERNELS, layers, SQUEEZES)]
    ordinal = (True, True, True, False) * BLOCKS
    return CategoricalSpace("accel-mnasnet", genes, "-".join(["e{}k{}l{}s{}"] * BLOCKS), ordinal)
