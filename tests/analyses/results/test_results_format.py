"""docs/results-format.md and what the commands write are the same: files, columns, types, keys of the manifests."""

import fnmatch
import json
import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lissnas.errors import LissnasError
from lissnas.spaces.published.cell201 import cell201
from lissnas.subspaces import subspace_file
from lissnas_analyses.cli import app
from lissnas_analyses.results.folder import FORMAT
from lissnas_benchmarks.benchmark import Benchmark
from results_page import DOCUMENTED, PAGE, check_table, rows, section

PROTEINS = "nas-bench-graph-proteins"

COMMANDS = (
    f"locality {PROTEINS}",
    f"compare {PROTEINS} --methods lissnas operation-pruning random-subset --runs 2 --evaluator scores.csv:score",
    f"compare {PROTEINS} digits-cells --methods lissnas random-subset --runs 2 --no-figures --out several",
    f"landscape {PROTEINS}",
    f"tau {PROTEINS} --column accuracy/validation --sample 100 --draws 10 --runs 1",
    f"tau {PROTEINS} --model boosted-trees --train 40 --runs 2 --workers 1 --out predictors",
    f"ablate {PROTEINS} --method lissnas kernel --seeds 5 10 --evaluations 30 --runs 2 --workers 1",
    f"search {PROTEINS} --runs 2 --evaluations 400 --method lissnas --optimizer random --workers 1",
    f"shrink {PROTEINS} --seeds 5",
)

RECIPE = re.sub(
    r"(?s)\[shrinking.settings\].*?\n\n",
    '[shrinking]\nmethod = "best-of-sample"\n\n[shrinking.settings]\nevaluations = 40\nsize = 30\n\n',
    (files("lissnas.supernet.recipes") / "digits.toml").read_text(),
)
"""The smallest recipe, with a shrinker that needs few scores."""

STAGES = (
    "shrink small.toml --set training.steps=4 --set loop.steps_per_round=2 --set loop.max_rounds=1 "
    "--set loop.mean_sample_size=5",
    "evaluate --random 2",
    "search --set search.evaluations=21 --set search_training.steps=1 --set search_training.batch_size=64 "
    "--set search_training.micro_batch_size=64 --set search_training.learning_rate=0.1",
    "retrain --set retraining.steps=2 --log tensorboard",
)
"""What `lissnas supernet` is called with, in one folder."""

WITHOUT_CSV = {
    "ablation",
    "comparison_rows",
    "selected_by_benchmark_rows",
    "search_rows",
    "predictor_rows",
    "shrunk-METHOD",
}
"""Files of stored rows, which may have lists, and saved subspaces."""

OF_STUDIES = {name for name in DOCUMENTED if name.startswith(("supernet_", "scores/"))}
"""Tables that tests/analyses/test_supernet_study.py holds to the page."""


