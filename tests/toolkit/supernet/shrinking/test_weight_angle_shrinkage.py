"""ABS by weight angles: which operations a round drops, and how many networks it scores."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.shufflenetv2 import shufflenetv2
from lissnas.spaces.space import Floats, Rows
from lissnas.subspaces.box import Box
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage, drop_lowest


def _first_gene(rows: Rows) -> Floats:
    """The higher the choice the better, most of all in gene 0."""
    return rows[:, 0] + rows[:, 1:].sum(axis=1) / 1000


def test_operations_of_the_lowest_mean_are_dropped_and_each_gene_keeps_its_best() -> None:
    space = cell201()
    shrinkage = WeightAngleShrinkage(networks_per_operation=10_000, drops_per_round=20)
    box, scored = drop_lowest(space, Box.full(space), _first_gene, shrinkage, np.random.default_rng(0))
    assert scored.count == space.size
    assert box.allowed.sum() == 10
    assert box.allowed[:, 4].all()
    means = Box.full(space).mean_scores(space.all_rows(), _first_gene(space.all_rows()))
    expected = Box.full(space)
    for gene, choice in sorted(np.argwhere(expected.allowed).tolist(), key=lambda each: means[tuple(each)]):
        if expected.allowed.sum() > 10 and expected.droppable()[gene, choice]:
            expected = expected.without(gene, choice)
    np.testing.assert_array_equal(box.allowed, expected.allowed)


@pytest.mark.parametrize("drops", [1, 2, 7])
def test_drops_counted_per_gene_remove_the_lowest_of_each_gene(drops: int) -> None:
    space = CategoricalSpace("uneven", ("ab", "abcde", "a", "abc", "abcd"), "{}{}{}{}{}")
    rows = space.all_rows()
    table = np.random.default_rng(3).random(len(rows))
    shrinkage = WeightAngleShrinkage(networks_per_operation=1_000, drops_per_round=drops, count_drops_per_gene=True)
    score = lambda rows: table[space.index(rows)]  # noqa: E731
    box, _scored = drop_lowest(space, Box.full(space), score, shrinkage, np.random.default_rng(0))
    for gene, choices in enumerate(space.choices):
        means = [table[rows[:, gene] == choice].mean() for choice in range(choices)]
        kept = sorted(range(choices), key=means.__getitem__)[min(drops, choices - 1) :]
        assert np.flatnonzero(box.allowed[gene]).tolist() == sorted(kept)


def test_each_operation_gets_the_requested_number_of_networks_and_none_is_scored_twice() -> None:
    space = shufflenetv2()
    box, scored = drop_lowest(
        space, Box.full(space), _first_gene, WeightAngleShrinkage(networks_per_operation=50), np.random.default_rng(0)
    )
    counts = [(scored.rows == choice).sum(axis=0) for choice in range(4)]
    assert np.min(counts) >= 50
    assert len(np.unique(scored.index)) == scored.count < 80 * 50
    assert box.allowed.sum() == 80 - 7
    assert box.allowed[0].tolist() != [True] * 4


def test_dropping_continues_from_a_smaller_box() -> None:
    space = cell201()
    shrinkage = WeightAngleShrinkage(networks_per_operation=100, drops_per_round=7)
    box = Box.full(space)
    sizes = []
    while box.allowed.sum() > space.genes:
        box, _scored = drop_lowest(space, box, _first_gene, shrinkage, np.random.default_rng(0))
        sizes.append(int(box.allowed.sum()))
    assert sizes == [23, 16, 9, 6]


def test_networks_beyond_the_limits_are_not_scored_and_operations_that_only_they_have_are_dropped_first() -> None:
    whole = cell201()
    cost = lambda rows: (rows == 3).sum(axis=1).astype(np.float64)  # noqa: E731
    space = LimitedSpace(whole, Limit("convolutions", cost, 0))
    box, scored = drop_lowest(
        space,
        Box.full(whole),
        _first_gene,
        WeightAngleShrinkage(networks_per_operation=100, drops_per_round=6),
        np.random.default_rng(0),
    )
    assert (scored.rows != 3).all()
    assert not box.allowed[:, 3].any()
    assert box.allowed.sum() == 24


@pytest.mark.parametrize(
    "name", ["networks_per_operation", "drops_per_round", "stop_size", "reset_initial_weights_after"]
)
def test_settings_below_one_are_refused(name: str) -> None:
    with pytest.raises(SettingError, match=f"{name} must be at least 1, not 0"):
        WeightAngleShrinkage(**{name: 0})
