"""Every line of Python on the page about bridges runs, from the first to the last."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "bridges.md"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the page's code leaves behind."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
            exec(compile(block, PAGE.name, "exec"), names)
    return names


def test_the_page_runs(ran: dict[str, Any]) -> None:
    assert len(ran["found"]) >= 30


def test_a_forest_and_a_rule_lead_to_better_networks_than_all(ran: dict[str, Any]) -> None:
    """What the page calls evaluators does select: scores of what is kept, against those of the whole space."""
    everything = ran["evaluator"](ran["space"].all_rows())
    kept = ran["evaluator"](ran["space"].rows(ran["by_forest"].subspace.index))
    assert np.nanmean(kept) > np.nanmean(everything)
    assert (ran["space"].rows(ran["by_rule"].subspace.index) == 3).mean() > 0.5
