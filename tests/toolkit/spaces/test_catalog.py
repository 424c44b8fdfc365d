"""The catalog of search spaces."""

from lissnas.spaces.catalog import SPACES, _fault
from lissnas.spaces.published.macro import macro


def test_every_space_of_the_catalog_is_made_under_its_name() -> None:
    assert SPACES.valid_names() == SPACES.names()
    assert {SPACES.find(name)().name for name in SPACES.names()} == set(SPACES.names())


def test_a_space_under_another_name_is_a_fault() -> None:
    assert _fault("macro", macro) == ""
    assert _fault("other", macro) == "the space that it makes is called 'macro'"
