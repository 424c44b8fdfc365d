"""Spaces that tests of several sub-packages share."""

import numpy as np
import pytest
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.distinct import DistinctSpace


@pytest.fixture(scope="session")
def anagrams_of_five() -> DistinctSpace:
    """Return the 792 multisets of five letters out of eight: many rows are the same architecture."""
    words = CategoricalSpace("anagrams", ("abcdefgh",) * 5, "{}{}{}{}{}")
    return DistinctSpace("anagrams", words, lambda rows: np.sort(rows, axis=1), lambda rows: rows[:, 0] < 99)
