"""The paths of a cell supernet scored together."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.images.image_source import small_source
from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.cell_network import Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.scoring.grouped_cell_evaluator import GroupedCellEvaluator
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator

AN_IMAGE = 100 / 400
"""Per cent: by so much a score may move where two logits are equal but for the order of a sum."""


@pytest.fixture(scope="module")
def supernet():
    """A supernet whose statistics are those of a mixture of paths."""
    network = CellSupernet(Skeleton(), np.random.default_rng(0))
    images = small_source(digits()).recalibration(1, 64)
    rng = np.random.default_rng(1)
    for path in cell201().sample(100, rng).tolist():
        network(next(iter(images)), path)
    return network


ROWS = np.concatenate([cell201().rows(np.arange(9_000, 9_050)), cell201().sample(30, np.random.default_rng(2))])


@pytest.mark.parametrize(("batches", "batch"), [(1, 100), (3, 50), (0, 50)])
def test_paths_scored_together_score_as_they_do_one_by_one(supernet, batches, batch):
    source = small_source(digits())
    recalibration = source.recalibration(batches, batch) if batches else ()
    grouped = GroupedCellEvaluator(supernet, recalibration, source.held_out(100))(ROWS)
    before = {name: values.clone() for name, values in supernet.state_dict().items()}
    one_by_one = SupernetEvaluator(supernet, recalibration, source.held_out(100))(ROWS)
    supernet.load_state_dict(before)
    assert np.abs(grouped - one_by_one).max() <= AN_IMAGE
    assert (grouped == one_by_one).mean() > 0.9
    assert len(np.unique(grouped)) > 10


def test_scoring_changes_nothing_in_the_supernet(supernet):
    source = small_source(digits())
    before = {name: values.clone() for name, values in supernet.state_dict().items()}
    GroupedCellEvaluator(supernet, source.recalibration(2, 50), source.held_out(400))(ROWS[:30])
    after = supernet.state_dict()
    assert all(torch.equal(values, after[name]) for name, values in before.items())
    assert supernet.training


def test_a_path_without_numbers_has_no_score(supernet):
    source = small_source(digits())
    broken = CellSupernet(Skeleton(), np.random.default_rng(0))
    with torch.no_grad():
        broken.body[-1].edges[3]["nor_conv_3x3"].convolution.weight[0, 0, 0, 0] = torch.nan
    rows = np.array([[0, 0, 0, 3, 0, 0], [0, 0, 0, 2, 0, 0]], dtype=np.uint8)
    scores = GroupedCellEvaluator(broken, source.recalibration(1, 50), source.held_out(400))(rows)
    np.testing.assert_array_equal(np.isnan(scores), [True, False])


def test_scores_come_in_the_order_of_the_rows(supernet):
    source = small_source(digits())
    evaluator = GroupedCellEvaluator(supernet, source.recalibration(1, 50), source.held_out(400))
    order = np.random.default_rng(3).permutation(len(ROWS))
    np.testing.assert_array_equal(evaluator(ROWS)[order], evaluator(ROWS[order]))
