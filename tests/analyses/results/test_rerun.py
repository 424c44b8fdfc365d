"""`lissnas rerun`: equal results are called equal, a change is named, and a manifest cannot run what it likes."""

import json
from pathlib import Path

import polars as pl
import pytest
from command import Command
from lissnas.errors import LissnasError
from lissnas_analyses import style
from lissnas_analyses.results.rerun import repeated_command

_BENCHMARK = "nas-bench-graph-proteins"


@pytest.mark.slow
def test_a_subspace_and_a_grid_that_grew_are_equal_to_their_repetition(in_process: Command, tmp_path: Path) -> None:
    compare = ("compare", _BENCHMARK, "--methods", "random-subset", "--no-figures", "--workers", "1", "--out", "made")
    for runs in ("3", "2"):
        assert in_process(*compare, "--runs", runs, folder=tmp_path).returncode == 0
    assert in_process("shrink", _BENCHMARK, "--seeds", "5", "--out", "made", folder=tmp_path).returncode == 0
    repeated = in_process("rerun", "made", "--json", folder=tmp_path)
    found = json.loads(repeated.stdout)["result"]["repeated"]
    assert [one["differences"] for one in found] == [[], []], found
    assert found[0]["notes"] == ["comparison_rows.parquet: 2 more rows in the folder, of earlier commands"]
    assert repeated.returncode == 0


@pytest.mark.slow
def test_each_changed_file_and_column_is_named(
    in_process: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(style._STYLE, "savefig.dpi", 200)  # as in the process that repeats the command
    assert in_process("locality", _BENCHMARK, "--out", "made", folder=tmp_path).returncode == 0
    made = tmp_path / "made"
    frame = pl.read_parquet(made / "locality.parquet")
    changed = frame.with_columns(value=pl.when(pl.int_range(pl.len()) == 2).then(0.5).otherwise("value"))
    changed.write_parquet(made / "locality.parquet")
    (made / "random_walk.csv").write_text("lag,value\n")
    (made / "locality.svg").unlink()
    manifest = json.loads((made / "manifest.json").read_text())
    manifest["findings"][0] += " and more"
    (made / "manifest.json").write_text(json.dumps(manifest))
    repeated = in_process("rerun", "made/manifest.json", folder=tmp_path)
    assert repeated.returncode == 1
    assert "made: not equal" in repeated.stdout
    for sentence in (
        "manifest: other findings",
        f"locality.parquet: column value differs in 1 of {len(frame)} rows",
        "random_walk.csv: other content",
        "locality.svg: missing in made",
    ):
        assert sentence in repeated.stdout
    assert len(repeated.stdout.splitlines()) == 6


def _manifest(folder: Path, command: str | None) -> Path:
    content = {"format": 3, "analysis": "compare", "command": command, "files": [], "versions": {"lissnas": "0.1.0"}}
    (folder / "manifest.json").write_text(json.dumps(content))
    return folder


def test_a_repetition_has_its_own_folder_and_processes(tmp_path: Path) -> None:
    command = "lissnas compare macro --out x --runs 3 --cluster=tcp://host --json --out='a b'"
    assert repeated_command(_manifest(tmp_path, command)) == ("compare", "macro", "--runs", "3")


@pytest.mark.parametrize(
    "command", ["rm -r /", "lissnas data get x", "lissnas", "lissnas comparex", "lissnas supernet train x"]
)
def test_other_commands_are_not_run(tmp_path: Path, command: str) -> None:
    with pytest.raises(LissnasError, match="cannot be repeated in another folder; these can: reproduce, locality"):
        repeated_command(_manifest(tmp_path, command))


def test_results_of_a_python_program_are_repeated_by_that_program(tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match="a Python program wrote these results; run that program again"):
        repeated_command(_manifest(tmp_path, None))


def test_a_command_that_fails_says_why(in_process: Command, tmp_path: Path) -> None:
    _manifest(tmp_path, "lissnas compare no-such-benchmark")
    failed = in_process("rerun", str(tmp_path), folder=tmp_path)
    assert failed.returncode == 2
    assert "'lissnas compare no-such-benchmark' failed: " in failed.stderr
