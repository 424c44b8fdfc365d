"""The catalog of search spaces."""

from lissnas.spaces.catalog import SPACES


def test_every_space_of_the_catalog_is_made_under_its_name() -> None:
    assert SPACES.valid_names() == SPACES.names()
    assert {SPACES.find(name)().name for name in SPACES.names()} == set(SPACES.names())
