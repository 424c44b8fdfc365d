"""A table file in place of a benchmark, described on the command line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command import Command
from lissnas_analyses.cli.shared.own_file import declare_own_file
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.columns import Measure
from lissnas_benchmarks.declared import read_declaration
from lissnas_benchmarks.errors import BenchmarkFileError

TOML = f"""
name = "widths"
[[genes]]
name = "first"
choices = [8, 16, 32]
ordinal = true
[[genes]]
name = "second"
choices = {list(range(1, 41))}
"""

Run = Callable[..., str]


@pytest.fixture
def run(lissnas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder with a cache of its own; return what it printed.

    It is a process of its own, because a process knows the benchmarks that there were when it started.
    """
    cache = str(tmp_path / "cache")
    monkeypatch.setenv("LISSNAS_CACHE", cache)

    def command(words: str) -> str:
        called = lissnas(*words.split(), folder=tmp_path, LISSNAS_CACHE=cache)
        assert called.returncode == 0, called.stderr
        return called.stdout + called.stderr

    return command


def _table(folder: Path, name: str = "mine.csv") -> pl.DataFrame:
    """Write a table of 120 networks in no particular order; lower is better in `err`, and one line is a copy."""
    frame = pl.DataFrame(
        {
            "first": np.repeat([8, 16, 32], 40),
            "second": np.tile(np.arange(1, 41), 3),
            "err": 50 - np.arange(120) / 4,
            "test": 40 + np.arange(120) / 4,
            "macs": np.arange(120),
        }
    ).sample(fraction=1, shuffle=True, seed=0)
    pl.concat([frame, frame[:1]]).write_csv(folder / name, separator=";")
    return frame


@pytest.mark.slow
def test_a_file_with_names_of_choices_is_a_benchmark(run: Run, tmp_path: Path) -> None:
    frame = _table(tmp_path).sort("first", "second")
    (tmp_path / "widths.toml").write_text(TOML)
    described = "--space widths.toml --select err --lower-is-better err --report test --cost macs"
    printed = run(f"locality mine.csv {described}")
    assert "mine: 120 networks; selected by negative-err, reported by test" in printed
    assert "note: mine.csv: dropped 1 copy of a row" in printed
    opened = open_benchmark("mine")
    assert opened.space.write(opened.space.all_rows()[:2]) == ["8,1", "8,2"]
    assert opened.space.ordinal == (True, False)
    np.testing.assert_array_equal(opened.selection, -frame["err"].to_numpy())
    np.testing.assert_array_equal(opened.report, frame["test"].to_numpy())
    np.testing.assert_array_equal(opened.table.values(Measure("macs", ""), "mine"), np.arange(120))


@pytest.mark.slow
def test_a_file_is_kept_under_a_name_and_read_again_after_a_change(run: Run, tmp_path: Path) -> None:
    rows = np.indices((3, 40)).reshape(2, -1)
    scores = pl.DataFrame({"net": [f"{a},{b}" for a, b in rows.T], "acc": np.arange(120) / 2})
    scores.write_csv(tmp_path / "scores.csv")
    described = "--space 3x40 --arch net --select acc --unit %"
    assert "kept: imported to" in run(f"data import scores.csv {described} --name kept")
    assert "kept" in run("data list")
    np.testing.assert_array_equal(open_benchmark("kept").report, np.arange(120) / 2)
    scores.with_columns(pl.col("acc") + 1).write_csv(tmp_path / "scores.csv")
    run(f"locality scores.csv {described} --name kept")
    np.testing.assert_array_equal(open_benchmark("kept").report, np.arange(120) / 2 + 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("locality mine.csv --space 3x4 --select err", "none of the columns of genes (gene0, gene1), but first"),
        ("locality mine.csv --space widths.toml --select error", "unknown column of mine.csv 'error'"),
        ("locality mine.csv --space widths.toml", "mine.csv: give --select, the column that methods see"),
        ("locality mine.csv --select err --space", "--space needs a value: the search space"),
        ("locality other.csv --space 3x4 --select err", "no word of the command is one: name the file first"),
        ("locality mine.csv --space nowhere.toml --select err", "--space nowhere.toml: cannot be read"),
        ("locality mine.csv --space cell202 --select err", "did you mean 'cell201'"),
        ("locality mine.csv --space 3x4 --select err --name digits-cells", "choose another with --name"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    in_process: Command, tmp_path: Path, words: str, message: str
) -> None:
    _table(tmp_path)
    (tmp_path / "widths.toml").write_text(TOML)
    called = in_process(*words.split(), folder=tmp_path, LISSNAS_CACHE=str(tmp_path / "cache"))
    assert called.returncode == 2
    assert message in called.stderr
    assert not (tmp_path / "cache" / "declared").exists()


@pytest.mark.slow
def test_tau_on_a_space_that_is_too_small_to_shrink_says_what_it_left_out(run: Run, tmp_path: Path) -> None:
    rows = [f"{a},{b},{a * 8 + b}" for a in range(8) for b in range(8)]
    (tmp_path / "t.csv").write_text("\n".join(["gene0,gene1,val", *rows, ""]))
    assert "64 networks" in run("locality t.csv --space 8x8 --select val --out here")
    printed = run("tau t --predictor t.csv:val --draws 20 --out tau")
    assert "tau 1.000" in printed
    assert "only 64 networks have all scores: a sample of 500, the true top 20%, the space shrunk by lissnas" in printed


def test_what_a_file_lacks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "mine.csv"
    path.write_text('arch,val\n"0,1",1\n"1,1",2\n')
    words = ("locality", str(path), "--space", "2x2", "--select", "val")
    with pytest.raises(BenchmarkFileError, match=r"of genes \(gene0, gene1\), but arch, val: .* name it with --arch"):
        declare_own_file(words)
    declare_own_file((*words, "--arch", "arch"))
    assert "note: mine.csv: has 2 of the 4 architectures of 2x2" in capsys.readouterr().err
    assert str(open_benchmark("mine")).startswith("mine: 4 networks, 2 of them with both scores; selected and")


def test_a_damaged_declaration_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine.csv").write_text("gene0,gene1,val\n0,0,1\n0,1,2\n")
    words = ("locality", str(tmp_path / "mine.csv"), "--space", "2x2", "--select", "val")
    assert declare_own_file(words) == ["locality", "mine"]
    declared = read_declaration("mine")
    (tmp_path / "cache" / "declared" / "mine.json").write_text("{")
    with pytest.raises(BenchmarkFileError, match="declare 'mine' again, with its file and --space"):
        read_declaration("mine")
    declare_own_file(words)
    assert read_declaration("mine") == declared
