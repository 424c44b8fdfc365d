"""Citations: every benchmark and method provides a valid BibTeX entry, and results name what they used."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
from lissnas.errors import LissnasError, UnknownNameError
from lissnas.optimizers.search import optimizer_names
from lissnas.predictors.predictor import predictor_names
from lissnas.shrinkers.shrink import SHRINKERS, shrinker_names
from lissnas.spaces.published.cell201 import cell201
from lissnas.subspaces import subspace_file
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_analyses.results.citations import SOFTWARE, SUPERNET, Citation, citations
from lissnas_analyses.results.folder import FORMAT, read_manifest
from lissnas_benchmarks.catalog import benchmark_names, find_adapter

NAMES = (*benchmark_names(), *shrinker_names(), *optimizer_names(), *predictor_names(), SUPERNET, SOFTWARE)

WITHOUT = {
    "kernel",
    "random-subset",
    "best-of-sample",
    "regression",
    "random",
    "gp",
    "hw-nas-bench-360",
    "spikenas-bench",
}
"""Without a paper: this project's own and textbook methods, and benchmarks whose pages name none."""

_ENTRY = re.compile(r"@(inproceedings|article|misc|software)\{([a-z0-9]+),\n((?:  .*\n(?:    .*\n)*)+)\}\n")


def fields_of(entry: str) -> dict[str, str]:
    found = re.findall(r"^  (\w+) *= \{(.*?)\},$", entry, re.MULTILINE | re.DOTALL)
    return {name: re.sub(r"\s+", " ", value) for name, value in found}


@pytest.mark.parametrize("name", dict.fromkeys(NAMES))
def test_every_benchmark_and_method_has_an_entry_or_no_paper(name: str) -> None:
    *_, cited = citations([name])
    assert name in cited.names
    if name in WITHOUT:
        assert cited.bibtex == ""
        return
    match = _ENTRY.fullmatch(cited.bibtex)
    assert match, cited.bibtex
    assert cited.bibtex.count("{") == cited.bibtex.count("}")
    written = fields_of(cited.bibtex)
    assert "title" in written
    assert name == SOFTWARE or re.fullmatch(r"(19|20)\d\d", written["year"])
    assert re.fullmatch(r"10\.\d{4,}/\S+", written.get("doi", "10.1000/none"))
    assert re.fullmatch(r"\d{4}\.\d{4,5}", written.get("eprint", "0000.00000"))
    if match.group(1) == "inproceedings":
        assert "booktitle" in written


def test_the_keys_of_entries_are_unique() -> None:
    entries = {one.bibtex for name in NAMES for one in citations([name]) if one.bibtex}
    keys = [_ENTRY.fullmatch(entry).group(2) for entry in entries]  # type: ignore[union-attr]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", sorted(set(benchmark_names()) - WITHOUT))
def test_the_entry_of_a_benchmark_has_the_title_and_year_of_its_paper(name: str) -> None:
    known = find_adapter(name)
    written = fields_of(known.bibtex)
    assert written["year"] in known.paper
    plain = re.sub(r"[^a-z]", "", written["title"].lower())
    assert plain in re.sub(r"[^a-z]", "", known.paper.lower())


def test_lissnas_comes_first_and_agrees_with_citation_cff() -> None:
    [software, *_] = citations(["kernel"])
    assert software.names == (SOFTWARE,)
    page = (Path(__file__).parents[3] / "CITATION.cff").read_text()
    written = fields_of(software.bibtex)
    assert f'title: "{written["title"].replace("{", "").replace("}", "")}"' in page
    assert f'name: "{written["author"].strip("{}")}"' in page
    assert f"version: {written['version']}\n" in page
    assert f"license: {written['license']}\n" in page
    [paper] = citations(["lissnas"])[1:]
    assert f"doi: {fields_of(paper.bibtex)['doi']}\n" in page


def test_a_paper_of_two_names_is_cited_once() -> None:
    [_, cited] = citations(["local-search", "local-search", "tpe", "genetic"])[:2]
    assert cited.names == ("local-search",)
    assert citations(["tpe", "genetic"])[1].names == ("tpe", "genetic")


def manifest(folder: Path, **entries: object) -> Path:
    folder.mkdir(parents=True)
    described = {"format": FORMAT, "versions": {"lissnas": "0.1.0"}, "files": [], **entries}
    (folder / "manifest.json").write_text(json.dumps(described))
    return folder


def test_folders_of_results_are_cited_by_what_they_used(tmp_path: Path) -> None:
    manifest(tmp_path / "a", benchmark="nas-bench-graph", methods=["lissnas", "angle"], optimizers=[])
    manifest(tmp_path / "b/search", benchmark="nas-bench-macro", methods=["kernel"], optimizers=["tpe"])
    manifest(tmp_path / "c", benchmark="a benchmark of another package")
    manifest(tmp_path / "d", stage="shrink", methods=["progressive"])
    named = [name for one in citations([str(tmp_path)]) for name in one.names]
    of_tables = ["nas-bench-graph", "lissnas", "angle", "nas-bench-macro", "tpe"]
    assert named == [SOFTWARE, *of_tables, SUPERNET, "progressive", "kernel"]


def test_a_saved_subspace_is_cited_by_its_benchmark_and_method(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    kept = ExplicitSubspace(cell201(), np.arange(3))
    subspace_file.save(kept, path, {"benchmark": "analog-nasbench", "method": "progressive"})
    assert [name for one in citations([str(path)]) for name in one.names] == [
        SOFTWARE,
        "analog-nasbench",
        "progressive",
    ]


def test_a_plug_in_method_provides_its_own_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast(Any, SHRINKERS.builtin), "theirs", f"{__name__}:Theirs")
    assert citations(["theirs"])[1] == Citation(("theirs",), Theirs.bibtex)


@dataclass(frozen=True)
class Theirs:
    bibtex: ClassVar[str] = "@misc{theirs,\n  title = {Theirs},\n}\n"


def test_words_that_are_neither_names_nor_results_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lissnas'"):
        citations(["lisnas"])
    with pytest.raises(LissnasError, match="no results in this folder"):
        citations([str(tmp_path)])
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(LissnasError, match="not a subspace that 'lissnas shrink' saved"):
        citations([str(tmp_path / "no.parquet")])


def test_results_of_a_newer_format_are_refused(tmp_path: Path) -> None:
    later = manifest(tmp_path / "later", format=FORMAT + 1)
    with pytest.raises(LissnasError, match=f"results in format {FORMAT + 1}.*upgrade lissnas"):
        read_manifest(later)
    with pytest.raises(LissnasError, match="upgrade lissnas"):
        citations([str(later)])
