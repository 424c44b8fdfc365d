"""The page of a report: the contents of result folders in one HTML file that works offline."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from lissnas.errors import LissnasError
from lissnas_benchmarks.benchmark import subject
from lissnas_benchmarks.catalog import find_adapter
from polars.exceptions import PanicException, PolarsError

from lissnas_analyses.report.explorer import explorer
from lissnas_analyses.report.first_screen import compared_folders, first_screen
from lissnas_analyses.report.packed import Packed
from lissnas_analyses.report.picture import picture
from lissnas_analyses.results.folder import read_manifest

_TABLES = {
    "locality": ("locality", "random_walk"),
    "optima": ("distance_to_optimum", "local_optima", "landscape"),
    "recall": ("recall", "methods", "counted"),
    "shrinking": ("shrinking", "shrinking_runs"),
    "map": ("map", "rounds"),
    "kept_space": ("kept_space_search", "kept_space_pockets", "kept_space_genes"),
    "tau_narrowing": ("tau_narrowing", "tau_noise_ceiling"),
    "tau": ("tau", "tau_sets", "tau_evaluation_sets", "tau_predictors"),
    "predictors": ("predictors", "predictors_runs", "predictors_left_out", "predictors_published"),
    "landscapes": ("summary", "by_distance", "regret", "neutral"),
    "local_optima_networks": ("optima", "edges", "funnels"),
    "selected_by": ("selected_by", "selected_by_runs"),
    "ablation_recall": ("ablation_means",),
    "search": ("search", "search_runs", "search_shrinking", "search_optimum"),
    "supernet-tau": (
        "supernet_means",
        "supernet_tau",
        "supernet_comparisons",
        "supernet_ceilings",
        "supernet_training_curve",
    ),
    "supernet-scores": ("supernet_tau",),
    "supernet-shrinking": ("supernet_shrinking_means", "supernet_shrinking"),
}
"""Tables of a figure, if they are other than the table with the name of the figure."""

_TITLE = "Locality and shrinking of architecture search spaces"

_SUMMARY = (
    "Each section below is about one benchmark: its findings, an interactive map of its networks if there is one, and "
    "every figure with its data."
)

_POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {script}; "
    "base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of the page: only its own script runs, and nothing is loaded."""


def write_report(
    folders: Sequence[Path], title: str = _TITLE, progress: Callable[[float], None] = lambda share: None
) -> str:
    """Return the HTML page of one or more folders of results.

    Parameters
    ----------
    folders
        Folders with a manifest. Those of an overview have no section: the first screen shows one of all folders.
    title
        Title of the page.
    progress
        Receives the share that is done.

    Raises
    ------
    LissnasError
        If a folder has no results or damaged ones.
    """
    packed = Packed()
    manifests = [read_manifest(folder) for folder in folders]
    in_sections = [number for number, manifest in enumerate(manifests) if manifest["analysis"] != "overview"]
    folders, manifests = [folders[number] for number in in_sections], [manifests[number] for number in in_sections]
    names = _names(folders, manifests)
    compared = compared_folders(folders, manifests)
    top = ""
    if compared:
        with _damage_in(compared[0], manifests[folders.index(compared[0])]):
            of_compared = [manifests[folders.index(folder)] for folder in compared]
            top = first_screen(compared, of_compared, packed)
    sections = []
    for number, (folder, manifest, name) in enumerate(zip(folders, manifests, names, strict=True)):
        progress(number / (len(folders) + 1))
        with _damage_in(folder, manifest):
            sections.append(_section(folder, manifest, name, packed))
    progress(len(folders) / (len(folders) + 1))
    program = _part("program.js")
    contents = " ".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in names)
    versions = {f"lissnas {manifest['versions']['lissnas']}" for manifest in manifests}
    parts = {
        "title": escape(title),
        "policy": _POLICY.format(script=_script_source(program)),
        "first_screen": top,
        "summary": _SUMMARY,
        "contents": contents,
        "glossary": _part("glossary.html"),
        "sections": "\n".join(sections),
        "colophon": escape(
            f"Made by {', '.join(sorted(versions))}. Intervals are 95 % intervals. This file works offline."
        ),
        "packed": packed.html,
        "style": _part("style.css"),
        "program": program,
    }
    return Template(_part("page.html")).substitute(parts)


