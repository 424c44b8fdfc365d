"""The space of Accel-NASBench: its size and its strings."""

import numpy as np
import pytest
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.accel_mnasnet import accel_mnasnet


def test_it_is_as_large_as_the_product_of_the_published_choices() -> None:
    # Seven expansions of 3, kernels of 2, squeezes of 2; layers of 3 but of 4 in the sixth block.
    assert accel_mnasnet().size == 3**7 * 2**7 * 2**7 * 3**6 * 4


def test_a_network_is_written_block_by_block() -> None:
    row = np.array([[2, 1, 0, 1] + [0, 0, 2, 0] * 4 + [1, 0, 3, 0] + [0, 0, 0, 0]], dtype=np.uint8)
    assert accel_mnasnet().write(row) == ["e6k5l1s1-" + "e1k3l3s0-" * 4 + "e4k3l4s0-e1k3l1s0"]


def test_a_sample_of_different_networks_reads_back() -> None:
    space = accel_mnasnet()
    rows = space.sample(1000, np.random.default_rng(0))
    assert len(np.unique(space.index(rows))) == 1000
    np.testing.assert_array_equal(space.read(space.write(rows)), rows)
    np.testing.assert_array_equal(space.rows(space.index(rows)), rows)


def test_four_layers_are_in_the_sixth_block_only() -> None:
    with pytest.raises(ArchitectureError, match="is not written as accel-mnasnet writes it"):
        accel_mnasnet().read(["e1k3l4s0" + "-e1k3l1s0" * 6])
