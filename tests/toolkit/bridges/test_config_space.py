"""ConfigSpace: an export has exactly the architectures of the subspace, or is refused."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given
from hypothesis import strategies as st
from lissnas.bridges.config_space import configuration_space, configurations, rows
from lissnas.errors import ArchitectureError, SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.channels import channels
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.macro import macro
from lissnas.spaces.published.nasbench101 import nasbench101
from lissnas.spaces.published.shufflenetv2 import shufflenetv2
from lissnas.spaces.published.transnas import transnas_macro
from lissnas.spaces.space import Indices, Space
from lissnas.subspaces.box import Box
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from lissnas.subspaces.union_of_balls import UnionOfBalls


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _allowed(exported: ConfigurationSpace, space: Space) -> Indices:
    """Return the indices of all combinations of values that ConfigSpace itself accepts."""
    from ConfigSpace import Configuration, Constant
    from ConfigSpace.exceptions import ForbiddenValueError

    names = list(exported)
    values = [
        (one.value,) if isinstance(one, Constant) else getattr(one, "choices", getattr(one, "sequence", None))
        for one in exported.values()
    ]
    legal = []
    for combination in itertools.product(*values):
        try:
            legal.append(Configuration(exported, values=dict(zip(names, combination, strict=True))))
        except ForbiddenValueError:
            continue
    return np.sort(space.index(rows(legal, space)))


def _small() -> CategoricalSpace:
    return CategoricalSpace("small", ("ab", "cde", "fghi", "k", "lm"), "{}{}{}{}{}", (False, True, False, False, True))


@given(st.sets(st.integers(0, 47), min_size=1, max_size=48))
def test_exactly_the_architectures_of_any_subspace_are_allowed(index: set[int]) -> None:
    space = _small()
    kept = ExplicitSubspace(space, np.array(sorted(index)))
    np.testing.assert_array_equal(_allowed(configuration_space(kept, _rng()), space), kept.index)
    np.testing.assert_array_equal(_allowed(configuration_space(kept, _rng(), listed=True), space), kept.index)


def _layers() -> Space:
    return CategoricalSpace("layers", ("abc",) * 5, "{}" * 5)


SUBSPACES: dict[str, Callable[[], Subspace]] = {
    "the full space": lambda: FullSpace(macro()),
    "a box": lambda: Box.full(macro()).without(0, 1).restricted_to(3, 2),
    "a huge box": lambda: Box.full(shufflenetv2()).without(0, 1).without(7, 2),
    "all of DARTS": lambda: FullSpace(darts()),
    "ordinal widths": lambda: Box.full(channels()).without(1, 3),
    "two balls": lambda: ExplicitSubspace(
        _layers(),
        UnionOfBalls(_layers(), _layers().rows(np.array([5, 200])), 2).index,  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("name", SUBSPACES)
def test_samples_are_members_and_convert_both_ways(name: str) -> None:
    subspace = SUBSPACES[name]()
    exported = configuration_space(subspace, _rng())
    drawn = exported.sample_configuration(60)
    found = rows(drawn, subspace.space)
    assert subspace.contains(found).all()
    assert configurations(found, exported, subspace.space) == drawn
    np.testing.assert_array_equal(rows(configurations(found, exported, subspace.space), subspace.space), found)


def test_a_box_needs_no_clause_and_has_its_size() -> None:
    box = Box.full(shufflenetv2()).without(0, 1).without(7, 2)
    exported = configuration_space(box, _rng())
    assert exported.forbidden_clauses == []
    assert exported.estimate_size() == box.size


def test_ordinal_genes_are_ordinal_in_their_order_and_others_categorical() -> None:
    exported = configuration_space(Box.full(channels()).without(1, 3), _rng())
    assert [type(own).__name__ for own in exported.values()] == ["OrdinalHyperparameter"] * 5
    assert exported["gene1"].sequence == ("8", "16", "24", "40", "48", "56", "64")
    kinds = [type(own).__name__ for own in configuration_space(FullSpace(_small()), _rng()).values()]
    of = "Hyperparameter"
    assert kinds == [f"Categorical{of}", f"Ordinal{of}", f"Categorical{of}", "Constant", f"Ordinal{of}"]


def test_samples_are_uniform_over_architectures() -> None:
    space = _layers()
    kept = ExplicitSubspace(space, np.arange(0, 81, 20))
    drawn = configuration_space(kept, _rng()).sample_configuration(1000)
    _place, counts = np.unique(space.index(rows(drawn, space)), return_counts=True)
    # Expected 200 for each of 5 architectures; five standard deviations are 5 * sqrt(1000 * 4 / 25) = 63.
    assert len(counts) == 5
    assert np.abs(counts - 200).max() < 63


def test_the_same_seed_samples_the_same_configurations() -> None:
    first, second, other = (
        configuration_space(FullSpace(macro()), _rng(seed)).sample_configuration(10) for seed in (1, 1, 2)
    )
    assert [dict(one) for one in first] == [dict(one) for one in second]
    assert [dict(one) for one in first] != [dict(one) for one in other]


def test_spaces_that_are_not_a_product_are_listed() -> None:
    cells = nasbench101(4)
    for space in (cells, transnas_macro()):
        kept = ExplicitSubspace(space, space.index(space.sample(50, _rng())))
        exported = configuration_space(kept, _rng(), listed=True)
        drawn = exported.sample_configuration(30)
        assert kept.contains(rows(drawn, space)).all()
        assert configurations(rows(drawn, space), exported, space) == drawn


def test_a_single_architecture_is_a_configuration_space() -> None:
    one = ExplicitSubspace(macro(), np.array([77]))
    for listed in (False, True):
        exported = configuration_space(one, _rng(), listed=listed)
        np.testing.assert_array_equal(macro().index(rows(exported.sample_configuration(2), macro())), [77, 77])


# Exports that are refused


def test_subspaces_that_fill_little_of_their_box_are_refused() -> None:
    few = ExplicitSubspace(macro(), np.array([0, 3280, 6560]))
    with pytest.raises(SettingError, match=r"3 networks of macro are less than 0\.1% of the 6,561 .*listed=True"):
        configuration_space(few, _rng())


def test_subspaces_that_are_too_scattered_are_refused() -> None:
    scattered = ExplicitSubspace(macro(), _rng().choice(6561, 2000, replace=False))
    with pytest.raises(SettingError, match=r"2,000 networks of macro are too scattered: .* 200 forbidden clauses"):
        configuration_space(scattered, _rng())
    assert len(configuration_space(scattered, _rng(), listed=True)["architecture"].choices) == 2000


@pytest.mark.parametrize("listed", [False, True])
def test_balls_of_millions_are_refused(listed: bool) -> None:
    space = shufflenetv2()
    balls = UnionOfBalls(space, space.sample(12, _rng()), 9)
    with pytest.raises(SettingError, match=r"to [\d,]+ networks of shufflenetv2 that are not a box.*Optuna's samplers"):
        configuration_space(balls, _rng(), listed=listed)


def test_a_huge_space_within_limits_is_refused() -> None:
    limit = Limit("sevens", lambda rows: (rows == 2).sum(axis=1).astype(np.float64), 4)
    with pytest.raises(SettingError, match="not a box"):
        configuration_space(FullSpace(LimitedSpace(shufflenetv2(), limit)), _rng())


def test_an_empty_subspace_is_refused() -> None:
    with pytest.raises(SettingError, match="the subspace of macro is empty"):
        configuration_space(ExplicitSubspace(macro(), np.array([], dtype=np.int64)), _rng())


@pytest.mark.parametrize("listed", [False, True])
def test_a_row_outside_the_subspace_has_no_configuration(listed: bool) -> None:
    kept = ExplicitSubspace(_layers(), np.arange(9))
    exported = configuration_space(kept, _rng(), listed=listed)
    with pytest.raises(ArchitectureError, match="'baaaa' is not in this configuration space of layers"):
        configurations(_layers().read(["aaaab", "baaaa"]), exported, _layers())


def test_a_configuration_of_another_space_is_refused() -> None:
    drawn = configuration_space(FullSpace(_layers()), _rng()).sample_configuration(3)
    with pytest.raises(ArchitectureError, match=r"configuration 0 of 3: 'gene0' is '\w', but in macro one of 0, 1, 2"):
        rows(drawn, macro())
