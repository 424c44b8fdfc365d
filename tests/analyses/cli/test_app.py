"""The command line: its commands, the files that they write, and one-line errors that a user can fix."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command import Command
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.subspaces import subspace_file
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.catalog import benchmark_names
from lissnas_benchmarks.columns import Measure


def test_help_names_every_command(lissnas: Command, tmp_path: Path) -> None:
    shown = lissnas("--help", folder=tmp_path).stdout
    for word in ("benchmarks", "compare", "data", "locality", "reproduce", "shrink", "--install-completion"):
        assert word in shown


def test_help_of_shrink_names_the_settings_of_every_method(lissnas: Command, tmp_path: Path) -> None:
    shown = " ".join(lissnas("shrink", "--help", folder=tmp_path).stdout.replace("│", " ").split())
    assert "lissnas: --confidence 0.95, --quantile 0.01, --seeds 30, --radius 1, --max-rounds 10, --spread" in shown
    assert "operation-pruning: --evaluations 1200, --size 500, --max-rounds 4." in shown


def test_help_imports_no_numpy() -> None:
    program = "import sys; sys.modules['numpy'] = None; from lissnas_analyses.cli.app import app; app(['--help'])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_the_list_of_benchmarks_fits_a_screen(in_process: Command, tmp_path: Path, bundled_cache: Path) -> None:
    shown = in_process("benchmarks", folder=tmp_path, LISSNAS_CACHE=str(bundled_cache), COLUMNS="80").stdout
    assert all(name in shown for name in benchmark_names())
    assert len(shown.splitlines()) < 24
    assert max(map(len, shown.splitlines()[:-1])) <= 80


def test_a_named_benchmark_is_described_with_license_and_remedy(
    in_process: Command, tmp_path: Path, bundled_cache: Path
) -> None:
    words = ("benchmarks", "nas-bench-macro", "analog-nasbench")
    shown = in_process(*words, folder=tmp_path, LISSNAS_CACHE=str(bundled_cache)).stdout
    assert "none stated" in shown
    assert "lissnas data import nas-bench-macro" in shown
    assert "nas-bench-201" not in shown
    misspelled = in_process("benchmarks", "nas-bench-macros", folder=tmp_path)
    assert misspelled.returncode == 2
    assert "nas-bench-macro" in misspelled.stderr


def test_shrink_saves_the_subspace_that_the_library_returns(
    in_process: Command, tmp_path: Path, proteins: Benchmark
) -> None:
    words = ("shrink", "nas-bench-graph-proteins", "--seeds", "5", "--seed", "3", "--out", "here")
    assert in_process(*words, folder=tmp_path).returncode == 0
    saved, provenance = subspace_file.load(tmp_path / "here/shrunk-lissnas.parquet", proteins.space)
    evaluator = TableEvaluator(proteins.space, proteins.selection)
    trace = shrink(proteins.space, evaluator, Lissnas(seeds=5), np.random.default_rng(3))
    np.testing.assert_array_equal(saved.index, trace.subspace.index)
    assert provenance["settings"]["seeds"] == 5
    assert provenance["evaluations"] == trace.evaluations.count


def test_a_subspace_within_a_limit_has_no_network_above_it(
    in_process: Command, tmp_path: Path, proteins: Benchmark
) -> None:
    words = ("shrink", "nas-bench-graph-proteins", "--limit", "latency<=300", "--stop", "rounds", "--out", "here")
    printed = in_process(*words, folder=tmp_path).stdout
    saved, provenance = subspace_file.load(tmp_path / "here/shrunk-lissnas.parquet", proteins.space)
    costs = proteins.table.values(Measure("latency", ""), proteins.dataset)
    assert 0 < saved.size < np.count_nonzero(costs <= 300) < proteins.space.size
    assert (costs[saved.index] <= 300).all()
    assert f"{np.count_nonzero(costs <= 300):,} of {proteins.space.size:,} networks meet latency<=300" in printed
    assert provenance["limits"] == ["latency<=300"]


def test_data_that_a_person_has_to_get_is_exit_status_1(in_process: Command, tmp_path: Path) -> None:
    called = in_process("data", "get", "nas-bench-201", folder=tmp_path, LISSNAS_CACHE=str(tmp_path))
    assert (called.returncode, called.stderr) == (1, "")
    assert "nas-bench-201: download" in called.stdout


def test_locality_writes_figures_tables_and_a_manifest(lissnas: Command, tmp_path: Path) -> None:
    called = lissnas("locality", "nas-bench-graph-proteins", folder=tmp_path)
    folder = tmp_path / "results/nas-bench-graph-proteins/locality"
    assert str(folder.relative_to(tmp_path)) in called.stdout
    written = {path.name for path in folder.iterdir()}
    assert {"locality.png", "locality.svg", "optima.svg", "locality.csv", "manifest.json"} <= written
    assert pl.read_csv(folder / "locality.csv").equals(pl.read_parquet(folder / "locality.parquet"))


def test_compare_takes_a_dataset_and_a_metric(in_process: Command, tmp_path: Path) -> None:
    words = ("compare", "analog-nasbench", "--dataset", "cifar10", "--metric", "noisy-accuracy")
    quickly = ("--methods", "random-subset", "--runs", "2", "--no-figures")
    printed = in_process(*words, *quickly, folder=tmp_path).stdout
    assert "selected and reported by the same test noisy-accuracy" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("locality nas-bench-grph", 'Did you mean "nas-bench-graph"?'),
        ("locality nas-bench-graph --dataset coraa", "did you mean 'cora'?"),
        ("locality nas-bench-graph --metric acuracy", "did you mean 'accuracy'?"),
        ("locality nas-bench-graph --metric latency", "choose one of accuracy"),
        ("locality nas-bench-graph --dataset proteins", "'nas-bench-graph-proteins'"),
        ("shrink analog-nasbench --method lisnas", 'Did you mean "lissnas"?'),
        ("shrink analog-nasbench --seds 3", "Did you mean --seeds?"),
        ("shrink analog-nasbench --methd kernel", "Did you mean --method?"),
        ("ablate analog-nasbench --methods lissnas", "Did you mean --method?"),
        ("search analog-nasbench --optimzer tpe", "Did you mean --optimizer?"),
        ("shrink analog-nasbench --seeds 0", "seeds must be at least 1"),
        ("shrink analog-nasbench --seeds 300", "300 seeds cannot be taken from a sample of 299"),
        ("shrink analog-nasbench --radius 7", "longer than the 6 genes"),
        ("shrink analog-nasbench --quantile 0.00001", "larger than the 15,625 networks"),
        ("shrink analog-nasbench --confidence 1", "confidence must be above 0 and below 1"),
        ("shrink analog-nasbench --method random-subset --size 20000", "cannot draw 20,000"),
        ("shrink analog-nasbench --method operation-pruning --size 20000", "cannot keep 20,000"),
        ("shrink analog-nasbench --stop never", 'Choose from: "plateau", "rounds"'),
        ("shrink analog-nasbench --target-size 20000", "is not below the 15,625 networks"),
        (
            "shrink nas-bench-graph --limit latency=5",
            "like 'latency<=5' or 'latency<5', not 'latency=5'",
        ),
        ("shrink nas-bench-graph --limit latency<=fast", "not 'latency<=fast'"),
        ("shrink nas-bench-graph --limit latncy<=5", "did you mean 'latency'?"),
        ("shrink digits-cells --limit loss<=5", "unknown resource 'loss': known: training-time"),
        ("shrink nas-bench-graph --limit latency<=0", "meets latency <= 0: the lowest is latency "),
        ("shrink analog-nasbench --seed -1", "Must be >= 0"),
        ("compare analog-nasbench --runs 0", "must be at least 1"),
        ("locality analog-nasbench --out file/below", "choose another folder with --out"),
        ("shrink analog-nasbench --out file", "choose another folder with --out"),
        ("compare analog-nasbench --out file", "choose another folder with --out"),
        ("reproduce --out file", "choose another folder with --out"),
        ("data import nas-bench-macro nowhere.json", "https://github.com/xiusu/NAS-Bench-Macro"),
        ("data import nas-bench-macro file", "not in the official layout"),
        ("data import nas-bench-macro", "nas-bench-macro_cifar10.json"),
        ("lokality analog-nasbench", 'Did you mean "locality"?'),
    ],
)
def test_a_mistake_is_a_one_line_error_with_a_remedy(
    words: str, message: str, in_process: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder, and no benchmark")
    called = in_process(*words.split(), folder=tmp_path)
    assert called.returncode == 2
    assert message in called.stderr
    assert called.stderr.startswith("lissnas: ")
    assert called.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["file"]


def test_the_error_for_a_missing_benchmark_says_how_to_get_it(in_process: Command, tmp_path: Path) -> None:
    called = in_process("locality", "nas-bench-macro", folder=tmp_path, LISSNAS_CACHE=str(tmp_path / "empty"))
    assert called.returncode == 2
    assert "lissnas data import nas-bench-macro" in called.stderr


def test_a_damaged_cache_is_a_one_line_error_with_a_remedy(in_process: Command, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/analog-nasbench.parquet").write_bytes(b"PAR1 cut short")
    called = in_process("locality", "analog-nasbench", folder=tmp_path, LISSNAS_CACHE=str(tmp_path))
    assert called.returncode == 2
    assert called.stderr.count("\n") == 1
    assert "'lissnas data get analog-nasbench' makes it again" in called.stderr
    for again in ("imported to", "is already installed"):
        assert (
            again in in_process("data", "get", "analog-nasbench", folder=tmp_path, LISSNAS_CACHE=str(tmp_path)).stdout
        )


def test_an_interrupt_leaves_complete_files_and_exit_status_130(tmp_path: Path, session_cache: Path) -> None:
    """The interrupt comes while the files of the first of two benchmarks are written."""
    folder = tmp_path / "results"
    program = (
        "from lissnas_analyses import reproduce; from lissnas_analyses.cli.app import main;"
        "reproduce.BENCHMARKS = ('nas-bench-graph-proteins', 'digits-cells'); main()"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program, "reproduce", "--runs", "2", "--out", str(folder)],
        env=os.environ | {"LISSNAS_CACHE": str(session_cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (folder / "nas-bench-graph-proteins/locality.parquet").exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, printed = running.communicate(timeout=60)
    assert running.returncode == 130
    assert printed.count("\n") == 1
    assert not list(folder.rglob("*.part"))
    for path in folder.rglob("*.parquet"):
        pl.read_parquet(path)


def test_a_closed_pipe_is_not_an_error(session_cache: Path) -> None:
    command = f"{Path(sys.executable).parent / 'lissnas'} benchmarks | head -n 1"
    environment = os.environ | {"LISSNAS_CACHE": str(session_cache)}
    called = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert called.stderr == ""


def test_data_is_listed_and_checked_after_an_import(in_process: Command, tmp_path: Path, macro_file: Path) -> None:
    cache = str(tmp_path / "cache")
    assert "nothing in" in in_process("data", "list", folder=tmp_path, LISSNAS_CACHE=cache).stdout
    assert (
        in_process(
            "data", "import", "nas-bench-macro", str(macro_file), folder=tmp_path, LISSNAS_CACHE=cache
        ).returncode
        == 0
    )
    assert "nas-bench-macro" in in_process("data", "list", folder=tmp_path, LISSNAS_CACHE=cache).stdout
    checked = in_process("data", "check", folder=tmp_path, LISSNAS_CACHE=cache)
    assert checked.stdout == "nas-bench-macro: complete, 5 columns and 0 curves\n"


def test_a_damaged_table_is_reported_in_its_row_and_the_others_too(
    in_process: Command, tmp_path: Path, bundled_cache: Path, macro_file: Path
) -> None:
    cache = str(bundled_cache)
    in_process("data", "import", "nas-bench-macro", str(macro_file), folder=tmp_path, LISSNAS_CACHE=cache)
    (tmp_path / "cache" / "tables" / "channel-bench-macro.parquet").write_bytes(b"PAR1 damaged")
    for words in (("data", "check"), ("data", "list"), ("benchmarks",)):
        called = in_process(*words, folder=tmp_path, LISSNAS_CACHE=cache)
        printed = called.stdout + called.stderr
        assert "channel-bench-macro.parquet: not a readable table" in printed
        assert "'lissnas data get channel-bench-macro' makes it again, or says how" in printed
        assert "nas-bench-macro" in called.stdout
        assert words == ("data", "check") or "channel-bench-macro " in called.stdout.split("without data")[0]
        assert called.returncode == (words[0] == "data")


def test_get_prints_how_to_get_data_without_a_download_address(in_process: Command, tmp_path: Path) -> None:
    printed = in_process("data", "get", "channel-bench-macro", folder=tmp_path, LISSNAS_CACHE=str(tmp_path)).stdout
    assert "https://github.com/xiusu/Channel-Bench-Macro" in printed
    assert "lissnas data import channel-bench-macro" in printed


def test_a_surrogate_is_read_from_one_folder(in_process: Command, tmp_path: Path) -> None:
    called = in_process("data", "import", "nas-bench-301", "a", "b", folder=tmp_path)
    assert called.returncode == 2
    assert "is read from nasbench301_models_v1.0.zip: name each once, not 2 files" in called.stderr
