"""The Python code on the page about bridges runs, from the first line to the last."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "bridges.md"


@pytest.fixture(scope="module")
def page_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the variables of the page's code after it has run."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
            exec(compile(block, PAGE.name, "exec"), names)
    return names


def test_the_page_runs(page_variables: dict[str, Any]) -> None:
    assert len(page_variables["searched_rows"]) >= 30


def test_a_forest_and_a_rule_select_better_than_average_architectures(page_variables: dict[str, Any]) -> None:
    """The page's evaluators do select: their subspaces score higher than the full space."""
    space, evaluator = page_variables["space"], page_variables["evaluator"]
    selected = evaluator(space.rows(page_variables["by_forest"].subspace.index))
    assert np.nanmean(selected) > np.nanmean(evaluator(space.all_rows()))
    assert (space.rows(page_variables["by_rule"].subspace.index) == 3).mean() > 0.5
