"""If memory is too small for a step, the error says which micro-batch fits."""

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_training as tiny
import torch
from forked_group import start_process
from lissnas.errors import TrainingError
from lissnas.supernet.training.path_samplers import UniformPathSampler


class SmallMemory(tiny.ChainNetwork):
    """Raises the error of a GPU whose memory is too small for more than `max_images` images."""

    max_images = 16

    def forward(self, images: torch.Tensor, path: Sequence[int]) -> torch.Tensor:
        if len(images) > self.max_images:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has a total ...")
        return super().forward(images, path)


def _train(network: SmallMemory, folder: Path) -> None:
    paths, rng = UniformPathSampler(network.space), np.random.default_rng(1)
    tiny.train_supernet(network, tiny.digits(), paths, tiny.RECIPE, rng, folder)


def test_out_of_memory_names_the_largest_micro_batch_that_fits_and_that_does_fit(tmp_path: Path) -> None:
    network = SmallMemory(tiny.chain(), np.random.default_rng(0))
    message = (
        r"tiny: not enough memory on cpu for micro-batches of 32 images on \w\w-\w\w-\w\w \(CUDA out of memory. "
        r"Tried to allocate 2.00 GiB.\): micro_batch_size = 16 fits\..* choose another folder"
    )
    with pytest.raises(TrainingError, match=message):
        _train(network, tmp_path / "too large")
    recipe = replace(tiny.RECIPE, steps=1, micro_batch_size=16)
    paths, rng = UniformPathSampler(network.space), np.random.default_rng(1)
    tiny.train_supernet(network, tiny.digits(), paths, recipe, rng, tmp_path / "fits")
    assert (tmp_path / "fits" / "step-0000000001.pt").exists()


def test_the_error_says_if_no_micro_batch_fits(tmp_path: Path) -> None:
    network = SmallMemory(tiny.chain(), np.random.default_rng(0))
    network.max_images = 1
    with pytest.raises(TrainingError, match="no smaller micro_batch_size fits either"):
        _train(network, tmp_path)


def test_other_errors_of_a_network_are_raised_unchanged(tmp_path: Path) -> None:
    network = SmallMemory(tiny.chain(), np.random.default_rng(0))
    network.max_images = 1_000
    network.classifier = torch.nn.Linear(3, 10)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        _train(network, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS limits memory on Linux alone")
def test_a_real_out_of_memory_error_is_recognized(tmp_path: Path) -> None:
    process = start_process(tiny.train_with_little_memory, tmp_path)
    process.join(100)
    stderr = (tmp_path / "stderr").read_text()
    found = re.search(
        r"TrainingError: tiny: not enough memory on cpu for micro-batches of 1024 images .* = (\d+) fits", stderr
    )
    assert found, stderr
    assert 1024 % int(found[1]) == 0
