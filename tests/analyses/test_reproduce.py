"""The main job: its files are complete, agree with each other, and are the same from the same seed."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.statistics.quality import quality
from lissnas.storage.random_streams import named_generator
from lissnas.subspaces.subspace import FullSpace
from lissnas_analyses import style
from lissnas_analyses.comparison import measure, pocket_map
from lissnas_analyses.comparison.describe import ROWS
from lissnas_benchmarks.benchmark import Benchmark

RUNS = 2


@pytest.fixture(scope="module")
def folder(reproduced: Path) -> Path:
    return reproduced


def test_the_manifest_names_data_settings_versions_and_every_file(folder: Path, proteins: Benchmark) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["files"] == {file.name: file.sha256 for file in proteins.adapter.files}
    settings = manifest["settings"]
    assert settings == {"runs": RUNS, "seed": 7, "methods": settings["methods"]}
    assert list(settings["methods"]) == manifest["methods"] == list(measure.METHODS)
    assert settings["methods"]["lissnas"] == {**asdict(Lissnas()), "by_run": {}}
    assert manifest["versions"]["numpy"] == np.__version__
    assert manifest["wall_seconds"] > 0
    written = {path.name for path in folder.iterdir()}
    assert written == {*manifest["files"], "manifest.json"}


def test_every_figure_is_written_as_png_and_svg(folder: Path) -> None:
    for name in ("locality", "optima", "shrinking", "distributions", "paired", "kept_space", "map"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (folder / f"{name}.svg").read_text()


def test_every_table_is_written_as_parquet_and_csv(folder: Path) -> None:
    tables = sorted(set(folder.glob("*.parquet")) - {folder / ROWS})
    assert len(tables) == 17
    for path in tables:
        frame, text = pl.read_parquet(path), pl.read_csv(path.with_suffix(".csv"), infer_schema_length=None)
        assert frame.columns == text.columns
        assert frame.height == text.height > 0


def test_the_same_seed_gives_the_same_bytes_in_a_process_without_torch(folder: Path, tmp_path: Path) -> None:
    """On one benchmark; `tests/installation/wheel.py` runs it on all of them, without torch."""
    program = (
        "import sys; from lissnas_analyses import reproduce, style;"
        "from lissnas_analyses.comparison import pocket_map;"
        f"style._STYLE['savefig.dpi'] = {style._STYLE['savefig.dpi']};"
        f"reproduce.BENCHMARKS = ('nas-bench-graph-proteins',); pocket_map.BACKGROUND = {pocket_map.BACKGROUND};"
        "from lissnas_analyses.cli.app import app;"
        f"app(['reproduce', '--runs', '{RUNS}', '--seed', '7', '--out', {str(tmp_path)!r}]);"
        "assert 'torch' not in sys.modules"
    )
    called = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert called.returncode == 0, called.stderr
    assert "nas-bench-graph-proteins, " in called.stdout
    for path in folder.iterdir():
        if path.name != "manifest.json":
            assert path.read_bytes() == (tmp_path / "nas-bench-graph-proteins" / path.name).read_bytes(), path.name
    assert (tmp_path / "nas-bench-graph-proteins" / "manifest.json").exists()


def test_another_seed_gives_other_runs(folder: Path, proteins: Benchmark) -> None:
    other = measure.compare(proteins, ["lissnas"], runs=RUNS, seed=8)
    stored = pl.read_parquet(folder / "shrinking_runs.parquet").filter(pl.col("method") == "lissnas")
    assert not other.runs.equals(stored)


def test_a_run_does_not_depend_on_the_number_of_runs(folder: Path, proteins: Benchmark) -> None:
    rng = named_generator("lissnas", 7, RUNS - 1)
    trace = shrink(proteins.space, proteins.evaluator, Lissnas(), rng)
    runs = pl.read_parquet(folder / "shrinking_runs.parquet")
    last = runs.filter((pl.col("method") == "lissnas") & (pl.col("run") == RUNS - 1)).sort("round").row(-1, named=True)
    assert (last["size"], last["evaluations"]) == (trace.subspace.size, trace.evaluations.count)


def test_round_0_is_the_full_space_and_spends_nothing(folder: Path, proteins: Benchmark) -> None:
    first = pl.read_parquet(folder / "shrinking_runs.parquet").filter(pl.col("round") == 0)
    full_space = quality(FullSpace(proteins.space), proteins.report)
    assert first["evaluations"].unique().to_list() == [0]
    assert first["mean"].unique().to_list() == [full_space.mean]
    assert first["recall_1"].unique().to_list() == [1.0]


def test_methods_get_the_evaluations_and_the_size_of_lissnas(folder: Path) -> None:
    runs = pl.read_parquet(folder / "shrinking_runs.parquet")
    last = runs.sort("round").group_by("method", "run", maintain_order=True).last()
    final = {method: rows.sort("run") for (method,), rows in last.group_by("method")}
    assert final["operation-pruning"]["evaluations"].to_list() == final["lissnas"]["evaluations"].to_list()
    assert final["random-subset"]["size"].to_list() == final["lissnas"]["size"].to_list()


def test_averages_are_the_means_of_the_runs(folder: Path) -> None:
    runs, rounds = (pl.read_parquet(folder / f"{name}.parquet") for name in ("shrinking_runs", "shrinking"))
    for row in rounds.filter(pl.col("statistic") == "recall_5").iter_rows(named=True):
        same = runs.filter((pl.col("method") == row["method"]) & (pl.col("round") == row["round"]))["recall_5"]
        assert row["mean"] == pytest.approx(same.mean())
        assert row["low"] <= row["mean"] <= row["high"]


def test_the_map_has_all_kept_architectures_and_the_best_one(folder: Path, proteins: Benchmark) -> None:
    architectures = pl.read_parquet(folder / "map.parquet")
    rounds = pl.read_parquet(folder / "rounds.parquet")
    for method in ("lissnas", "operation-pruning"):
        of_method = rounds.filter(pl.col("method") == method)
        last = of_method.filter(pl.col("round") == of_method["round"].max())
        kept = architectures.filter(pl.col(f"pocket of {method}").is_not_null())["lissnas-index"]
        assert kept.to_list() == last["lissnas-index"].to_list()
    assert int(np.argmax(proteins.report)) in architectures["lissnas-index"]


def test_the_share_of_architectures_below_a_score_rises_to_one(folder: Path) -> None:
    for _, rows in pl.read_parquet(folder / "distributions.parquet").group_by("method", "round"):
        below = rows.sort("score")["share_below"].to_numpy()
        assert (np.diff(below) >= 0).all()
        assert below[-1] == pytest.approx(1)


def test_a_method_never_sees_the_reporting_scores(proteins: Benchmark) -> None:
    rows = proteins.space.all_rows()
    assert (proteins.evaluator(rows) == proteins.selection).all()
    assert not (proteins.selection == proteins.report).all()
