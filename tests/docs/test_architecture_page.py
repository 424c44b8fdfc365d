"""The page about the architecture names the folders that exist."""

import re
from pathlib import Path
from pkgutil import resolve_name

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PACKAGES = ("toolkit/lissnas", "benchmarks/lissnas_benchmarks", "analyses/lissnas_analyses")


def test_the_tree_names_every_sub_package() -> None:
    folders = {path.parent.name for package in PACKAGES for path in (ROOT / package).rglob("*/__init__.py")}
    named = set(re.findall(r"(\w+)/", PAGE))
    assert folders <= named


def test_every_file_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:toolkit|benchmarks|analyses|tests|data)/[\w/]+\.(?:py|md))`", PAGE)
    places = [path for path in named if "NAME" not in path]
    assert places
    assert [path for path in places if not (ROOT / path).exists()] == []


def test_every_function_that_the_page_names_exists() -> None:
    section = PAGE.partition("## What a batch of rows passes through")[2].partition("\n## ")[0]
    names = re.findall(r"`(lissnas\w*(?:\.\w+)+)`", section)
    assert len(names) > 30
    for name in names:
        resolve_name(name)
