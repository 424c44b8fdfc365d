"""The page about the architecture names the folders that exist."""

import re
from pathlib import Path

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
