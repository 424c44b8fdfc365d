"""The different functions behind the networks of a space, where it is known which networks compute the same."""

from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.cell201 import distinct_cell201
from lissnas.spaces.published.transnas import distinct_transnas_micro
from lissnas.spaces.space import Space

_DISTINCT = {"cell201": distinct_cell201, "transnas-micro": distinct_transnas_micro}


def isomorphism_classes(space: Space) -> DistinctSpace | None:
    """Return the space of different functions, None where it is not known."""
    return _DISTINCT[space.name]() if space.name in _DISTINCT else None
