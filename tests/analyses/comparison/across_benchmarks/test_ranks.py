"""Mean ranks over benchmarks: published critical differences, known ranks, and groups that cannot be told apart."""

import numpy as np
import polars as pl
import pytest
from lissnas_analyses.comparison.across_benchmarks.draw_ranks import draw_ranks
from lissnas_analyses.comparison.across_benchmarks.ranks import (
    critical_difference,
    p_value_of_ranks,
    rank_methods,
    ranks_sentence,
    ranks_table,
)
from scipy import stats


def _table(recalls: dict[str, list[float | None]]) -> pl.DataFrame:
    rows = [
        {"benchmark": f"b{number}", "dataset": "d", "method": method, "recall": recall}
        for method, values in {**recalls, "all labels": [1.0] * 9}.items()
        for number, recall in enumerate(values[: len(next(iter(recalls.values())))])
        if recall is not None
    ]
    return pl.DataFrame(rows)


# Table 5 of Demšar 2006: q of Nemenyi at 5 % for 2 to 10 methods.
@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_critical_differences_have_the_published_quantiles(methods: int, q: float) -> None:
    expected = q * np.sqrt(methods * (methods + 1) / (6 * 14))
    assert critical_difference(methods, 14) == pytest.approx(expected, rel=5e-4)


def test_the_p_value_is_that_of_iman_and_davenport() -> None:
    values = np.random.default_rng(0).random((8, 4))
    chi = stats.friedmanchisquare(*values.T).statistic
    expected = stats.f.sf(7 * chi / (8 * 3 - chi), 3, 21)
    assert p_value_of_ranks(values) == pytest.approx(expected)
    assert p_value_of_ranks(values[:, :2]) == pytest.approx(stats.wilcoxon(values[:, 0], values[:, 1]).pvalue)
    assert p_value_of_ranks(np.ones((6, 3))) == 1
    assert p_value_of_ranks(np.tile([0.1, 0.2, 0.3], (6, 1))) == 0


def test_methods_are_ranked_on_each_benchmark_and_those_left_out_are_named() -> None:
    recalls: dict[str, list[float | None]] = {
        "a": [0.9, 0.8, 0.9, 0.7, 0.8, 0.9],
        "b": [0.5, 0.8, 0.4, 0.9, 0.5, 0.5],
        "c": [0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
        "d": [0.2, None, 0.2, 0.2, 0.2, 0.2],
    }
    [ranks] = rank_methods({None: _table(recalls)}, "all labels")
    assert [(one.method, one.mean_rank) for one in ranks.methods] == [("a", 7.5 / 6), ("b", 10.5 / 6), ("c", 3)]
    assert ranks.left_out == ("d",)
    assert all(1 <= one.low <= one.mean_rank <= one.high <= 3 for one in ranks.methods)
    # The critical difference is 2.343 sqrt(12 / 36) = 1.35.
    assert ranks.groups == (("a", "b"), ("b", "c"))
    assert ranks_sentence(ranks).endswith(
        "more than 1.35 (critical difference of Nemenyi, 5 %): no significant difference within (a, b) or (b, c)"
    )
    assert "(without d, left out on some)" in ranks_sentence(ranks)
    assert ranks_table((ranks,)).height == 3
    assert len(draw_ranks([ranks]).axes) == 1


def test_methods_that_do_not_differ_at_all_are_one_group_and_two_methods_have_a_test_of_their_own() -> None:
    alike = np.random.default_rng(0).random((3, 6)).tolist()
    [ranks] = rank_methods({None: _table(dict(zip("abc", alike, strict=True)))}, "all labels")
    assert ranks.p_value is not None
    assert ranks.p_value > 0.05
    assert [set(group) for group in ranks.groups] == [{"a", "b", "c"}]
    assert "; no significant difference (p = " in ranks_sentence(ranks)
    [two] = rank_methods({None: _table({"a": [0.9, 0.8, 0.7, 0.6, 0.5], "b": [0.4, 0.4, 0.4, 0.4, 0.4]})}, "all labels")
    assert ranks_sentence(two).endswith("; no significant difference (p = 0.062, Wilcoxon)")
    assert two.critical_difference is None


def test_few_benchmarks_have_ranks_without_a_test() -> None:
    few = _table({"a": [0.9, 0.8], "b": [0.5, 0.4]})
    [ranks] = rank_methods({60: few}, "all labels")
    assert (ranks.budget, ranks.p_value, ranks.critical_difference, ranks.groups) == (60, None, None, ())
    assert ranks_sentence(ranks).endswith("by more than chance needs at least 5 benchmarks")
    assert rank_methods({None: _table({"a": [0.9], "b": [0.5]})}, "all labels") == ()
    assert ranks_table(()).is_empty()
