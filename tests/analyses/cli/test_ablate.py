"""`lissnas ablate`: its options, its files, its figures, and low fidelity on a real table."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from command import Command
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrinker_names
from lissnas.spaces.published.cell201 import cell201
from lissnas_analyses.ablation.grid_points import AblationPoint
from lissnas_analyses.ablation.measure import ablate
from lissnas_analyses.cli.shared.method_options import setting_values
from lissnas_benchmarks.benchmark import benchmark_of
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.table import Table


def test_a_grid_writes_rows_figures_tables_and_a_manifest(in_process: Command, tmp_path: Path) -> None:
    words = "ablate nas-bench-graph-proteins --method lissnas kernel --seeds 5 20 --radius 1 2 --evaluations 30"
    called = in_process(*words.split(), "--noise-tau", "1", "0.5", "--runs", "2", "--workers", "1", folder=tmp_path)
    assert called.returncode == 0, called.stderr
    assert "20 rows computed" in called.stdout
    folder = tmp_path / "results/nas-bench-graph-proteins/ablation"
    rows = pl.read_parquet(folder / "ablation.parquet")
    assert rows.height == (2 * 2 + 1) * 2 * 2
    assert set(rows["settings.seeds"].drop_nulls()) == {5, 20}
    for name in ("ablation_recall", "ablation_sensitivity", "ablation_ranks"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (folder / f"{name}.svg").read_text()
    again = in_process(*words.split(), "--noise-tau", "1", "0.5", "--runs", "2", "--workers", "1", folder=tmp_path)
    assert "\n  0 rows computed" in again.stdout


def test_one_combination_needs_no_heat_map_and_no_ranking(in_process: Command, tmp_path: Path) -> None:
    called = in_process("ablate", "nas-bench-graph-proteins", "--runs", "1", "--workers", "1", folder=tmp_path)
    assert called.returncode == 0, called.stderr
    names = {path.name for path in tmp_path.rglob("*.png")}
    assert names == {"ablation_recall.png"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--sedes 3", "Did you mean --seeds?"),
        ("--seeds three", "three"),
        ("--seeds 300", "300 seeds cannot be taken from a sample of 299"),
        ("--noise-tau 1.5", "tau must be between 0 and 1"),
        ("--epochs 12", "unknown epochs '12'"),
        ("--runs 0", "the number of runs must be at least 1"),
        ("--workers 0", "the number of workers must be at least 1"),
        ("--cluster local:two", "write local:2"),
        ("--method lisnas", 'Did you mean "lissnas"?'),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    words: str, message: str, in_process: Command, tmp_path: Path
) -> None:
    called = in_process("ablate", "nas-bench-graph-proteins", *words.split(), folder=tmp_path)
    assert (called.returncode, called.stderr.count("\n")) == (2, 1)
    assert message in called.stderr


def test_settings_take_several_values_of_their_own_types() -> None:
    words = "--seeds 10 30 --radius 1 measured --quantile .01 --target-size 100"
    assert setting_values("ablate", ("lissnas",), words.split()) == {
        "seeds": (10, 30),
        "radius": (1, "measured"),
        "quantile": (0.01,),
        "target_size": (100,),
    }


@pytest.mark.parametrize("method", shrinker_names())
def test_every_setting_of_every_method_is_an_option(method: str) -> None:
    assert setting_values("ablate", (method,), ()) == {}


def test_low_fidelity_selects_by_fewer_epochs(shared_data: Path, tmp_path: Path) -> None:
    measured = {
        f"c10_{split}{epochs}": Column("accuracy", "cifar10", name, "%", epochs=epochs)
        for split, name, epochs in (("val", "validation", 12), ("val", "validation", 200), ("test", "test", 200))
    }
    benchmark = own_table(
        "low-fidelity",
        cell201,
        "nasbench201.parquet",
        string_column="arch",
        columns=measured,
        selects=Measure("accuracy", "validation", epochs=200),
        reports=Measure("accuracy", "test", epochs=200),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(tmp_path))
        table = Table(import_files(benchmark, (shared_data / "nasbench201.parquet",)), cell201)
        opened = benchmark_of(benchmark, table)
        recalls = []
        for epochs in (None, 200, 12):
            point = AblationPoint("lissnas", Lissnas(), 1.0, epochs)
            recalls.append(ablate(opened, [point], 5, 0).rows["recall_1"].mean())
    assert recalls[0] == recalls[1]
    assert recalls[2] < recalls[1]


def test_an_interrupt_keeps_the_finished_runs_and_leaves_no_process(session_cache: Path, tmp_path: Path) -> None:
    lissnas = str(Path(sys.executable).parent / "lissnas")
    words = ("ablate", "nas-bench-graph-proteins", "--runs", "5000", "--workers", "2", "--out", str(tmp_path))
    running = subprocess.Popen(
        [lissnas, *words],
        env=os.environ | {"LISSNAS_CACHE": str(session_cache)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(tmp_path.glob("ablation.parts/*.parquet")):
        assert running.poll() is None
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to every process
    _, printed = running.communicate(timeout=60)
    assert (running.returncode, printed.count("\n")) == (130, 1)
    assert 0 < pl.read_parquet(tmp_path / "ablation.parquet").height < 5000
    deadline = time.monotonic() + 20
    while _has_processes(running.pid) and time.monotonic() < deadline:
        time.sleep(0.1)  # the resource tracker of the interpreter ends a moment later
    assert not _has_processes(running.pid)


def _has_processes(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
