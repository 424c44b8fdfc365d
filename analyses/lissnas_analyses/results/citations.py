"""Citations of what results used; each benchmark and method provides its own BibTeX."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from lissnas.errors import LissnasError, UnknownNameError
from lissnas.optimizers.evolutionary_search import SPOS_BIBTEX
from lissnas.optimizers.search import optimizer_class, optimizer_names
from lissnas.predictors.predictor import predictor_class, predictor_names
from lissnas.shrinkers.shrink import shrinker_class, shrinker_names
from lissnas.storage.sealed_parquet import read_parquet_metadata
from lissnas_benchmarks.catalog import benchmark_names, find_adapter

from lissnas_analyses.results.folder import read_manifest, results_below

SOFTWARE = "lissnas-software"
"""Name under which the lissnas software is cited; `lissnas` alone is the method."""

SUPERNET = "supernet"
"""Name under which single-path training is cited, which trains all supernets here."""


@dataclass(frozen=True)
class Citation:
    """One or more BibTeX entries and the names that they are for; `bibtex` is "" if the names have no paper."""

    names: tuple[str, ...]
    bibtex: str


def citations(used: Sequence[str]) -> tuple[Citation, ...]:
    """Return the citations for results, saved subspaces, benchmarks, methods, optimizers and predictors; lissnas first.

    Parameters
    ----------
    used
        Names, or paths of folders of results and of files that `lissnas shrink` saved.

    Raises
    ------
    UnknownNameError
        If a word is neither a name nor a path; the error suggests the nearest name.
    LissnasError
        If a path has no results.
    """
    by_bibtex: dict[str, list[str]] = {}
    for name in dict.fromkeys([SOFTWARE, *(name for word in used for name in _names(word))]):
        by_bibtex.setdefault(_bibtex(name), []).append(name)
    without_paper = by_bibtex.pop("", [])
    cited = [Citation(tuple(names), bibtex) for bibtex, names in by_bibtex.items()]
    return (*cited, *([Citation(tuple(without_paper), "")] if without_paper else []))


def known_names() -> tuple[str, ...]:
    """Return all names that can be cited."""
    methods = (*shrinker_names(), *optimizer_names(), *predictor_names(), SUPERNET, SOFTWARE)
    return tuple(dict.fromkeys((*benchmark_names(), *methods)))


def _names(word: str) -> Iterator[str]:
    """Yield the names that a word stands for."""
    path = Path(word)
    if word in known_names():
        yield word
    elif path.suffix == ".parquet":
        yield from _used(_provenance(path))
    elif path.is_dir():
        folders, shrunk = results_below(path), sorted(path.rglob("shrunk-*.parquet"))
        if not folders and not shrunk:
            raise LissnasError(f"{path}: no results in this folder; name a folder that a lissnas command wrote")
        for folder in folders:
            yield from _used(read_manifest(folder))
        for file in shrunk:
            yield from _used(_provenance(file))
    else:
        raise UnknownNameError("benchmark, method or folder of results", word, known_names())


def _provenance(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(read_parquet_metadata(path)["lissnas"]))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, LookupError, ValueError) as error:
        raise LissnasError(
            f"{path}: not a subspace that 'lissnas shrink' saved ({type(error).__name__}); name such a file"
        ) from error


def _used(metadata: dict[str, Any]) -> Iterator[str]:
    """Yield the names in a manifest or in the metadata of a subspace, except those that this installation lacks."""
    single = [metadata[key] for key in ("benchmark", "method") if key in metadata]
    trained = [SUPERNET] if "stage" in metadata else []  # the manifest of a supernet run
    for name in (*single, *trained, *metadata.get("methods", ()), *metadata.get("optimizers", ())):
        if name in known_names():
            yield name


def _bibtex(name: str) -> str:
    if name == SOFTWARE:
        return _software()
    if name == SUPERNET:
        return SPOS_BIBTEX
    if name in benchmark_names():
        return find_adapter(name).bibtex
    if name in shrinker_names():
        method: Any = shrinker_class(name)
    else:
        method = optimizer_class(name) if name in optimizer_names() else predictor_class(name)
    entry: str = getattr(method, "bibtex", "")
    return entry


def _software() -> str:
    return f"""\
@software{{lissnas,
  title   = {{{{lissnas}}: locality in neural-architecture search spaces, and shrinking by it}},
  author  = {{{{The lissnas contributors}}}},
  version = {{{version("lissnas")}}},
  license = {{Apache-2.0}},
}}
"""
