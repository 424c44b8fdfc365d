"""Trees of boosters: those of the libraries are passed; loops, gaps and other models are refused by what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lissnas_benchmarks.surrogates.booster_trees import check_lightgbm, check_xgboost
from lissnas_benchmarks.surrogates.boosters import convert

GOLDEN = Path(__file__).parents[1] / "nas_bench_301"
FEATURES = 56


@pytest.fixture(scope="module")
def text() -> str:
    """A booster as LightGBM writes it."""
    pytest.importorskip("lightgbm")
    path = GOLDEN / "lgb_runtime_v1.0" / "ensemble_member_0" / "surrogate_model.model"
    return convert(path, "lightgbm", FEATURES).decode()


@pytest.fixture
def model() -> dict[str, Any]:
    """A booster as XGBoost writes it."""
    xgboost = pytest.importorskip("xgboost")
    path = GOLDEN / "xgb_v1.0" / "ensemble_member_0" / "surrogate_model.model"
    booster = xgboost.Booster()
    booster.load_model(bytearray(convert(path, "xgboost", FEATURES)))
    return dict(json.loads(booster.save_raw("json")))


def test_a_booster_of_either_library_is_passed(text: str, model: dict[str, Any]) -> None:
    check_lightgbm(text, FEATURES)
    check_xgboost(json.dumps(model).encode(), FEATURES)


def _set(name: str, place: int, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda learner: learner["gradient_booster"]["model"]["trees"][2][name].__setitem__(place, value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(_set("left_children", 3, 0), "tree 2 is not a tree", id="a loop to the root"),
        pytest.param(_set("left_children", 1, 1), "tree 2 is not a tree", id="a node that is its own child"),
        pytest.param(_set("left_children", 0, 2), "tree 2 is not a tree", id="a child twice"),
        pytest.param(_set("right_children", 0, 10**6), "tree 2 is not a tree", id="a child that is not there"),
        pytest.param(_set("right_children", 0, -5), "tree 2 is not a tree", id="a child before the first"),
        pytest.param(_set("left_children", 0, -1), "a node with one child", id="one child"),
        pytest.param(_set("split_indices", 0, 56), "a feature that does not exist", id="a feature beyond the last"),
        pytest.param(_set("split_type", 0, 1), "splits by categories", id="categories"),
        pytest.param(_set("tree_param", "num_nodes", "99"), "states another number of nodes", id="another count"),  # type: ignore[arg-type]
        pytest.param(
            lambda learner: learner["gradient_booster"]["model"]["trees"][2]["right_children"].pop(),
            "lacks nodes",
            id="a node missing",
        ),
        pytest.param(
            lambda learner: learner["objective"].update(name="multi:softmax"), "does not predict a number", id="kind"
        ),
        pytest.param(
            lambda learner: learner["gradient_booster"]["model"]["iteration_indptr"].append(99), "rounds", id="rounds"
        ),
    ],
)
def test_an_xgboost_booster_that_is_not_a_sum_of_trees_is_refused(
    model: dict[str, Any], change: Callable[[dict[str, Any]], Any], why: str
) -> None:
    change(model["learner"])
    with pytest.raises(ValueError, match=why):
        check_xgboost(json.dumps(model).encode(), FEATURES)


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        pytest.param("left_child=2 ", "left_child=0 ", "tree 0 is not a tree", id="a loop"),
        pytest.param("right_child=1 ", "right_child=2 ", "tree 0 is not a tree", id="a child twice"),
        pytest.param("right_child=1 ", "right_child=99 ", "tree 0 is not a tree", id="a child that is not there"),
        pytest.param("right_child=1 ", "right_child=-99 ", "tree 0 is not a tree", id="a leaf that is not there"),
        pytest.param("right_child=1 ", "right_child=", "lacks nodes", id="a node missing"),
        pytest.param("num_leaves=8", "num_leaves=9", "lacks leaves", id="more leaves"),
        pytest.param("split_feature=12 ", "split_feature=56 ", "a feature that does not exist", id="a feature"),
        pytest.param("decision_type=2 ", "decision_type=3 ", "splits by categories", id="categories"),
        pytest.param("num_cat=0", "num_cat=1", "of another kind", id="a categorical tree"),
        pytest.param("num_class=1", "num_class=3", "its num_class is 3, not 1", id="classes"),
        pytest.param("feature_infos=", "feature_infos=none\nx=", "feature_infos are not for", id="features"),
        pytest.param("objective=regression", "objective=binary", "does not predict a number", id="kind"),
    ],
)
def test_a_lightgbm_booster_that_is_not_a_sum_of_trees_is_refused(text: str, was: str, now: str, why: str) -> None:
    assert was in text
    with pytest.raises(ValueError, match=why):
        check_lightgbm(text.replace(was, now, 1), FEATURES)
