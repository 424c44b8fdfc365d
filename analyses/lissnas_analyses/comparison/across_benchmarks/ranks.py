"""Mean ranks of methods over benchmarks, the Friedman test, and the critical difference of Nemenyi.

Demšar, "Statistical comparisons of classifiers over multiple data sets", Journal of Machine Learning Research 7, 2006:
methods are ranked on each benchmark by their mean; the test of Friedman in the form of Iman and Davenport, with two
methods the signed-rank test of Wilcoxon, says whether they differ at all; if they do, two of them differ if their mean
ranks do by more than the critical difference. Our own choices: ranks are by the mean recall of the top 1 %, intervals
treat the benchmarks as a random sample, and tests need 5 benchmarks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.spaces.space import Floats
from lissnas.statistics.repeated_runs import mean_ranks

MIN_BENCHMARKS = 5
"""From this number of benchmarks methods are tested for differences (our own choice)."""

_LEVEL = 0.05
"""Significance level of the tests."""


@dataclass(frozen=True)
class RankedMethod:
    """The rank of a method over several benchmarks.

    Attributes
    ----------
    method
        Its name.
    mean_rank, low, high
        Mean over the benchmarks of its rank by recall, where 1 is the best, and the 95 % interval of the mean.
    """

    method: str
    mean_rank: float
    low: float
    high: float


@dataclass(frozen=True)
class MethodRanks:
    """The ranks of methods over several benchmarks.

    Attributes
    ----------
    budget
        The given evaluations; None for those of LISSNAS.
    benchmarks
        Number of benchmarks.
    methods
        The methods that ran on all benchmarks, best first.
    left_out
        The names of the other methods.
    p_value
        Of the test whether the methods differ at all; None with fewer than 5 benchmarks.
    critical_difference
        Two methods differ significantly if their mean ranks do by more; None with fewer than 5 benchmarks or 3 methods.
    """

    budget: int | None
    benchmarks: int
    methods: tuple[RankedMethod, ...]
    left_out: tuple[str, ...]
    p_value: float | None
    critical_difference: float | None

    @property
    def test(self) -> str:
        """The name of the test of all methods."""
        return "Friedman" if len(self.methods) > 2 else "Wilcoxon"

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The largest groups of two or more methods whose mean ranks do not differ significantly, best first."""
        if self.p_value is None or self.critical_difference is None:
            return ()
        if self.p_value >= _LEVEL:
            return (tuple(one.method for one in self.methods),)
        groups: list[tuple[str, ...]] = []
        for first, best in enumerate(self.methods):
            near = [one for one in self.methods[first:] if one.mean_rank - best.mean_rank <= self.critical_difference]
            names = tuple(one.method for one in near)
            if len(names) > 1 and not any(set(names) <= set(group) for group in groups):
                groups.append(names)
        return tuple(groups)


def rank_methods(tables: Mapping[int | None, pl.DataFrame], reference: str) -> tuple[MethodRanks, ...]:
    """Return the ranks at each budget; none with a single benchmark or fewer than two methods.

    Parameters
    ----------
    tables
        Those of an `Overview`.
    reference
        The name in them of what is no method.
    """
    found = (_ranks(budget, table.filter(pl.col("method") != reference)) for budget, table in tables.items())
    return tuple(ranks for ranks in found if ranks is not None)


def ranks_table(ranks: tuple[MethodRanks, ...]) -> pl.DataFrame:
    """Return one row for each budget and method."""
    rows = [
        (
            *(each.budget, one.method, one.mean_rank, one.low, one.high),
            *(each.benchmarks, each.p_value, each.critical_difference),
        )
        for each in ranks
        for one in each.methods
    ]
    numbers = dict.fromkeys(("mean_rank", "low", "high"), pl.Float64())
    tests = dict.fromkeys(("p_value", "critical_difference"), pl.Float64())
    schema = {"budget": pl.Int64(), "method": pl.String(), **numbers, "benchmarks": pl.Int64(), **tests}
    return pl.DataFrame(rows, schema=schema, orient="row")


