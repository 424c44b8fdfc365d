"""What a comparison calls a method, at which budgets it runs, and how its rows are told apart."""

from pathlib import Path

import polars as pl
import pytest
from counting_workers import CountingWorkers
from lissnas.errors import SettingError, UnknownNameError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.storage.random_streams import named_generator
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.across_benchmarks.overview import overview, verdicts
from lissnas_analyses.comparison.compared_method import compared_method, comparison_points, rule_method
from lissnas_benchmarks.benchmark import Benchmark

RULE = """
from dataclasses import dataclass
from lissnas.subspaces.subspace import ExplicitSubspace

@dataclass(frozen=True)
class Elite:
    evaluations: int = 50
    elite: int = 10
    fails: bool = False

    def rounds(self, space, evaluations, rng):
        evaluations(space.sample(self.evaluations, rng))
        if self.fails:
            raise KeyError("here")
        yield ExplicitSubspace(space, space.index(evaluations.best(self.elite)))
"""


def test_lissnas_with_its_own_settings_is_the_method_by_its_name() -> None:
    assert compared_method(Lissnas()).method == "lissnas"
    assert compared_method("lissnas:seeds=30") == compared_method("lissnas")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("lissnas:radius=measured,seeds=50", "lissnas(seeds=50, radius=measured)"),
        ("kernel:evaluations=60", "kernel(evaluations=60)"),
        ("random-subset:size=500", "random-subset(size=500)"),
        ("lissnas:max-rounds=2", "lissnas(max_rounds=2)"),
    ],
)
def test_a_method_is_called_by_the_settings_that_it_has(text: str, label: str) -> None:
    assert compared_method(text).label(()) == label


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kernel:evls=3", "unknown setting of kernel 'evls': did you mean 'evaluations'[?] known: batch, candidates"),
        ("kernel:batch", "'batch' of kernel is no setting: write kernel:setting=value"),
        ("kernel:batch=1.5", "batch of kernel must be a whole number, not '1.5'"),
        ("lissnas:radius=near", "radius of lissnas must be a whole number or 'measured', not 'near'"),
        ("lisnas:seeds=3", "did you mean 'lissnas'"),
    ],
)
def test_a_wrong_setting_is_refused_with_those_that_there_are(text: str, said: str) -> None:
    with pytest.raises((SettingError, UnknownNameError), match=said):
        compared_method(text)


def test_a_method_without_a_budget_of_its_own_runs_at_every_budget() -> None:
    methods = ["lissnas", "kernel", "kernel:evaluations=60", "kernel:batch=5", "random-subset"]
    points = comparison_points(methods, (60, 150), None)
    assert [point.label((60, 150)) for point in points] == [
        "lissnas",
        "kernel(evaluations=60)",
        "kernel(evaluations=150)",
        "kernel(batch=5, evaluations=60)",
        "kernel(batch=5, evaluations=150)",
        "random-subset",
    ]
    assert [point.label((60,)) for point in comparison_points(["kernel"], (60,), None)] == ["kernel"]


def test_rows_of_budgets_and_variants_are_told_apart_and_resume(proteins: Benchmark, tmp_path: Path) -> None:
    path, counting = tmp_path / "rows.parquet", CountingWorkers()
    methods = ["lissnas", "lissnas:seeds=10", "operation-pruning"]
    one = measure.compare(proteins, methods, 2, 7, evaluations=(200,), path=path)
    assert one.methods == ("lissnas", "lissnas(seeds=10)", "operation-pruning")
    before = pl.read_parquet(path).height
    both = measure.compare(proteins, methods, 2, 7, evaluations=(400, 200), path=path, workers=counting)  # type: ignore[arg-type]
    assert both.methods[2:] == ("operation-pruning(evaluations=200)", "operation-pruning(evaluations=400)")
    assert counting.rows == pl.read_parquet(path).height - before
    assert both.final(both.methods[2], "recall_1") == one.final("operation-pruning", "recall_1")
    assert both.final(both.methods[3], "evaluations")[0] == 400
    # Variants of a method share its random stream, so the settings alone make the difference.
    own = shrink(proteins.space, proteins.evaluator, Lissnas(seeds=10), named_generator("lissnas", 7, 0))
    assert both.first_run["lissnas(seeds=10)"][-1].index.tolist() == own.subspace.index.tolist()


def test_methods_compete_with_those_of_their_budget(proteins: Benchmark) -> None:
    methods = ["lissnas", "operation-pruning", "random-subset"]
    result = measure.compare(proteins, methods, 2, 7, evaluations=(50, 400), size=60)
    shown = overview([result])
    assert list(shown.by_budget) == [50, 400]
    for table in shown.by_budget.values():
        assert table["method"].to_list() == ["lissnas", "operation-pruning", "random-subset", "all labels"]
    assert shown.table.filter(pl.col("series") == "operation-pruning")["budget"].to_list() == [50, 400]
    assert [said.partition(", ")[0] for said in verdicts(shown)] == [
        "Budget of 50: On nas-bench-graph-proteins",
        "Budget of 400: On nas-bench-graph-proteins",
    ]
    assert shown.has_given_size


def test_a_rule_in_a_file_has_the_budget_of_the_others_and_is_left_out_if_it_fails(
    proteins: Benchmark, tmp_path: Path
) -> None:
    file = tmp_path / "rules.py"
    file.write_text(RULE)
    methods = [rule_method(f"{file}:Elite{settings}") for settings in ("", ":elite=25", ":fails=true")]
    result = measure.compare(proteins, ["random-subset", *methods], 2, 7, evaluations=(30,), size=40)
    assert result.methods == ("random-subset", "Elite", "Elite(elite=25)")
    assert [result.final(method, "evaluations")[0] for method in result.methods] == [0, 30, 30]
    assert [result.final(method, "size")[0] for method in result.methods] == [40, 10, 25]
    assert result.left_out["Elite(fails=True)"] == f"run 0: {file}, line 14: KeyError: 'here'"
