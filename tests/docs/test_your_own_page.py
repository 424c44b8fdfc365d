"""The page about tables of one's own: its declaration has ten lines, and its code and commands do what they say."""

import os
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from forked_command import call_command
from lissnas.spaces.published.cell201 import OPERATIONS, cell201
from lissnas_benchmarks.own_space import own_space

PAGE = (Path(__file__).parents[2] / "docs" / "benchmarks" / "your-own.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def _made_up(named: bool = False) -> pl.DataFrame:
    """Numbers for every cell, to see whether they arrive: 1/256 of its place, and a half more."""
    rows = cell201().all_rows()
    choices: Any = np.array(OPERATIONS) if named else np.arange(5)
    genes = {f"edge{gene}": choices[rows[:, gene]] for gene in range(6)}
    frame = pl.DataFrame({**genes, "val": np.arange(15_625) / 256, "test": np.arange(15_625) / 256 + 0.5})
    return frame.sample(fraction=1, shuffle=True, seed=0)


def test_the_declaration_has_ten_lines() -> None:
    [declaration, *_] = _blocks("python")
    assert len(declaration.partition("ADAPTER = ")[2].strip().splitlines()) == 10


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("named", [False, True])
def test_the_code_of_the_page_opens_a_file(
    suffix: str, named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    frame = _made_up(named)
    if suffix == ".csv":
        frame.write_csv("my_cells.csv")
    else:
        frame.write_parquet("my_cells.parquet")
    names: dict[str, Any] = {}
    for block in _blocks("python"):
        exec(compile(block.replace(".parquet", suffix), "your-own.md", "exec"), names)
    found = names["table"].to_frame()
    np.testing.assert_array_equal(found["accuracy/svhn/validation"].to_numpy(), np.arange(15_625) / 256)
    np.testing.assert_array_equal(found["accuracy/svhn/test"].to_numpy(), np.arange(15_625) / 256 + 0.5)


def test_the_commands_of_the_page_run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    [declaration, _opening] = _blocks("python")
    entry, commands = _blocks("toml")[-1], _blocks("sh")[-1]
    site = tmp_path / "site"
    described = site / "my_package-1.0.dist-info"
    described.mkdir(parents=True)
    (site / "my_package.py").write_text(declaration)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    written = entry.replace('[project.entry-points."lissnas.benchmarks"]', "[lissnas.benchmarks]").replace('"', "")
    (described / "entry_points.txt").write_text(written)
    _made_up().write_parquet(tmp_path / "my_cells.parquet")
    environment = os.environ | {"PYTHONPATH": str(site), "LISSNAS_CACHE": str(tmp_path / "cache")}
    for command in commands.splitlines():
        program, *words = shlex.split(command)
        assert program == "lissnas"
        ran = call_command(tmp_path, tmp_path_factory.mktemp("output"), environment, *words)
        assert ran.returncode == 0, ran.stderr
        assert "my-cells" in ran.stdout


@pytest.mark.slow
def test_the_commands_from_a_csv_file_to_a_report_run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    space = cell201()
    scores = np.arange(15_625) / 256
    frame = pl.DataFrame({"arch": space.write(space.all_rows()), "val": scores, "test": scores, "params": scores})
    frame.write_csv(tmp_path / "mine.csv")
    environment = os.environ | {"LISSNAS_CACHE": str(tmp_path / "cache")}
    printed = []
    for command in _blocks("sh")[0].splitlines():
        program, *words = shlex.split(command)
        assert program == "lissnas"
        ran = call_command(tmp_path, tmp_path_factory.mktemp("output"), environment, *words)
        assert ran.returncode == 0, ran.stderr
        printed.append(ran.stdout)
    assert "mine: 15,625 networks; selected by val, reported by test" in printed[0]
    assert "  lissnas    " in printed[1]
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_the_space_of_the_page_can_be_made() -> None:
    declared = own_space(_blocks("toml")[0])
    assert declared is not None
    assert declared[0].size == 12