@contextmanager
def _damage_in(folder: Path, manifest: dict[str, Any]) -> Iterator[None]:
    """Raise LissnasError with the way out if the results in a folder cannot be read."""
    try:
        yield
    except (OSError, LookupError, TypeError, ValueError, PolarsError, PanicException) as error:
        again = f" with '{manifest['command']}'" if manifest.get("command") else ""
        raise LissnasError(
            f"{folder}: the results are damaged ({_first_line(error)}); make them again{again}"
        ) from error


def _section(folder: Path, manifest: dict[str, Any], name: str, packed: Packed) -> str:
    findings = "".join(f"<li>{escape(_sentence(finding))}</li>" for finding in manifest.get("findings", ()))
    drawn = [file.removesuffix(".svg") for file in manifest["files"] if file.endswith(".svg")]
    figures = "\n".join(_figure(folder, figure, packed) for figure in drawn)
    about = " ".join([_measured(manifest), *_roles(manifest)])
    command = manifest.get("command")
    made = (
        f'<p class="faint">This command made the findings and figures: <code>{escape(command)}</code></p>'
        if command
        else ""
    )
    explored = explorer(folder)
    interactive_map = ""
    if explored is not None:
        data = packed.add(json.dumps(explored, separators=(",", ":")).encode())
        interactive_map = (
            f'<h3>Interactive map</h3>{_HELP}<div class="explorer" data-packed="{data}"><p class="loading">Loading the '
            "map ...</p></div>"
        )
    return (
        f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>'
        f'<p class="faint">{escape(about)}</p><ul class="findings">{findings}</ul>{interactive_map}'
        f'<h3>Figures</h3>{made}<div class="figures">{figures}</div></section>'
    )


def _measured(manifest: dict[str, Any]) -> str:
    """Return what the benchmark measured; "" if this installation does not have the benchmark."""
    name = str(manifest.get("benchmark", ""))
    try:
        title = find_adapter(name).title
    except LissnasError:
        return ""
    return f"{title[0].upper()}{title[1:].rstrip('.')}."


def _roles(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield sentences on what methods see and what judges them, if the results are of a benchmark."""
    if "selected_by" not in manifest:
        return
    selects, reports = manifest["selected_by"], manifest["reported_by"]
    yield f"Methods see {selects}; {reports} judges their results."
    if selects == reports:
        yield "These are the same, because the benchmark has no other scores: the results are optimistic."


_HELP = (
    '<p class="faint">Each point is a network, and similar networks are near each other. Large points are the networks '
    "that a method keeps in the round shown. The maps show the first run alone, so their recall differs from the means "
    "over all runs in the table. Play steps through its rounds for two methods side by side. Click a point, or press "
    "the arrow keys on the panel beside the maps, to see the structure of a network and the effect of each edit. Zoom "
    "with the buttons or with Ctrl and the mouse wheel; drag with the mouse.</p>"
)


def _figure(folder: Path, name: str, packed: Packed) -> str:
    files = [folder / f"{table}.csv" for table in _TABLES.get(name, (name,))]
    links = ", ".join(
        f'<button type="button" data-numbers="{packed.add(path.read_bytes())}" data-name="{escape(path.name)}">'
        f"{escape(path.name)}</button>"
        for path in files
        if path.exists()
    )
    return picture((folder / f"{name}.svg").read_bytes(), name, packed, links)


def _names(folders: Sequence[Path], manifests: Sequence[dict[str, Any]]) -> list[str]:
    """Return the name of each section; sections of one name get their folder as a suffix."""
    names = [_name(manifest) for manifest in manifests]
    return [
        name if names.count(name) == 1 else f"{name}: {folder}" for name, folder in zip(names, folders, strict=True)
    ]


def _name(manifest: dict[str, Any]) -> str:
    """Return the subject of the results, and the command unless it is `reproduce`."""
    if "benchmark" in manifest and "dataset" in manifest:
        name = subject(str(manifest["benchmark"]), str(manifest["dataset"]))
    else:
        name = ", ".join(str(manifest[part]) for part in ("benchmark", "space", "images") if part in manifest)
    analysis = manifest.get("analysis", "reproduce")
    return name if analysis == "reproduce" else f"{name}: {analysis}"


def _anchor(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


def _sentence(finding: str) -> str:
    is_name = finding.split(" ", 1)[0].endswith(":")
    return (finding if is_name else finding[0].upper() + finding[1:]) + "."


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _script_source(program: str) -> str:
    """Return what a Content-Security-Policy calls a script: the digest of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return (files("lissnas_analyses.report") / name).read_text()