def ranks_sentence(ranks: MethodRanks) -> str:
    """Return the mean ranks and what the tests say, in sentences."""
    budget = "" if ranks.budget is None else f", budget of {ranks.budget:,}"
    listed = ", ".join(f"{one.method} {one.mean_rank:.1f} [{one.low:.1f}, {one.high:.1f}]" for one in ranks.methods)
    left_out = f" (without {', '.join(ranks.left_out)}, left out on some)" if ranks.left_out else ""
    said = f"mean rank by recall over {ranks.benchmarks} benchmarks{budget} (1 is the best): {listed}{left_out}"
    if ranks.p_value is None:
        return f"{said}; a test of whether they differ by more than chance needs at least {MIN_BENCHMARKS} benchmarks"
    test = f"p = {ranks.p_value:.2g}, {ranks.test}"
    if ranks.p_value >= _LEVEL:
        return f"{said}; no significant difference ({test})"
    if ranks.critical_difference is None:
        return f"{said}; the two differ significantly ({test})"
    alike = " or ".join(f"({', '.join(group)})" for group in ranks.groups)
    verdict = f"no significant difference within {alike}" if alike else "all differences are significant"
    return (
        f"{said}; the methods differ significantly ({test}); two of them do if their mean ranks differ by more than "
        f"{ranks.critical_difference:.2f} (critical difference of Nemenyi, 5 %): {verdict}"
    )


def p_value_of_ranks(values: Floats) -> float:
    """Return the probability of values that differ as much if all items are equal.

    It is that of the test of Friedman in the form of Iman and Davenport; of two items that of the signed-rank test of
    Wilcoxon.

    Parameters
    ----------
    values
        Shape (benchmarks, items); ties share their mean rank.
    """
    from scipy.stats import f, friedmanchisquare, wilcoxon

    benchmarks, items = values.shape
    if (values == values[:, :1]).all():
        return 1.0
    if items == 2:
        return float(wilcoxon(values[:, 0], values[:, 1]).pvalue)
    statistic = float(friedmanchisquare(*values.T).statistic)
    rest = benchmarks * (items - 1) - statistic
    if rest <= 0:  # every benchmark ranks the items alike
        return 0.0
    return float(f.sf((benchmarks - 1) * statistic / rest, items - 1, (items - 1) * (benchmarks - 1)))


def critical_difference(items: int, benchmarks: int) -> float:
    """Return the critical difference of Nemenyi at 5 %: q sqrt(k (k + 1) / (6 N)), q from the studentized range.

    Examples
    --------
    >>> print(f"{critical_difference(4, 14):.2f}")  # Demšar 2006, section 3.2.2
    1.25
    """
    from scipy.stats import studentized_range

    quantile = studentized_range.ppf(1 - _LEVEL, items, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(items * (items + 1) / (6 * benchmarks)))


def _ranks(budget: int | None, table: pl.DataFrame) -> MethodRanks | None:
    wide = table.pivot("method", index=["benchmark", "dataset"], values="recall", maintain_order=True)
    recalls = wide.drop("benchmark", "dataset")
    complete = [name for name in recalls.columns if recalls[name].null_count() == 0]
    if wide.height < 2 or len(complete) < 2:
        return None
    values = recalls.select(complete).to_numpy()
    estimate = mean_ranks(values[:, None])
    ranked = [
        RankedMethod(name, *(float(part[place]) for part in (estimate.value, estimate.low, estimate.high)))
        for place, name in enumerate(complete)
    ]
    tested = wide.height >= MIN_BENCHMARKS
    return MethodRanks(
        budget=budget,
        benchmarks=wide.height,
        methods=tuple(sorted(ranked, key=lambda one: one.mean_rank)),
        left_out=tuple(name for name in recalls.columns if name not in complete),
        p_value=p_value_of_ranks(values) if tested else None,
        critical_difference=critical_difference(len(complete), wide.height) if tested and len(complete) > 2 else None,
    )
