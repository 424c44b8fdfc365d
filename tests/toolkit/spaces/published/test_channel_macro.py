"""The widths of Channel-Bench-Macro: their official strings."""

import numpy as np
import pytest
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.channel_macro import channel_macro


def test_widths_are_written_as_a_digit_for_each_layer_from_one_to_four() -> None:
    assert channel_macro().write(np.array([[0, 1, 2, 3, 2, 1, 0]], dtype=np.uint8)) == ["1234321"]


def test_there_are_16384_networks_with_21_neighbors_each() -> None:
    space = channel_macro()
    _neighbors, source = space.neighbors(space.all_rows())
    assert (space.size, set(np.bincount(source))) == (16_384, {21})


@pytest.mark.parametrize("string", ["", "111111", "11111111", "0111111", "5111111", "111111x", "1111111\n"])
def test_a_string_of_other_widths_is_refused_with_an_example(string: str) -> None:
    with pytest.raises(ArchitectureError, match="for example '1111111'"):
        channel_macro().read([string])
