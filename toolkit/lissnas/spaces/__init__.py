"""Search spaces of the literature, one a file; by their names, third parties' too."""

from typing import Any

from lissnas.register import Register
from lissnas.space import Space


def _fault(name: str, found: Any) -> str:
    if not callable(found):
        return f"it is a {type(found).__name__}, not a function that makes a space"
    try:
        space = found()
    except Exception as error:
        return f"making the space fails: {type(error).__name__}: {error}"
    if not isinstance(space, Space):
        return f"it makes a {type(space).__name__}, not a Space"
    return "" if space.name == name else f"the space that it makes is called '{space.name}'"


SPACES = Register(
    "space",
    "lissnas.spaces",
    {
        "accel-mnasnet": "lissnas.spaces.accel_mnasnet:accel_mnasnet",
        "cell201": "lissnas.spaces.cell201:cell201",
        "channel-macro": "lissnas.spaces.channel_macro:channel_macro",
        "channels": "lissnas.spaces.channels:channels",
        "darts": "lissnas.spaces.darts:darts",
        "distinct cell201": "lissnas.spaces.cell201:distinct_cell201",
        "distinct transnas-micro": "lissnas.spaces.transnas:distinct_transnas_micro",
        "fairnas": "lissnas.spaces.mobilenet:fairnas",
        "macro": "lissnas.spaces.macro:macro",
        "mobilenet": "lissnas.spaces.mobilenet:mobilenet",
        "nas-bench-101": "lissnas.spaces.nasbench101:nasbench101",
        "shufflenetv2": "lissnas.spaces.shufflenetv2:shufflenetv2",
        "transnas-macro": "lissnas.spaces.transnas:transnas_macro",
        "transnas-micro": "lissnas.spaces.transnas:transnas_micro",
    },
    _fault,
)
"""What makes each space; its name is that of the space."""


def space_names() -> tuple[str, ...]:
    """Return the names of all spaces, the project's own first."""
    return SPACES.names()


def make_space(name: str) -> Space:
    """Make a space by its name.

    Raises UnknownNameError with the nearest name, PluginError for a third party's that cannot be used.
    """
    space: Space = SPACES.find(name)()
    return space
