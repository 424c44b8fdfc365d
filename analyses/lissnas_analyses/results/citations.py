"""Citations: the BibTeX of what results used, from where each benchmark and method keeps its own."""

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
from lissnas.shrinkers.shrink import shrinker_class, shrinker_names
from lissnas_benchmarks.catalog import benchmark_names, find_adapter

from lissnas_analyses.results.folder import read_manifest

SOFTWARE = "lissnas-software"
"""The name of this program itself; `lissnas` alone is the method."""

SUPERNET = "supernet"
"""The name of training by single paths, which supernets here are trained by."""


@dataclass(frozen=True)
class Citation:
    """An entry of BibTeX, or several, and for which names; "" where these have no paper."""

    names: tuple[str, ...]
    bibtex: str


def citations(words: Sequence[str]) -> tuple[Citation, ...]:
    """Return what to cite for results, saved subspaces, benchmarks, methods and optimizers; this program comes first.

    Parameters
    ----------
    words
        Names, or paths of folders of results and of files that `lissnas shrink` saved.

    Raises
    ------
    UnknownNameError
        If a word is neither, with the nearest name.
    LissnasError
        If a path holds no results.
    """
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys([SOFTWARE, *(name for word in words for name in _names(word))]):
        found.setdefault(_bibtex(name), []).append(name)
    without = found.pop("", [])
    cited = [Citation(tuple(names), bibtex) for bibtex, names in found.items()]
    return (*cited, *([Citation(tuple(without), "")] if without else []))


def known_names() -> tuple[str, ...]:
    """Return all names that can be cited."""
    methods = (*shrinker_names(), *optimizer_names(), SUPERNET, SOFTWARE)
    return tuple(dict.fromkeys((*benchmark_names(), *methods)))


def _names(word: str) -> Iterator[str]:
    """Yield the names behind a word."""
    path = Path(word)
    if word in known_names():
        yield word
    elif path.suffix == ".parquet":
        yield from _used(_provenance(path))
    elif path.is_dir():
        manifests, shrunk = (sorted(path.rglob(name)) for name in ("manifest.json", "shrunk-*.parquet"))
        if not manifests and not shrunk:
            raise LissnasError(f"{path}: no results in it; name a folder that a command of lissnas wrote")
        for manifest in manifests:
            yield from _used(read_manifest(manifest.parent))
        for saved in shrunk:
            yield from _used(_provenance(saved))
    else:
        raise UnknownNameError("benchmark, method or folder of results", word, known_names())


def _provenance(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(pl.read_parquet_metadata(path)["lissnas"]))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, LookupError, ValueError) as error:
        raise LissnasError(f"{path}: not a space that 'lissnas shrink' saved ({type(error).__name__})") from error


def _used(described: dict[str, Any]) -> Iterator[str]:
    """Yield what a manifest or a saved subspace says that it used; a benchmark unknown here is left to its owner."""
    single = [described[key] for key in ("benchmark", "method") if key in described]
    trained = [SUPERNET] if "stage" in described else []  # of the run of a supernet
    for name in (*single, *trained, *described.get("methods", ()), *described.get("optimizers", ())):
        if name in known_names():
            yield name


def _bibtex(name: str) -> str:
    if name == SOFTWARE:
        return _software()
    if name == SUPERNET:
        return SPOS_BIBTEX
    if name in benchmark_names():
        return find_adapter(name).bibtex
    entry: str = getattr(shrinker_class(name) if name in shrinker_names() else optimizer_class(name), "bibtex", "")
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
