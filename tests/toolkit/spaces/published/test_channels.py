"""The size space of NATS-Bench: its official strings."""

import numpy as np
import pytest
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.channels import channels


def test_there_are_32768_networks() -> None:
    assert channels().size == 32_768


def test_a_network_is_written_as_its_widths() -> None:
    assert channels().write(np.array([[0, 0, 4, 3, 7]], dtype=np.uint8)) == ["8:8:40:32:64"]


def test_a_gene_counts_steps_of_eight_channels() -> None:
    assert channels().read(["64:64:64:64:64", "8:16:24:32:40"]).tolist() == [[7] * 5, [0, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    "string", ["", "64:64:64:64", "64:64:64:64:64:64", "64:64:64:64:65", "64:64:64:64:064", "72:8:8:8:8"]
)
def test_a_string_that_is_no_network_is_refused_with_an_example(string: str) -> None:
    with pytest.raises(ArchitectureError, match="for example '8:8:8:8:8'"):
        channels().read(["64:64:64:64:64", string])
