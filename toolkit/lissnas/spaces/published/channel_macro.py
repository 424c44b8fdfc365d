"""The widths of Channel-Bench-Macro: seven layers, each with one to four quarters of its full width.

Su et al., "BCNet: Searching for Network Width with Bilaterally Coupled Network", CVPR 2021.
"""

from lissnas.spaces.categorical import CategoricalSpace

QUARTERS = ("1", "2", "3", "4")
"""Number of quarters of the layer's full width, as official strings write it."""

LAYERS = 7


def channel_macro() -> CategoricalSpace:
    """Return the 4^7 = 16,384 networks, the first layer first; genes are ordinal, and an edit may be any step."""
    return CategoricalSpace("channel-macro", (QUARTERS,) * LAYERS, "{}" * LAYERS, (True,) * LAYERS)
