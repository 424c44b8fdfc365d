"""docs/results-format.md and what the commands write are the same: files, columns, types, keys of the manifests."""

import fnmatch
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lissnas import subspace
from lissnas.errors import LissnasError
from lissnas_analyses import cli
from lissnas_analyses.results import FORMAT
from lissnas_analyses.study import Study

PAGE = (Path(__file__).parents[2] / "docs/results-format.md").read_text()

PROTEINS = "nas-bench-graph-proteins"

COMMANDS = (
    f"locality {PROTEINS}",
    f"compare {PROTEINS} --runs 2 --evaluator scores.csv:score",
    f"landscape {PROTEINS}",
    f"tau {PROTEINS} --column accuracy/validation --sample 100 --draws 10 --runs 1",
    f"ablate {PROTEINS} --method lissnas kernel --seeds 5 10 --evaluations 30 --runs 2 --workers 1",
    f"search {PROTEINS} --runs 2 --evaluations 400 --method lissnas --optimiser random --workers 1",
    f"shrink {PROTEINS} --seeds 5",
)

TYPES = {
    "number": (pl.Float64,),
    "integer": (pl.Int64, pl.Int32, pl.UInt32),
    "text": (pl.String,),
    "yes or no": (pl.Boolean,),
}


def rows(text: str) -> dict[str, str]:
    """Return the first two columns of the tables of a piece of the page."""
    return dict(re.findall(r"^\| `([^`]+)` \| ([^|]+?) \|", text, re.MULTILINE))


DOCUMENTED = {
    part.split("`", 2)[1]: rows(part.split("\n## ")[0].split("metadata has `crc32`")[0])
    for part in PAGE.split("\n### ")[1:]
}
"""The columns and types of each table."""


@pytest.fixture(scope="module")
def written(proteins: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every command has been called once, each in a folder of its own."""
    place = tmp_path_factory.mktemp("written")
    names = proteins.space.write(proteins.space.rows(range(proteins.space.size)))
    scores = pl.DataFrame({"architecture": names, "score": proteins.selection})
    scores.write_csv(place / "scores.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for words in COMMANDS:
            assert cli.app([*words.split(), "--out", words.split()[0]], exit_on_error=False) == 0
    return place


@pytest.fixture(scope="module")
def tables(written: Path) -> dict[str, Path]:
    return {path.stem.replace("-lissnas", "-METHOD"): path for path in written.rglob("*.parquet")}


def test_every_table_is_documented_and_every_documented_table_is_written(tables: dict[str, Path]) -> None:
    assert set(tables) == set(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_table_has_the_columns_and_types_that_the_page_says(name: str, tables: dict[str, Path]) -> None:
    found = pl.read_parquet_schema(tables[name])
    plain = {column: kind for column, kind in DOCUMENTED[name].items() if "*" not in column}
    patterns = [column for column in DOCUMENTED[name] if "*" in column]
    free = [column for column in found if any(fnmatch.fnmatch(column, pattern) for pattern in patterns)]
    assert set(found) - set(free) == set(plain)
    for column, kind in plain.items():
        allowed = TYPES[kind] if found[column] != pl.Null else (pl.Null,)  # nothing of it is known in this small run
        assert found[column] in allowed, f"{name}.{column} is {found[column]}, not {kind}"
    assert bool(free) == bool(patterns)


def test_every_table_but_two_is_there_as_csv_too(tables: dict[str, Path]) -> None:
    for name, path in tables.items():
        assert path.with_suffix(".csv").exists() == (name not in ("ablation", "shrunk-METHOD"))


@pytest.mark.parametrize("command", [words.split()[0] for words in COMMANDS[:-1]])
def test_a_manifest_has_the_keys_that_the_page_says(command: str, written: Path) -> None:
    manifest: dict[str, Any] = json.loads((written / command / "manifest.json").read_bytes())
    documented = rows(PAGE.split("## `manifest.json`")[1].split("\n## ")[0])
    expected = set(documented)
    if command == "landscape":
        expected = expected - {"dataset", "selected_by"} | {"datasets"}
    assert set(manifest) == expected
    kinds = {"text": str, "integer": int, "number": float, "list": list, "object": dict}
    for key, kind in documented.items():
        if key in manifest and manifest[key] is not None:
            assert isinstance(manifest[key], kinds[kind]), key
    assert manifest["format"] == FORMAT
    assert f"This is format {FORMAT}," in PAGE
    there = {path.name for path in (written / command).iterdir() if path.suffix in (".parquet", ".csv", ".png", ".svg")}
    assert set(manifest["files"]) == there


def test_methods_and_optimisers_are_named(written: Path) -> None:
    used = {
        command: json.loads((written / command / "manifest.json").read_bytes()) for command in ("compare", "search")
    }
    assert used["compare"]["methods"] == ["lissnas", "operation-pruning", "random-subset"]
    settings = used["compare"]["settings"]["methods"]
    assert set(settings) == set(used["compare"]["methods"])
    assert len(settings["random-subset"]["by_run"]["size"]) == 2
    assert settings["operation-pruning"]["max_rounds"] == 4
    assert used["search"]["methods"] == ["lissnas"]
    assert used["search"]["optimisers"] == ["random"]


def test_a_saved_subspace_says_what_the_page_says(tables: dict[str, Path]) -> None:
    metadata = pl.read_parquet_metadata(tables["shrunk-METHOD"])
    documented = rows(PAGE.split("metadata has `crc32`")[1].split("\n## ")[0])
    assert set(json.loads(metadata["lissnas"])) == set(documented)
    assert set(metadata) - {"ARROW:schema"} == {"lissnas", "crc32"}


def test_a_subspace_of_a_later_format_is_refused(tables: dict[str, Path], tmp_path: Path, proteins: Study) -> None:
    frame = pl.read_parquet(tables["shrunk-METHOD"])
    described = json.loads(pl.read_parquet_metadata(tables["shrunk-METHOD"])["lissnas"])
    text = json.dumps({**described, "format": subspace.FORMAT + 1})
    checksum = subspace.checksum(text, frame["architecture"].to_list())
    frame.write_parquet(tmp_path / "later.parquet", metadata={"lissnas": text, "crc32": checksum})
    with pytest.raises(LissnasError, match=f"of format {subspace.FORMAT + 1}, .* upgrade lissnas"):
        subspace.load(tmp_path / "later.parquet", proteins.space)
