"""Search spaces by name: those of the literature, and those that other packages add."""

from typing import Any

from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.space import Space
from lissnas.storage.register import Register


def _fault(name: str, loaded: Any) -> str:
    if not callable(loaded):
        return f"it is a {type(loaded).__name__}, not a function that makes a space"
    try:
        space = loaded()
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
        "mobilenetv2": "lissnas.spaces.published.mobilenet:mobilenetv2",
        "nas-bench-101": "lissnas.spaces.published.nasbench101:nasbench101",
        "shufflenetv2": "lissnas.spaces.published.shufflenetv2:shufflenetv2",
        "transnas-macro": "lissnas.spaces.published.transnas:transnas_macro",
        "transnas-micro": "lissnas.spaces.published.transnas:transnas_micro",
    },
    _fault,
)
"""The function that makes each space, by the name of the space."""


def space_names() -> tuple[str, ...]:
    """Return the names of all spaces, the project's own first.

    Examples
    --------
    >>> import lissnas as ln
    >>> "darts" in ln.space_names()
    True
    """
    return SPACES.names()


def make_space(name: str) -> Space:
    """Make a space by its name.

    Raises UnknownNameError with the nearest name, PluginError if another package adds the space and it is unusable.

    Examples
    --------
    >>> make_space("macro").size
    6561
    """
    space: Space = SPACES.find(name)()
    return space


def isomorphism_classes(space: Space) -> DistinctSpace | None:
    """Return the space with one architecture for each isomorphism class of a space; None if there is no such space."""
    name = f"distinct {space.name}"
    if name not in SPACES.builtin:
        return None
    classes: DistinctSpace = SPACES.find(name)()
    return classes
