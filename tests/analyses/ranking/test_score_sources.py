"""Scores of files and of other benchmarks, as `--cheap`, `--predictor` and `--evaluator` name them."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command import Command
from lissnas.errors import SettingError
from lissnas.shrinkers.kernel_shrinkage import KernelShrinkage
from lissnas.shrinkers.shrink import shrink
from lissnas.shrinkers.two_fidelity_shrinkage import TwoFidelityShrinkage
from lissnas.subspaces import subspace_file
from lissnas_analyses.grid.benchmark_key import BenchmarkKey
from lissnas_analyses.ranking.score_sources import read_cheap_scores, read_one_score, read_scores
from lissnas_benchmarks.benchmark import Benchmark, open_benchmark
from lissnas_benchmarks.errors import MissingFileError

PROTEINS = "nas-bench-graph-proteins"


def write(path: Path, benchmark: Benchmark, **scores: object) -> str:
    strings = benchmark.space.write(benchmark.space.all_rows())
    pl.DataFrame({"architecture": strings, **scores}).write_parquet(path)
    return str(path)


def test_scores_of_another_data_set_are_matched_by_official_strings(proteins: Benchmark) -> None:
    other = open_benchmark("nas-bench-graph", "pubmed")
    [found] = read_scores("nas-bench-graph-pubmed", proteins)
    rows = proteins.space.all_rows()
    there = other.space.index(other.space.read(proteins.space.write(rows)))
    np.testing.assert_array_equal(found.scores, other.selection[there])
    loss = read_one_score("nas-bench-graph:-latency", proteins)
    assert loss.name == "-latency"
    assert (loss.scores < 0).all()


def test_a_file_has_precedence_over_a_benchmark_of_its_name(
    proteins: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "s.parquet", proteins, score=-proteins.selection)
    (tmp_path / "s.parquet").rename("nas-bench-graph")
    assert read_one_score("nas-bench-graph", proteins).name == "score"


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("nas-bench-grap", MissingFileError, "neither a file of scores nor a benchmark"),
        ("digits-cells", SettingError, "has the architectures of cell201, not those of nas-bench-graph-proteins"),
        (PROTEINS, SettingError, "are the scores that select here"),
        ("cheap.parquet:same", SettingError, "same of cheap.parquet is 1 for every architecture"),
        ("cheap.parquet:few", SettingError, "is missing for 2,011 of the 2,021 architectures"),
        ("cheap.parquet:loss", SettingError, "are the scores that report here"),
    ],
)
def test_scores_that_are_not_cheap_scores_of_the_space_are_refused(
    source: str,
    error: type[Exception],
    message: str,
    proteins: Benchmark,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    few = np.where(np.arange(proteins.space.size) < 10, proteins.selection, np.nan)
    write(tmp_path / "cheap.parquet", proteins, same=np.ones(len(few)), few=few, loss=-proteins.report)
    with pytest.raises(error, match=message):
        read_cheap_scores([source], proteins)


def test_shrink_with_cheap_scores_is_kernel_shrinkage_with_them(
    in_process: Command, tmp_path: Path, proteins: Benchmark
) -> None:
    words = ("shrink", PROTEINS, "--method", "kernel", "--evaluations", "50", "--size", "100")
    noise = np.random.default_rng(0).normal(0, proteins.selection.std() / 5, proteins.space.size)
    source = write(tmp_path / "cheap.parquet", proteins, near=proteins.selection + noise)
    shrunk = in_process(*words, "--cheap", "cheap.parquet:near", "--out", "here", folder=tmp_path)
    assert "kernel also sees the cheap scores near of cheap.parquet" in shrunk.stdout
    saved, _ = subspace_file.load(tmp_path / "here/shrunk-kernel.parquet", proteins.space)
    cheap = proteins.with_cheap_scores(read_cheap_scores([source], proteins)).cheap_evaluators
    shrinker = TwoFidelityShrinkage(evaluations=50, size=100, cheap=cheap)
    trace = shrink(proteins.space, proteins.evaluator, shrinker, np.random.default_rng(0))
    np.testing.assert_array_equal(saved.index, trace.subspace.index)
    plain = shrink(
        proteins.space, proteins.evaluator, KernelShrinkage(evaluations=50, size=100), np.random.default_rng(0)
    )
    assert not np.array_equal(saved.index, plain.subspace.index)


def test_workers_get_the_cheap_scores(proteins: Benchmark) -> None:
    key = BenchmarkKey.of(proteins.with_cheap_scores(read_cheap_scores(["nas-bench-graph-pubmed"], proteins)))
    assert key != BenchmarkKey.of(proteins)
    [cheap] = key.open().cheap  # opened again, because the last call opened another
    assert cheap.origin == "nas-bench-graph, pubmed"
    assert "cheap_scores" in key.identity().data


@pytest.mark.parametrize(
    "words",
    ["shrink {} --cheap x.csv", "compare {} --cheap x.csv --methods lissnas", "ablate {} --cheap x.csv"],
)
def test_cheap_scores_need_a_method_that_uses_them(words: str, in_process: Command, tmp_path: Path) -> None:
    called = in_process(*words.format(PROTEINS).split(), folder=tmp_path)
    assert called.returncode == 2, called.stdout
    assert "--cheap is for the method 'kernel'; lissnas would ignore cheap scores" in called.stderr


@pytest.mark.slow
def test_ablate_uses_cheap_scores(in_process: Command, tmp_path: Path) -> None:
    cheap = ("--cheap", "nas-bench-graph-pubmed", "nas-bench-graph-cora", "--workers", "1", "--runs", "1")
    settings = ("--evaluations", "30", "--size", "50")
    ablated = in_process("ablate", PROTEINS, *cheap, "--method", "kernel", *settings, folder=tmp_path)
    assert ablated.returncode == 0, ablated.stderr
    manifest = json.loads((tmp_path / "results" / PROTEINS / "ablation/manifest.json").read_text())
    assert len(manifest["settings"]["cheap"]) == 2
