"""A folder of results has the files of one run of one analysis: those that its manifest lists."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lissnas.errors import LissnasError
from lissnas_analyses.cli import app
from lissnas_analyses.cli.results.report import report
from lissnas_analyses.results.citations import citations
from lissnas_analyses.results.folder import Results, read_manifest

PROTEINS = "nas-bench-graph-proteins"

FRAME = pl.DataFrame({"number": [1]})


def run(folder: Path, *names: str, analysis: str = "compare", finished: bool = True) -> None:
    results = Results(folder, analysis)
    for name in names:
        results.add_table(name, FRAME)
    if finished:
        results.save({}, {"names": names})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def test_a_run_replaces_the_files_of_the_previous_run(tmp_path: Path) -> None:
    run(tmp_path, "kept", "dropped")
    (tmp_path / "my-notes.txt").write_text("not of the run")
    run(tmp_path, "kept", "new")
    manifest = read_manifest(tmp_path)
    assert manifest["files"] == ["kept.parquet", "kept.csv", "new.parquet", "new.csv"]
    assert set(contents(tmp_path)) == {*manifest["files"], "manifest.json", "my-notes.txt"}


def test_a_stopped_run_leaves_the_previous_results_unchanged(tmp_path: Path) -> None:
    run(tmp_path, "kept")
    before = contents(tmp_path)
    run(tmp_path, "kept", "new", finished=False)
    assert contents(tmp_path) == before


def test_another_analysis_is_refused_before_it_runs(tmp_path: Path) -> None:
    run(tmp_path, "kept")
    with pytest.raises(LissnasError, match="analysis is compare; in this run it is locality; give each run its own"):
        Results(tmp_path, "locality")


@pytest.mark.parametrize("files", [["../kept.csv"], ["/etc/hosts"], [3], 5])
def test_a_manifest_that_lists_files_outside_its_folder_is_refused(files: Any, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    run(folder, "kept")
    described = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(described | {"files": files}))
    (tmp_path / "kept.csv").write_text("not of the run")
    with pytest.raises(LissnasError, match="not a folder of results"):
        read_manifest(folder)
    run(folder, "other")
    assert (tmp_path / "kept.csv").exists()


def test_report_and_cite_find_the_results_of_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (
        f"locality {PROTEINS}",
        f"compare {PROTEINS} --runs 2 --methods lissnas angle",
        f"shrink {PROTEINS} --method progressive",
    ):
        assert app.app(words.split(), exit_on_error=False) == 0
    for manifest in Path("results").rglob("manifest.json"):
        described = json.loads(manifest.read_bytes())
        assert set(contents(manifest.parent)) == {*described["files"], "manifest.json"}
    report(Path("results"), out=Path("report.html"))
    page = Path("report.html").read_text()
    for analysis in ("locality", "compare"):
        assert f"<h2>{PROTEINS}: {analysis}</h2>" in page
    cited = {name for one in citations(["results"]) for name in one.names}
    assert {PROTEINS, "lissnas", "angle", "progressive"} <= cited
