"""`lissnas score`, as a user calls it."""

import json
from pathlib import Path

import polars as pl
import pytest
from command import Command
from lissnas.spaces.published.cell201 import cell201
from lissnas_analyses.grid.workers import Workers
from lissnas_analyses.zero_cost.measure import measure
from lissnas_benchmarks.predictor_file import read_predictors

FEW = ("score", "cell201", "--sample", "3", "--workers", "1", "--out", "s.parquet", "--scores")


def test_a_file_gets_only_the_scores_that_it_lacks(in_process: Command, tmp_path: Path) -> None:
    first = in_process(*FEW, "nwot", "--json", folder=tmp_path)
    assert json.loads(first.stdout)["result"]["computed"] == 3, first.stderr
    before = pl.read_parquet(tmp_path / "s.parquet")
    again = json.loads(in_process(*FEW, "nwot", "flops", "--json", folder=tmp_path).stdout)["result"]
    assert (again["computed"], again["architectures"], set(again["undefined"])) == (3, 3, {"nwot", "flops"})
    assert pl.read_parquet(tmp_path / "s.parquet").select(before.columns).equals(before)
    predictors = read_predictors(str(tmp_path / "s.parquet"), cell201())
    assert [predictor.name for predictor in predictors] == ["nwot", "flops"]


def test_scores_of_a_killed_call_are_kept(tmp_path: Path) -> None:
    from lissnas.supernet.zero_cost.score_architectures import ZeroCostTask

    task, path = ZeroCostTask("cell201", "digits"), tmp_path / "s.parquet"
    complete = measure(task, ["snip"], path, sample=4)
    assert complete.computed == 4
    identity_of = pl.read_parquet_metadata(path)
    killed = tmp_path / "killed.parquet"
    (tmp_path / "killed.parts").mkdir()
    part = complete.scores.head(3)
    part.write_parquet(tmp_path / "killed.parts/00000001.parquet", metadata={"lissnas": identity_of["lissnas"]})
    continued = measure(task, ["snip"], killed, sample=4)
    assert continued.computed == 1
    assert killed.read_bytes() == path.read_bytes()
    assert not (tmp_path / "killed.parts").exists()


@pytest.mark.slow
def test_scores_are_the_same_bits_for_any_number_of_workers(tmp_path: Path, two_processes: Workers) -> None:
    from lissnas.supernet.zero_cost.score_architectures import ZeroCostTask

    task = ZeroCostTask("cell201", "digits")
    names = ("synflow", "nwot", "grasp", "trainability")
    measure(task, names, tmp_path / "one.parquet", sample=25)
    measure(task, names, tmp_path / "two.parquet", sample=25, workers=two_processes)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("score cell201 --scores synflwo", "did you mean 'synflow'"),
        ("score cell20", "did you mean 'cell201'"),
        ("score cell201 --images cifar", "unknown images 'cifar'"),
        ("score mobilenet", "choose how many to score with --sample"),
        ("score cell201 --sample 0", "--sample must be between 1 and the 15,625 of cell201"),
        ("score cell201 --out s.csv", "choose a name that ends in .parquet"),
    ],
)
def test_a_mistake_is_a_one_line_error_with_a_remedy(
    words: str, message: str, in_process: Command, tmp_path: Path
) -> None:
    called = in_process(*words.split(), "--workers", "1", folder=tmp_path)
    assert called.returncode == 2, called.stdout
    assert message in called.stderr
    assert called.stderr.count("\n") == 1


def test_a_file_of_other_scores_is_refused(in_process: Command, tmp_path: Path) -> None:
    assert in_process(*FEW, "flops", folder=tmp_path).returncode == 0
    called = in_process(*FEW, "flops", "--seed", "1", folder=tmp_path)
    assert "in which seed is 0; in this run it is 1" in called.stderr
    pl.DataFrame({"architecture": ["x"], "flops": [1.0]}).write_parquet(tmp_path / "s.parquet")
    assert "not a file of 'lissnas score'" in in_process(*FEW, "flops", folder=tmp_path).stderr
