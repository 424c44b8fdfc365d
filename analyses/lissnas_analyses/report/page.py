"""The page: everything in folders of results, packed into one HTML file that needs no network."""

import base64
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from html import escape, unescape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from lissnas.errors import LissnasError
from lissnas_benchmarks.catalog import find_adapter
from polars.exceptions import PolarsError

from lissnas_analyses.report.explorer import explorer
from lissnas_analyses.results.folder import read_manifest

_NUMBERS = {
    "locality": ("locality", "random_walk"),
    "optima": ("distance_to_optimum", "local_optima", "landscape"),
    "shrinking": ("shrinking", "shrinking_runs"),
    "map": ("map", "rounds"),
    "kept_space": ("kept_space_search", "kept_space_pockets", "kept_space_genes"),
    "tau_narrowing": ("tau_narrowing", "tau_noise_ceiling"),
    "tau": ("tau", "tau_sets", "tau_evaluation_sets", "tau_predictors"),
    "landscapes": ("summary", "by_distance", "regret", "neutral"),
    "local_optima_networks": ("optima", "edges", "funnels"),
    "selected_by": ("selected_by", "selected_by_runs"),
    "ablation_recall": ("ablation_means",),
    "search": ("search", "search_runs", "search_shrinking"),
    "supernet-tau": ("supernet_means", "supernet_tau", "supernet_changes", "supernet_ceilings", "supernet_along"),
    "supernet-scores": ("supernet_tau",),
    "supernet-shrinking": ("supernet_shrinking_means", "supernet_shrinking"),
}
"""Which numbers lie behind a figure, where they are others than those of its own name."""

_BUNDLE = "import vl_convert; print(vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;'))"
"""Prints Vega-Lite and what it stands on in one script; its interpreter does nothing else meanwhile."""

_TITLE = "Locality and shrinking of architecture search spaces"

_SUMMARY = (
    "Do networks that are built alike perform alike? Where they do, that is called locality, and a large space of "
    "networks can be shrunk to the surroundings of its good ones. Each part of this page is about one benchmark: what "
    "was found, in sentences; where there is one, a map of its networks to walk through; and every figure with the "
    "numbers behind it."
)


