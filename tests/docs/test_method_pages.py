"""The page of each method has its sections, and its settings with their defaults."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import pytest
from lissnas.predictors.trees import BoostedTrees, ExtraTrees
from lissnas.shrinkers.shrink import shrinker_class, shrinker_names

METHODS = Path(__file__).parents[2] / "docs" / "methods"

METHOD_SECTIONS = ("What it does", "When to use it", "Settings", "Source", "What we measured")
"""Sections of a page of a shrinking method, in order; a method with a paper also says how ours differs from it."""


@pytest.mark.parametrize("method", shrinker_names())
def test_a_page_of_a_method_has_its_sections_in_order_and_its_equation(method: str) -> None:
    page = (METHODS / f"{method}.md").read_text()
    sections = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert tuple(sections[:5]) == METHOD_SECTIONS
    assert "\n### The equation" in page
    assert f"class `{shrinker_class(method).__name__}`" in page


@pytest.mark.parametrize("method", shrinker_names())
def test_a_page_of_a_method_lists_every_setting_with_its_default(method: str) -> None:
    page = (METHODS / f"{method}.md").read_text()
    listed = dict(re.findall(r"^\| `--([a-z-]+)` \| (\S+) \|", page, re.MULTILINE))
    settings = fields(cast(Any, shrinker_class(method)))
    assert listed == {setting.name.replace("_", "-"): str(setting.default) for setting in settings}


def test_the_page_of_predictors_states_the_settings_of_the_trees() -> None:
    page, extra, boosted = (METHODS / "predictors.md").read_text(), ExtraTrees(), BoostedTrees()
    assert f"| {extra.trees} extremely randomized trees" in page
    assert f": {boosted.trees} trees of depth {boosted.depth}, learning rate {boosted.learning_rate}," in page
