"""The chain of NAS-Bench-Macro: its official strings."""

import numpy as np
import pytest
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.macro import macro


def test_a_chain_is_written_as_a_digit_for_each_layer() -> None:
    assert macro().write(np.array([[0, 2, 0, 1, 2, 1, 0, 0]], dtype=np.uint8)) == ["02012100"]


@pytest.mark.parametrize("string", ["", "0201210", "020121000", "02012103", "0201210x", "02012100\n", "٠٢٠١٢١٠٠"])
def test_a_string_that_is_no_chain_is_refused_with_an_example(string: str) -> None:
    with pytest.raises(ArchitectureError, match="for example '00000000'"):
        macro().read(["02012100", string])
