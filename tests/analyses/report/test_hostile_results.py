"""A results folder is untrusted: its names and texts become text of the report, never tags or scripts."""

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
from lissnas_analyses import style
from lissnas_analyses.report.packed import Packed
from lissnas_analyses.report.page import write_report
from lissnas_analyses.report.picture import picture
from lissnas_analyses.results.folder import FORMAT, figure_files

SCRIPT = "<script>alert(1)<\u2215script><img src=x onerror=alert(1)>"
HOSTILE_NAME = "a autofocus onfocus=alert(1) \"'><b onclick=alert(1)>"


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.update(name for name, _ in attrs)
        self.tags[tag] += 1


def _drawing(title: str, caption: str) -> bytes:
    with style.house_style():
        figure, [axes] = style.new_figure(1, 1)
        axes.plot(np.arange(3.0))
        style.caption(figure, title, caption)
        return figure_files("drawing", figure)["drawing.svg"]


def _results(folder: Path) -> Path:
    """Write a results folder with hostile names and texts."""
    folder.mkdir()
    (folder / f"{HOSTILE_NAME}.svg").write_bytes(_drawing(SCRIPT, SCRIPT))
    (folder / f"{HOSTILE_NAME}.csv").write_text("1,2\n")
    row = {"benchmark": SCRIPT, "dataset": HOSTILE_NAME, "method": SCRIPT, "recall": 0.5, "low": 0.4, "high": 0.6}
    row |= {"series": SCRIPT, "budget": None, "size": 10.0, "evaluations": 20.0, "runs": 2, "best": True}
    rows = [row, row | {"method": "all labels", "best": False}]
    pl.DataFrame(rows).write_parquet(folder / "methods.parquet")
    pl.DataFrame([row | {"round": 1}]).write_parquet(folder / "recall.parquet")
    manifest = {
        "format": FORMAT,
        "analysis": SCRIPT,
        "benchmark": SCRIPT,
        "dataset": HOSTILE_NAME,
        "findings": [SCRIPT],
    }
    manifest |= {"command": f"lissnas '{SCRIPT}'", "versions": {"lissnas": SCRIPT}, "selected_by": SCRIPT}
    manifest |= {"reported_by": HOSTILE_NAME, "files": [f"{HOSTILE_NAME}.svg", "methods.parquet", "recall.parquet"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_hostile_folder_adds_no_tag_and_no_attribute_to_the_page(tmp_path: Path) -> None:
    tags = Tags()
    tags.feed(write_report([_results(tmp_path / HOSTILE_NAME)], title=SCRIPT))
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert tags.attributes["autofocus"] == 1  # that of the button that closes a figure
    assert tags.tags["img"] == 2


def test_a_page_refuses_scripts_that_are_not_its_own(tmp_path: Path) -> None:
    page = write_report([_results(tmp_path / "results")])
    policy = page.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.startswith("default-src 'none'")
    assert "script-src 'sha256-" in policy
    assert "'unsafe" not in policy.split("script-src")[1]


def test_a_caption_is_text_of_the_page_and_not_also_part_of_the_picture() -> None:
    drawing, packed = _drawing("A title", "A caption of several words. " * 9), Packed()
    figure = picture(drawing, "name", packed)
    [cropped] = packed.texts.values()
    assert "A caption of several words." in figure
    assert b"A caption of" in drawing.split(b"</metadata>")[1]
    assert b"A caption of" not in cropped.split(b"</metadata>")[1]
    assert b"A title" in cropped.split(b"</metadata>")[1]
    heights = [float(svg.split(b'height="')[1].split(b"pt")[0]) for svg in (drawing, cropped)]
    assert 0.6 * heights[0] < heights[1] < heights[0]