@pytest.fixture(scope="module")
def written(proteins: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every command has been called once, each in a folder of its own."""
    place = tmp_path_factory.mktemp("written")
    names = proteins.space.write(proteins.space.rows(range(proteins.space.size)))
    scores = pl.DataFrame({"architecture": names, "score": proteins.selection})
    scores.write_csv(place / "scores.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for words in COMMANDS:
            out = () if "--out" in words else ("--out", words.split()[0])
            assert app.app([*words.split(), *out], exit_on_error=False) == 0
    return place


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a supernet's run that has gone through all stages."""
    pytest.importorskip("torch")
    pytest.importorskip("tensorboard")
    place = tmp_path_factory.mktemp("supernet")
    (place / "small.toml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for words in STAGES:
            assert app.app(["supernet", *words.split(), "--out", "run"], exit_on_error=False) == 0
    return place / "run"


@pytest.fixture(scope="module")
def tables(written: Path, run: Path) -> dict[str, Path]:
    found = {path.stem.replace("-lissnas", "-METHOD"): path for path in written.rglob("*.parquet")}
    return found | {f"{path.parent.name}/{path.stem}": path for path in results_of(run)}


def results_of(run: Path) -> Iterable[Path]:
    return (path for path in run.rglob("*.parquet") if path.parent.name != "loop")


def test_every_table_is_documented_and_every_documented_table_is_written(tables: dict[str, Path]) -> None:
    assert set(tables) - {"selected_by_benchmark_rows"} == set(DOCUMENTED) - OF_STUDIES


@pytest.mark.parametrize("name", sorted(set(DOCUMENTED) - OF_STUDIES))
def test_a_table_has_the_columns_and_types_that_the_page_says(name: str, tables: dict[str, Path]) -> None:
    check_table(name, pl.Schema(pl.read_parquet_schema(tables[name])))


def test_every_table_except_rows_and_subspaces_is_also_written_as_csv(tables: dict[str, Path]) -> None:
    for name, path in tables.items():
        assert path.with_suffix(".csv").exists() == (name not in WITHOUT_CSV)


@pytest.mark.parametrize("command", [words.split()[0] for words in COMMANDS[:-1]])
def test_a_manifest_has_the_keys_that_the_page_says(command: str, written: Path) -> None:
    manifest: dict[str, Any] = json.loads((written / command / "manifest.json").read_bytes())
    documented = rows(section("`manifest.json`"))
    expected = set(documented)
    if command == "landscape":
        expected = expected - {"dataset", "selected_by"} | {"datasets"}
    assert set(manifest) == expected
    kinds = {"text": str, "integer": int, "number": float, "list": list, "object": dict}
    for key, kind in documented.items():
        if key in manifest and manifest[key] is not None:
            assert isinstance(manifest[key], kinds[kind]), key
    assert manifest["format"] == FORMAT
    assert manifest["analysis"] == command
    assert f"This is format {FORMAT}," in PAGE
    there = {path.name for path in (written / command).iterdir() if path.suffix in (".parquet", ".csv", ".png", ".svg")}
    assert set(manifest["files"]) == there


OF_IMAGES_IN_FILES = {"hold-out.json", "scored-IMAGES.pixels", "scored-IMAGES.verified", "*-shards.npz", "*.lock"}


def test_every_file_of_a_run_is_documented_and_every_documented_file_is_there(run: Path) -> None:
    documented = set(rows_of_files()) - OF_IMAGES_IN_FILES
    there = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    matched = {name: {known for known in documented if fnmatch.fnmatch(name, glob(known))} for name in there}
    assert {name for name, known in matched.items() if not known} == set()
    assert set().union(*matched.values()) == documented


def rows_of_files() -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section("The folder of a supernet's run"), re.MULTILINE)


def glob(name: str) -> str:
    return re.sub(r"\bN\b|STEP|NETWORKS?|TRAINING", "*", name)


@pytest.mark.parametrize("stage", ["shrinking", "evaluation", "search", "retraining/*"])
def test_the_manifest_of_a_stage_has_the_keys_that_the_page_says(stage: str, run: Path) -> None:
    [folder] = run.glob(stage)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    of_a_table = {"benchmark", "dataset", "selected_by", "reported_by", "unit", "data"}
    own = set(rows(section("`manifest.json` of a stage")))
    assert set(manifest) == set(rows(section("`manifest.json`"))) - of_a_table | own
    assert manifest["analysis"] == f"supernet {manifest['stage']}"
    there = {path.name for path in folder.iterdir() if path.suffix in (".parquet", ".csv", ".json")}
    assert {*manifest["files"], "manifest.json"} == there


def test_journals_checkpoints_and_the_last_score_have_the_keys_that_the_page_says(run: Path) -> None:
    import torch

    for path in run.rglob("*.jsonl"):
        first, *lines = map(json.loads, path.read_text().splitlines())
        assert first.pop("lissnas_journal") == 2
        assert set(first) <= set(rows(section("The identity of a run")))
        assert lines
        for line in lines:
            assert {"crc32", *(f"scored.{key}" for key in line["scored"])} == set(rows(section("A journal")))
    for path in run.rglob("step-*.pt"):
        assert set(torch.load(path, weights_only=True)) == set(rows(section("A checkpoint")))
    [score] = (json.loads(path.read_bytes()) for path in run.glob("retraining/*/retrained.json"))
    assert set(score) == set(rows(section("`retraining/NETWORK/retrained.json`")))


def test_the_result_of_a_round_is_a_saved_subspace(run: Path) -> None:
    check_table("shrunk-METHOD", pl.Schema(pl.read_parquet_schema(run / "loop/space-1.parquet")))
    kept, provenance = subspace_file.load(run / "loop/space-1.parquet", cell201())
    assert (kept.size_bounds, provenance["round"]) == ((30, 30), 1)


def test_methods_and_optimizers_are_named(written: Path) -> None:
    used = {
        command: json.loads((written / command / "manifest.json").read_bytes()) for command in ("compare", "search")
    }
    assert used["compare"]["methods"] == ["lissnas", "operation-pruning", "random-subset"]
    settings = used["compare"]["settings"]["methods"]
    assert set(settings) == set(used["compare"]["methods"])
    assert len(settings["random-subset"]["by_run"]["size"]) == 2
    assert settings["operation-pruning"]["max_rounds"] == 4
    assert used["search"]["methods"] == ["lissnas"]
    assert used["search"]["optimizers"] == ["random"]


def test_a_saved_subspace_says_what_the_page_says(tables: dict[str, Path]) -> None:
    metadata = pl.read_parquet_metadata(tables["shrunk-METHOD"])
    documented = rows(section("`shrunk-METHOD`").split("metadata has `crc32`")[1])
    assert set(json.loads(metadata["lissnas"])) == set(documented)
    assert set(metadata) - {"ARROW:schema"} == {"lissnas", "crc32", "lissnas_seal"}


def test_a_subspace_of_a_newer_format_is_refused(tables: dict[str, Path], tmp_path: Path, proteins: Benchmark) -> None:
    frame = pl.read_parquet(tables["shrunk-METHOD"])
    described = json.loads(pl.read_parquet_metadata(tables["shrunk-METHOD"])["lissnas"])
    text = json.dumps({**described, "format": subspace_file.FORMAT + 1})
    checksum = subspace_file.checksum(text, frame["architecture"].to_list())
    frame.write_parquet(tmp_path / "later.parquet", metadata={"lissnas": text, "crc32": checksum})
    with pytest.raises(LissnasError, match=f"of format {subspace_file.FORMAT + 1}, .* upgrade lissnas"):
        subspace_file.load(tmp_path / "later.parquet", proteins.space)
