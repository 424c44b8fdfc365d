"""`lissnas compare`: a second call computes only what is missing."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from command import Command
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.compared_method import ComparedMethod
from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.grid.run_grid import Row


def test_a_second_call_computes_only_the_runs_that_are_missing(
    in_process: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    computed: list[int] = []
    compute = measure.comparison_rows

    def compute_and_note(key: BenchmarkKey, seed: int, chunk: Sequence[tuple[ComparedMethod, int]]) -> list[Row]:
        computed.extend({run for _, run in chunk})
        return compute(key, seed, chunk)

    monkeypatch.setattr(measure, "comparison_rows", compute_and_note)
    words = "compare nas-bench-graph-proteins --methods lissnas random-subset --workers 1 --no-figures --runs"
    for runs in ("2", "3", "2"):
        called = in_process(*words.split(), runs, folder=tmp_path)
        assert called.returncode == 0, called.stderr
    assert computed == [0, 1, 2]
    folder = tmp_path / "results/nas-bench-graph-proteins/comparison"
    assert pl.read_parquet(folder / "comparison_rows.parquet")["run"].max() == 2
    assert pl.read_parquet(folder / "shrinking_runs.parquet")["run"].max() == 1


def test_the_random_subset_alone_is_drawn(in_process: Command, tmp_path: Path) -> None:
    words = "compare nas-bench-graph-proteins --methods random-subset --runs 2 --workers 1"
    called = in_process(*words.split(), folder=tmp_path)
    assert called.returncode == 0, called.stderr
    assert "random-subset  " in called.stdout


def test_several_benchmarks_share_an_overview_at_a_given_budget_and_size(in_process: Command, tmp_path: Path) -> None:
    words = "compare nas-bench-graph-proteins digits-cells --methods lissnas operation-pruning --runs 2 --workers 1"
    called = in_process(*words.split(), "--evaluations", "200", "--size", "3%", "--no-figures", folder=tmp_path)
    assert called.returncode == 0, called.stderr
    place = tmp_path / "results" / "comparison"
    table = pl.read_parquet(place / "overview" / "overview_methods.parquet")
    pruning = table.filter(pl.col("method") == "operation-pruning")
    assert pruning["benchmark"].to_list() == ["nas-bench-graph-proteins", "digits-cells"]
    assert (pruning["evaluations"] <= 200).all()
    assert (pruning["size"] <= pl.Series([round(0.03 * 2021), round(0.03 * 15625)])).all()
    assert " keeps the largest share of the top 1 %" in called.stdout
    assert (place / "overview" / "overview.png").exists()
    assert not list((place / "digits-cells").glob("*.png"))


@pytest.mark.slow
def test_all_benchmarks_are_compared_and_a_sample_of_a_space_is_left_out_with_its_reason(
    in_process: Command, session_cache: Path, shared_data: Path, tmp_path: Path
) -> None:
    cache = shutil.copytree(session_cache, tmp_path / "cache")
    sample = shared_data / "accel_nasbench_imagenet.parquet"
    in_process("data", "import", "--as", "accel-nasbench", str(sample), folder=tmp_path, LISSNAS_CACHE=str(cache))
    (cache / "tables" / "nas-bench-macro.parquet").write_bytes(b"PAR1")
    words = "compare --all --methods operation-pruning random-subset --evaluations 60 --size 2% --runs 1 --workers 1"
    called = in_process(*words.split(), "--no-figures", folder=tmp_path, LISSNAS_CACHE=str(cache))
    assert called.returncode == 0, called.stderr
    assert "\naccel-nasbench was left out: it lists only a sample of its space" in called.stdout
    assert "\nnas-bench-macro was left out: " in called.stdout
    assert "\n  tables and manifest: results/comparison/nas-bench-graph/\n" in called.stdout
    assert re.search(r"mean rank by recall over \d+ benchmarks \(1 is the best\): operation-pruning", called.stdout)
    assert called.stdout.count("95 % interval of the mean") == 1, "what holds for all benchmarks is said once"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no benchmark to compare on"),
        (("digits-cells", "fashion-cells", "--metric", "accuracy"), "--metric needs a single benchmark, not 2"),
        (("digits-cells", "--size", "all"), "--size all is neither a number of networks"),
        (("digits-cells", "--size", "0"), "--size 0 is neither"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    in_process: Command, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    called = in_process("compare", *words, folder=tmp_path)
    assert called.returncode == 2
    assert said in called.stderr
