"""`lissnas tau`, and shrinking with a user's scores, as a user calls them."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command import Command
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.subspaces import subspace_file
from lissnas_benchmarks.benchmark import Benchmark

PROTEINS = "nas-bench-graph-proteins"


@pytest.fixture
def scores(proteins: Benchmark, tmp_path: Path) -> Path:
    """The validation accuracies of the real networks and their negatives, in a CSV file of a user."""
    frame = pl.DataFrame(
        {
            "architecture": proteins.space.write(proteins.space.all_rows()),
            "accuracy": proteins.selection,
            "loss": -proteins.selection,
        }
    )
    path = tmp_path / "scores.csv"
    frame.write_csv(path)
    return path


def test_tau_writes_figures_tables_and_a_manifest(in_process: Command, tmp_path: Path, scores: Path) -> None:
    saved = in_process("shrink", PROTEINS, "--seeds", "5", "--out", "shrunk", folder=tmp_path)
    assert saved.returncode == 0, saved.stderr
    words = ("tau", PROTEINS, "--cheap", "scores.csv:accuracy", "scores.csv:-loss", "--top", "0.3", "0.1")
    sets = ("--subspace", "shrunk/shrunk-lissnas.parquet", "--sample", "300", "--draws", "30")
    called = in_process(*words, *sets, "--column", "accuracy/validation", "--out", "here", folder=tmp_path)
    assert called.returncode == 0, called.stderr
    folder = tmp_path / "here"
    written = {path.name for path in folder.iterdir()}
    assert {"tau.png", "tau.svg", "tau_narrowing.png", "tau_narrowing.svg", "tau.csv", "manifest.json"} <= written
    means = pl.read_parquet(folder / "tau.parquet")
    assert means["set"].unique(maintain_order=True).to_list() == [
        "full space",
        "sample of 300",
        "true top 30 %",
        "true top 10 %",
        "shrunk to shrunk/shrunk-lissnas.parquet",
    ]
    taus = means.filter((pl.col("measure") == "tau") & (pl.col("set") == "full space"))["value"].to_numpy()
    np.testing.assert_allclose(taus, taus[0])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["settings"]["predictors"] == ["scores.csv:accuracy", "scores.csv:-loss"]
    assert f"tau {taus[0]:.3f}" in called.stdout


def test_few_scores_are_measured_in_the_full_space_alone(in_process: Command, tmp_path: Path, scores: Path) -> None:
    frame = pl.read_csv(scores)
    frame.sample(60, seed=0).write_csv(scores)
    words = ("tau", PROTEINS, "--predictor", "scores.csv:accuracy", "--draws", "30", "--runs", "1", "--out", "here")
    called = in_process(*words, folder=tmp_path)
    assert called.returncode == 0, called.stderr
    left_out = "left out, because only 60 networks have all scores: a sample of 500, the true top 20%, the space shrunk"
    assert left_out in called.stdout
    assert pl.read_parquet(tmp_path / "here" / "tau.parquet")["set"].unique().to_list() == ["full space"]
    refused = in_process(*words, "--sample", "61", folder=tmp_path)
    assert "a sample of 61 of 60 networks cannot be drawn" in refused.stderr


def test_shrink_and_compare_accept_a_users_scores(
    in_process: Command, tmp_path: Path, scores: Path, proteins: Benchmark
) -> None:
    by_scores = ("--evaluator", "scores.csv:-loss")
    shrunk = in_process("shrink", PROTEINS, *by_scores, "--out", "scored", folder=tmp_path)
    assert "selected by the scores loss of scores.csv" in shrunk.stdout, shrunk.stderr
    saved, _ = subspace_file.load(tmp_path / "scored/shrunk-lissnas.parquet", proteins.space)
    trace = shrink(proteins.space, proteins.evaluator, Lissnas(), np.random.default_rng(0))
    np.testing.assert_array_equal(saved.index, trace.subspace.index)  # the scores rank as the benchmark does
    words = ("compare", PROTEINS, *by_scores, "--methods", "lissnas", "random-subset", "--runs", "2", "--out", "c")
    compared = in_process(*words, folder=tmp_path)
    assert "lissnas: the predictor's selection keeps" in compared.stdout, compared.stderr
    means = pl.read_parquet(tmp_path / "c/selected_by.parquet").filter(pl.col("method") == "lissnas")
    by_predictor, by_benchmark = (
        means.filter(pl.col("selected_by") == who).drop("selected_by") for who in ("predictor", "benchmark")
    )
    assert by_predictor.equals(by_benchmark)
    assert (tmp_path / "c/selected_by.svg").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (f"tau {PROTEINS} --predictor scores.csv:acuracy", "did you mean 'accuracy'"),
        (f"tau {PROTEINS} --column acuracy/test", "did you mean 'accuracy'"),
        (f"tau {PROTEINS} --top 1.5", "a share between 0 and 1, not 1.5"),
        (f"tau {PROTEINS} --runs 0", "--runs must be at least 1"),
        (f"tau {PROTEINS} --workers 2", "name a --model, or leave them out"),
        (f"tau {PROTEINS} --model gp --runs 0", "at least one predictor, training size and run is needed"),
        (f"tau {PROTEINS} --model gp --train 3000", "cannot train on 3,000 of the 2,021 networks"),
        (f"tau {PROTEINS} --model gp --column accuracy/test", "leave out --column, or --model"),
        (f"tau {PROTEINS} --model gp --top 0.1", "leave out --top, or --model"),
        (f"tau {PROTEINS} --model gp --sample 500", "leave out --sample, or --model"),
        (f"tau {PROTEINS} --model gp --draws 0", "leave out --draws, or --model"),
        (f"tau {PROTEINS} --train 78", "name a --model, or leave it out"),
        (f"compare {PROTEINS} --evaluator scores.csv", "choose one with scores.csv:COLUMN"),
    ],
)
def test_a_mistake_is_a_one_line_error_with_a_remedy(
    words: str, message: str, in_process: Command, tmp_path: Path, scores: Path
) -> None:
    called = in_process(*words.split(), folder=tmp_path)
    assert called.returncode == 2, called.stdout
    assert message in called.stderr
    assert called.stderr.count("\n") == 1


def test_models_that_learn_are_measured_and_the_same_command_continues(in_process: Command, tmp_path: Path) -> None:
    words = ("tau", PROTEINS, "--model", "extra-trees", "boosted-trees", "--train", "30", "60", "--workers", "1")
    first = in_process(*words, "--runs", "1", folder=tmp_path)
    assert "60 networks, boosted-trees: tau" in first.stdout, first.stderr
    second = in_process(*words, "--runs", "2", folder=tmp_path)
    assert "tau minus that of extra-trees" in second.stdout, second.stderr
    folder = tmp_path / "results" / PROTEINS / "predictors"
    runs = pl.read_parquet(folder / "predictors_runs.parquet")
    assert runs.group_by("predictor", "train").len()["len"].to_list() == [2, 2, 2, 2]
    assert {"predictors.png", "predictors.csv", "predictors_left_out.csv"} <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "manifest.json").read_text())["methods"] == ["extra-trees", "boosted-trees"]
