"""Training recipes: the published values of SPOS and ABS, micro-batches, and the images of each step."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from lissnas.errors import SettingError
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.training_recipe import ABS, SPOS, TrainingRecipe, abs_round

PLAIN = TrainingRecipe(steps=100, batch_size=4, micro_batch_size=2, learning_rate=1.0)

IMAGES = ImagesInMemory(torch.arange(10.0).view(10, 1, 1, 1), torch.arange(10))


def test_spos_and_abs_are_as_published() -> None:
    assert [learning_rate_at(SPOS, step) for step in (0, 75_000)] == [0.5, 0.25]
    assert SPOS.steps * SPOS.batch_size == 153_600_000
    assert ABS.steps == 100 * 2404
    assert learning_rate_at(ABS, 0) == 0.25
    assert learning_rate_at(ABS, ABS.steps) == pytest.approx(0.25 - (0.25 - 5e-4) * 100 / 250)


def test_each_round_of_abs_continues_the_schedule_of_the_round_before() -> None:
    for number in range(4):
        before, after = abs_round(number), abs_round(number + 1)
        assert learning_rate_at(after, 0) == pytest.approx(learning_rate_at(before, before.steps), rel=1e-12)
    assert abs_round(3).steps == 5 * 2404


def test_a_batch_that_micro_batches_do_not_divide_is_refused() -> None:
    with pytest.raises(SettingError, match="a batch of 5 images cannot be divided into micro-batches of 2"):
        replace(PLAIN, batch_size=5)


def test_a_schedule_that_ends_before_the_warmup_is_refused() -> None:
    with pytest.raises(SettingError, match="a schedule of 5 steps ends before the warmup of 5 steps"):
        replace(PLAIN, schedule_steps=5, warmup_steps=5)


def test_processes_share_all_micro_batches_as_evenly_as_possible() -> None:
    recipe = replace(PLAIN, batch_size=16)
    for processes in range(1, 9):
        shares = [recipe.micro_batches_of(rank, processes) for rank in range(processes)]
        assert [number for share in shares for number in share] == list(range(8))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert recipe.idle_share(4) == 0
    assert recipe.idle_share(7) == pytest.approx(6 / 14)  # one process has two, six wait half of the time


def test_more_processes_than_micro_batches_are_refused() -> None:
    with pytest.raises(SettingError, match="2 micro-batches of 2 images cannot be divided among 3 processes: start at"):
        PLAIN.micro_batches_of(0, 3)
    with pytest.raises(SettingError, match="1 micro-batch of 4 images cannot"):
        replace(PLAIN, micro_batch_size=4).micro_batches_of(1, 2)


def _labels(own: tuple[int, ...] = (0, 1), seed: int = 0, first: int = 0, count: int = 6) -> list[list[list[int]]]:
    steps = islice(IMAGES.steps(4, 2, own, seed, first), count)
    return [[labels.tolist() for _, labels in micro_batches] for micro_batches in steps]


def test_an_epoch_has_no_image_twice_and_the_next_has_another_order() -> None:
    steps = _labels()
    epochs = [
        [image for step in steps[first : first + 2] for micro_batch in step for image in micro_batch]
        for first in (0, 2, 4)
    ]
    assert [len(set(epoch)) for epoch in epochs] == [8, 8, 8]
    assert epochs[0] != epochs[1]


def test_the_images_of_a_step_depend_on_seed_and_step_alone() -> None:
    assert _labels(first=3, count=3) == _labels()[3:]
    assert _labels(seed=1) != _labels()


def test_processes_share_the_micro_batches_of_a_batch() -> None:
    both = zip(_labels(own=(0,)), _labels(own=(1,)), strict=True)
    assert [first + second for first, second in both] == _labels()


def test_images_come_with_their_labels() -> None:
    for images, labels in next(IMAGES.steps(4, 2, (0, 1), 0, 0)):
        assert images.flatten().tolist() == labels.tolist()


def test_held_out_images_are_not_trained_on() -> None:
    remaining, held_out = IMAGES.hold_out(3, np.random.default_rng(0))
    assert len(held_out.labels) == 3
    assert sorted(remaining.labels.tolist() + held_out.labels.tolist()) == list(range(10))
    assert held_out.images.flatten().tolist() == held_out.labels.tolist()


def test_descriptions_of_other_images_differ() -> None:
    swapped = ImagesInMemory(IMAGES.images, IMAGES.labels.flip(0))
    darker = ImagesInMemory(IMAGES.images - 1, IMAGES.labels)
    assert len({IMAGES.description, swapped.description, darker.description}) == 3
