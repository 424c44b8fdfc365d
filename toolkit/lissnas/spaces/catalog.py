"""Search spaces of the literature, one a file; by their names, third parties' too."""

from typing import Any

from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.space import Space
from lissnas.storage.register import Register


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
        "accel-mnasnet": "lissnas.spaces.published.accel_mnasnet:accel_mnasnet",
        "cell201": "lissnas.spaces.published.cell201:cell201",
        "channel-macro": "lissnas.spaces.published.channel_macro:channel_macro",
        "channels": "lissnas.spaces.published.channels:channels",
        "darts": "lissnas.spaces.published.darts:darts",
        "distinct cell201": "lissnas.spaces.published.cell201:distinct_cell201",
        "distinct transnas-micro": "lissnas.spaces.published.transnas:distinct_transnas_micro",
        "fairnas": "lissnas.spaces.published.mobilenet:fairnas",
        "macro": "lissnas.spaces.published.macro:macro",
        "mobilenet": "lissnas.spaces.published.mobilenet:mobilenet",
        "nas-bench-101": "lissnas.spaces.published.nasbench101:nasbench101",
        "shufflenetv2": "lissnas.spaces.published.shufflenetv2:shufflenetv2",
        "transnas-macro": "lissnas.spaces.published.transnas:transnas_macro",
        "transnas-micro": "lissnas.spaces.published.transnas:transnas_micro",
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


def isomorphism_classes(space: Space) -> DistinctSpace | None:
    """Return the space of different networks behind the rows of a space; None if the project does not have one."""
    name = f"distinct {space.name}"
    if name not in SPACES.builtin:
        return None
    classes: DistinctSpace = SPACES.find(name)()
    return classes