class _Packed:
    """Texts that are in the page in compressed form."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}

    def add(self, text: bytes, name: str = "") -> str:
        """Keep a text, and return the name of the element that it is in."""
        name = name or f"packed-{len(self._texts)}"
        self._texts[name] = gzip.compress(text, 9, mtime=0)
        return name

    @property
    def html(self) -> str:
        return "\n".join(
            f'<script type="text/plain" id="{name}">{base64.b64encode(text).decode()}</script>'
            for name, text in self._texts.items()
        )


def write_report(
    folders: Sequence[Path], title: str = _TITLE, progress: Callable[[float], None] = lambda share: None
) -> str:
    """Return the page of one or more folders of results.

    `progress` is told now and then which share is done.

    Raises
    ------
    LissnasError
        If a folder holds no results or damaged ones, or the library that draws the explorer is not installed.
    """
    packed = _Packed()
    manifests = [read_manifest(folder) for folder in folders]
    names = _names(folders, manifests)
    sections = []
    for number, (folder, manifest, name) in enumerate(zip(folders, manifests, names, strict=True)):
        progress(number / (len(folders) + 1))
        try:
            sections.append(_section(folder, manifest, name, packed))
        except (OSError, LookupError, TypeError, ValueError, PolarsError) as error:
            again = f" with '{manifest['command']}'" if manifest.get("command") else ""
            raise LissnasError(
                f"{folder}: the results are damaged ({_first_line(error)}); make them again{again}"
            ) from error
    progress(len(folders) / (len(folders) + 1))
    if any("class=explorer" in section for section in sections):
        packed.add(_library(), "library")
    contents = " ".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in names)
    versions = {f"lissnas {manifest['versions']['lissnas']}" for manifest in manifests}
    parts = {
        "title": escape(title),
        "summary": _SUMMARY,
        "contents": contents,
        "words": _part("words.html"),
        "sections": "\n".join(sections),
        "colophon": escape(f"Made by {', '.join(sorted(versions))}. Intervals are of 95 %. The file needs no network."),
        "packed": packed.html,
        "style": _part("style.css"),
        "program": _part("program.js"),
    }
    return Template(_part("page.html")).substitute(parts)


def _section(folder: Path, manifest: dict[str, Any], name: str, packed: _Packed) -> str:
    findings = "".join(f"<li>{escape(_sentence(finding))}</li>" for finding in manifest.get("findings", ()))
    drawn = [file.removesuffix(".svg") for file in manifest["files"] if file.endswith(".svg")]
    figures = "\n".join(_figure(folder, figure, packed) for figure in drawn)
    about = " ".join([_measured(manifest), *_roles(manifest)])
    command = manifest.get("command")
    made = f"<p class=faint>Findings and figures were made by <code>{escape(command)}</code></p>" if command else ""
    found = explorer(folder)
    walk = ""
    if found is not None:
        data = packed.add(json.dumps(found, separators=(",", ":")).encode())
        walk = f"<h3>Walk through the map</h3>{_HELP}<div class=explorer data-packed={data}></div>"
    return (
        f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>'
        f"<p class=faint>{escape(about)}</p><ul class=findings>{findings}</ul>{walk}"
        f"<h3>Figures</h3>{made}<div class=figures>{figures}</div></section>"
    )


def _measured(manifest: dict[str, Any]) -> str:
    """Say what the benchmark measured, if it is one that is known here."""
    name = str(manifest.get("benchmark", ""))
    try:
        title = find_adapter(name).title
    except LissnasError:
        return ""
    return f"{title[0].upper()}{title[1:].rstrip('.')}."


def _roles(manifest: dict[str, Any]) -> Iterator[str]:
    """Say what a method may see and what judges it, if the results are of a benchmark."""
    if "selected_by" not in manifest:
        return
    selects, reports = manifest["selected_by"], manifest["reported_by"]
    yield f"Methods see {selects}, and are judged by {reports}."
    if selects == reports:
        yield "These are the same, the benchmark having no other: what a method finds is judged optimistically."


_HELP = (
    "<p class=faint>Each point is a network; points near each other are networks built alike. The yellower, the higher "
    "its value; the lowest 15 % share one color. Large points are what a method still keeps in the round shown: Play "
    "goes through the rounds of the first run, one method beside another. Click a point, or use the arrow keys on the "
    "panel below the maps, to see how a network is built and what each edit of it changes. The buttons or Ctrl with "
    "the mouse wheel zoom, the mouse drags.</p>"
)


def _figure(folder: Path, name: str, packed: _Packed) -> str:
    drawing = (folder / f"{name}.svg").read_bytes()
    title, caption = (_said(drawing, element) for element in ("title", "description"))
    files = [folder / f"{numbers}.csv" for numbers in _NUMBERS.get(name, (name,))]
    links = ", ".join(
        f"<button type=button data-numbers={packed.add(path.read_bytes())} data-name={escape(path.name)}>"
        f"{escape(path.name)}</button>"
        for path in files
        if path.exists()
    )
    return (
        f'<figure><button type=button class=zoom aria-label="Enlarge: {title or escape(name)}">'
        f'<img alt="{title or escape(name)}" data-packed={packed.add(drawing)}></button>'
        f"<figcaption><p>{caption}</p>{f'<p>Its numbers: {links}</p>' if links else ''}</figcaption></figure>"
    )


def _said(drawing: bytes, element: str) -> str:
    """Return what a drawing says of itself, escaped, or "" if it does not."""
    found = re.search(f"<dc:{element}>(.*?)</dc:{element}>", drawing.decode(errors="replace"), re.DOTALL)
    return escape(unescape(found[1])) if found else ""


def _names(folders: Sequence[Path], manifests: Sequence[dict[str, Any]]) -> list[str]:
    """Return what each part is called: as `_name` says, with its folder where several would be called the same."""
    names = [_name(manifest) for manifest in manifests]
    return [
        name if names.count(name) == 1 else f"{name}: {folder}" for name, folder in zip(names, folders, strict=True)
    ]


def _name(manifest: dict[str, Any]) -> str:
    """Return what was measured, and by which command unless that is the main job."""
    subject = ", ".join(str(manifest[part]) for part in ("benchmark", "dataset", "space", "images") if part in manifest)
    analysis = manifest.get("analysis", "reproduce")
    return subject if analysis == "reproduce" else f"{subject}: {analysis}"


def _anchor(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())


def _sentence(finding: str) -> str:
    is_name = finding.split(" ", 1)[0].endswith(":")
    return (finding if is_name else finding[0].upper() + finding[1:]) + "."


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _part(name: str) -> str:
    return (files("lissnas_analyses.report") / name).read_text()


def _library() -> bytes:
    """Return Vega-Lite and what it stands on, in one script."""
    if find_spec("vl_convert") is None:
        raise LissnasError("the report needs the extra 'report': pip install 'lissnas[report]'")
    made = subprocess.run([sys.executable, "-X", "utf8", "-c", _BUNDLE], capture_output=True, check=True)
    return made.stdout
