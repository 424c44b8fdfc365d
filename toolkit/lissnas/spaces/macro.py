"""The chain of NAS-Bench-Macro: 8 layers, each an identity or one of two MobileNetV2 blocks.

Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021.
"""

from lissnas.categorical import CategoricalSpace

OPERATIONS = ("0", "1", "2")
"""As official strings write them: identity; inverted bottleneck of expansion 3, kernel 3; of expansion 6, kernel 5."""

LAYERS = 8


def macro() -> CategoricalSpace:
    """Return the 3^8 = 6,561 chains, the first layer first."""
    return CategoricalSpace("macro", (OPERATIONS,) * LAYERS, "{}" * LAYERS)
