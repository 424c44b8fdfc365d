"""The widths of Channel-Bench-Macro: seven layers, each a quarter, a half, three quarters or all of its full width.

Su et al., "BCNet: Searching for Network Width with Bilaterally Coupled Network", CVPR 2021.
"""

from lissnas.spaces.categorical import CategoricalSpace

QUARTERS = ("1", "2", "3", "4")
"""As official strings write them: how many quarters of the layer's full width it has."""

LAYERS = 7


def channel_macro() -> CategoricalSpace:
    """Return the 4^7 = 16,384 networks, the first layer first; the genes are ordinal, and an edit may be any step."""
    return CategoricalSpace("channel-macro", (QUARTERS,) * LAYERS, "{}" * LAYERS, (True,) * LAYERS)
