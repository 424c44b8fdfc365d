"""The identity of a run: it survives JSON, and a mismatch names the first field that differs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.errors import JournalError, LissnasError
from lissnas.storage.run_identity import RunIdentity

PATH = Path("run.jsonl")
IDENTITY = RunIdentity(
    space="macro",
    method="Lissnas",
    settings={"seeds": 5, "stop": None, "recipe": {"rate": 0.5, "milestones": (1, 2)}},
    seed=0,
    data={"images": "digits"},
    version="1.2",
)


def _check(mine: RunIdentity, theirs: RunIdentity) -> None:
    mine.check(PATH, json.loads(json.dumps(theirs.to_json())))


def test_an_identity_equals_itself_after_json() -> None:
    _check(IDENTITY, IDENTITY)
    _check(RunIdentity(), RunIdentity())


def test_empty_fields_are_left_out_but_seed_zero_is_not() -> None:
    assert RunIdentity(seed=0).to_json() == {"seed": 0}


def test_a_value_that_json_cannot_hold_is_kept_as_its_string() -> None:
    assert RunIdentity(data={"file": Path("a"), "tau": np.float64(0.5)}).to_json() == {
        "data": {"file": "a", "tau": 0.5}
    }


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"space": "mixed"}, "space is mixed; in this run it is macro"),
        ({"method": ""}, "method is not set; in this run it is Lissnas"),
        ({"seed": 1}, "seed is 1; in this run it is 0"),
        ({"data": {}}, "data.images is not set; in this run it is digits"),
        ({"version": "1.3"}, "version is 1.3; in this run it is 1.2"),
        ({"settings": IDENTITY.settings | {"seeds": 6}}, "settings.seeds is 6; in this run it is 5"),  # type: ignore[operator]
        (
            {"settings": IDENTITY.settings | {"recipe": {"rate": 0.1, "milestones": (1, 2)}}},  # type: ignore[operator]
            "settings.recipe.rate is 0.1; in this run it is 0.5",
        ),
    ],
)
def test_a_mismatch_names_the_file_the_field_both_values_and_the_way_out(
    changes: dict[str, Any], difference: str
) -> None:
    with pytest.raises(LissnasError) as caught:
        _check(IDENTITY, replace(IDENTITY, **changes))
    assert str(caught.value) == (
        f"run.jsonl: belongs to another run, in which {difference}; give each run its own file or folder"
    )


def test_a_mismatch_raises_the_error_that_the_caller_names() -> None:
    with pytest.raises(JournalError):
        IDENTITY.check(PATH, {}, JournalError)


@pytest.mark.parametrize("result", [None, [], "macro", 3])
def test_something_that_is_no_identity_is_refused(result: object) -> None:
    with pytest.raises(LissnasError, match="belongs to another run"):
        IDENTITY.check(PATH, result)
