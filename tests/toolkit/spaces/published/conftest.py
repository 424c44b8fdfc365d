"""Cells of NAS-Bench-101, built once."""

import pytest
from lissnas.spaces.published.nasbench101 import NasBench101, nasbench101


@pytest.fixture(scope="session")
def five() -> NasBench101:
    """The cells with at most 5 vertices."""
    return nasbench101(5)


@pytest.fixture(scope="session")
def full() -> NasBench101:
    """All 423,624 cells."""
    return nasbench101()
