"""The page: everything in folders of results, packed into one HTML file that needs no network."""

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from lissnas.errors import LissnasError
from lissnas_benchmarks import catalog

from lissnas_analyses.report.explorer import explorer
from lissnas_analyses.results import read_manifest

_NUMBERS = {
    "locality": "locality",
    "optima": "distance_to_optimum",
    "shrinking": "shrinking",
    "distributions": "distributions",
    "map": "map",
}
"""Which numbers lie behind a figure, where they are not called like it."""

_BUNDLE = "import vl_convert; print(vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;'))"
"""Prints Vega-Lite and what it stands on in one script; its interpreter does nothing else meanwhile."""

_TITLE = "Locality and shrinking of architecture search spaces"


class _Packed:
    """Texts that are in the page in compressed form, by number."""

    def __init__(self) -> None:
        self._texts: list[bytes] = []

    def add(self, text: bytes) -> str:
        """Keep a text, and return the name of the element that it is in."""
        self._texts.append(gzip.compress(text, 9, mtime=0))
        return f"packed-{len(self._texts) - 1}"

    @property
    def html(self) -> str:
        return "\n".join(
            f'<script type="text/plain" id="packed-{number}">{base64.b64encode(text).decode()}</script>'
            for number, text in enumerate(self._texts)
        )


def write_report(
    folders: Sequence[Path], title: str = _TITLE, progress: Callable[[float], None] = lambda share: None
) -> str:
    """Return the page of one or more folders of results.

    `progress` is told now and then which share is done.

    Raises
    ------
    LissnasError
        If a folder holds no results, or the library that draws the explorer is not installed.
    """
    if find_spec("vl_convert") is None:
        raise LissnasError("the report needs the extra 'report': pip install 'lissnas[report]'")
    packed = _Packed()
    manifests = [read_manifest(folder) for folder in folders]
    sections = []
    for number, (folder, manifest) in enumerate(zip(folders, manifests, strict=True)):
        progress(number / (len(folders) + 1))
        sections.append(_section(folder, manifest, packed))
    progress(len(folders) / (len(folders) + 1))
    contents = " ".join(
        f'<a href="#{_anchor(folder, manifest)}">{escape(_name(manifest))}</a>'
        for folder, manifest in zip(folders, manifests, strict=True)
    )
    versions = {f"lissnas {manifest['versions']['lissnas']}" for manifest in manifests}
    parts = {
        "title": escape(title),
        "summary": "How alike networks perform that are built alike, and what is left of a space when it is shrunk by "
        "that: findings with their intervals, figures with their numbers, and a map to walk through.",
        "contents": contents,
        "words": _part("words.html"),
        "sections": "\n".join(sections),
        "colophon": escape(f"Made by {', '.join(sorted(versions))}. Intervals are of 95 %. The file needs no network."),
        "packed": packed.html,
        "style": _part("style.css"),
        "library": _library(),
        "program": _part("program.js"),
    }
    return Template(_part("page.html")).substitute(parts)


def _section(folder: Path, manifest: dict[str, Any], packed: _Packed) -> str:
    findings = "".join(f"<li>{escape(_sentence(finding))}</li>" for finding in manifest.get("findings", ()))
    drawn = [name.removesuffix(".svg") for name in manifest["files"] if name.endswith(".svg")]
    figures = "\n".join(_figure(folder, name, packed) for name in drawn)
    about = " ".join([_measured(manifest), *_roles(manifest)])
    made = f"<p class=faint>Made by <code>{escape(manifest['command'])}</code></p>" if manifest.get("command") else ""
    found = explorer(folder)
    walk = ""
    if found is not None:
        name = packed.add(json.dumps(found, separators=(",", ":")).encode())
        walk = f"<h3>Walk through the map</h3>{_HELP}<div class=explorer data-packed={name}></div>"
    return (
        f'<section id="{_anchor(folder, manifest)}"><h2>{escape(_name(manifest))}</h2>'
        f"<p class=faint>{escape(about)}</p><ul class=findings>{findings}</ul>{walk}"
        f"<h3>Figures</h3><div class=figures>{figures}</div>{made}</section>"
    )


def _measured(manifest: dict[str, Any]) -> str:
    """Say what the benchmark measured, if it is one that is known here."""
    name = str(manifest.get("benchmark", ""))
    try:
        title = catalog.find(name).title
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
    "<p class=faint>Each point is a network, near ones being alike. Click one to see how it is built and what each "
    "edit changes, or use the arrow keys on the panel below the maps. Drag and scroll to move and zoom; Play goes "
    "through the rounds of the first run. The worst 15 % share one colour.</p>"
)


def _figure(folder: Path, name: str, packed: _Packed) -> str:
    drawing = packed.add((folder / f"{name}.svg").read_bytes())
    numbers = folder / f"{_NUMBERS.get(name, name)}.csv"
    link = ""
    if numbers.exists():
        kept = packed.add(numbers.read_bytes())
        link = f": <button type=button data-numbers={kept} data-name={escape(numbers.name)}>its numbers (CSV)</button>"
    return (
        f'<figure><button type=button class=zoom aria-label="Enlarge {escape(name)}">'
        f'<img alt="{escape(name)}" data-packed={drawing}></button>'
        f"<figcaption>{escape(name)}{link}</figcaption></figure>"
    )


def _name(manifest: dict[str, Any]) -> str:
    """Return what was measured, and by which command unless that is the main job."""
    subject = ", ".join(str(manifest[part]) for part in ("benchmark", "dataset", "space", "images") if part in manifest)
    analysis = manifest.get("analysis", "reproduce")
    return subject if analysis == "reproduce" else f"{subject}: {analysis}"


def _anchor(folder: Path, manifest: dict[str, Any]) -> str:
    letters = f"{folder.resolve().name} {_name(manifest)}".lower()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in letters).split())


def _sentence(finding: str) -> str:
    is_name = finding.split(" ", 1)[0].endswith(":")
    return (finding if is_name else finding[0].upper() + finding[1:]) + "."


def _part(name: str) -> str:
    return (files("lissnas_analyses.report") / name).read_text()


def _library() -> str:
    """Return Vega-Lite and what it stands on, in one script."""
    made = subprocess.run([sys.executable, "-X", "utf8", "-c", _BUNDLE], capture_output=True, check=True)
    return made.stdout.decode().replace("</script", "<\\/script")
