"""Pickled boosters: converted by the library that wrote them, or refused; nothing in them is run."""

import json
import os
import pickle
import re
import sys
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.spaces.published.darts import darts
from lissnas_benchmarks.adapters.nas_bench_301 import features
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.surrogates import boosters
from lissnas_benchmarks.surrogates.boosters import Library, MissingPackageError, convert, convert_all

GOLDEN = Path(__file__).parents[1] / "nas_bench_301"
"""Models that tell nothing, made by `nas_bench_301_official.py`."""

MEMBER = Path("xgb_v1.0") / "ensemble_member_0"


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("it-ran",)


def _pickled(module: str, state: object) -> bytes:
    """Return the pickle of a booster with these attributes, written by hand: no library is needed."""
    return b"\x80\x04c" + module.encode() + b"\nBooster\n)\x81" + pickle.dumps(state, 4)[2:-1] + b"b."


XGBOOST = (GOLDEN / MEMBER / "surrogate_model.model").read_bytes()

HOSTILE = [
    pytest.param(pickle.dumps(_Runs()), id="a call"),
    pytest.param(_pickled("xgboost.core", {"handle": _Runs()}), id="a call for a handle"),
    pytest.param(_pickled("xgboost.core", {"best_score": _Runs(), "handle": b"x"}), id="a call beside the handle"),
    pytest.param(_pickled("xgboost.core", {"handle": defaultdict(os.getcwd)}), id="a function for a factory"),
    pytest.param(b"cbuiltins\neval\n(S'1'\ntR.", id="eval"),
    pytest.param(b"cxgboost.core\nBooster\ncbuiltins\ngetattr\n.", id="getattr"),
    pytest.param(b"cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR.", id="two gigabytes of a bytearray"),
    pytest.param(b"\x80\x05\x96\x00\x00\x00\x00\x02\x00\x00\x00.", id="eight gigabytes announced"),
    pytest.param(b"cxgboost.core\nXGBModel\n.", id="another class"),
    pytest.param(_pickled("lightgbm.basic", {"handle": "tree\n"}), id="a booster of the other library"),
    pytest.param(_pickled("xgboost.core", {}), id="no handle"),
    pytest.param(_pickled("xgboost.core", {"handle": None}), id="an untrained booster"),
    pytest.param(_pickled("xgboost.core", {"handle": "text"}), id="a text for a handle"),
    pytest.param(_pickled("xgboost.core", [("handle", b"x")]), id="a list for a state"),
    pytest.param(pickle.dumps({"handle": b"x"}), id="a dictionary"),
    pytest.param(pickle.dumps(OrderedDict(handle=b"x")), id="an ordered dictionary"),
    pytest.param(b"", id="empty"),
    pytest.param(b"PK\x03\x04", id="an archive"),
    *(pytest.param(XGBOOST[:size], id=f"cut to {size}") for size in (1, 30, 100, 4000, len(XGBOOST) - 1)),
]


HOSTILE_TOO = [
    pytest.param(pickle.dumps(_Runs()), id="a call"),
    pytest.param(
        _pickled("lightgbm.basic", {"params": {"x": _Runs()}, "handle": "tree"}), id="a call beside the handle"
    ),
    pytest.param(XGBOOST, id="a booster of the other library"),
    pytest.param(_pickled("lightgbm.basic", {"handle": b"tree"}), id="bytes for a text"),
]


@pytest.mark.parametrize(
    ("library", "data"),
    [
        *(pytest.param("xgboost", *case.values, id=f"xgboost, {case.id}") for case in HOSTILE),
        *(pytest.param("lightgbm", *case.values, id=f"lightgbm, {case.id}") for case in HOSTILE_TOO),
    ],
)
def test_a_pickle_of_anything_but_a_booster_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: Library, data: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "surrogate_model.model"
    path.write_bytes(data)
    with pytest.raises(BenchmarkFileError, match=re.escape(str(path))):
        convert(path, library, 56)
    assert not (tmp_path / "it-ran").exists()


def test_a_missing_library_raises_an_error_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(MissingPackageError, match=re.escape("pip install 'lissnas[surrogates]'")):
        convert(GOLDEN / MEMBER / "surrogate_model.model", "xgboost", 56)


@pytest.mark.parametrize(
    ("library", "member"), [("xgboost", MEMBER), ("lightgbm", Path("lgb_runtime_v1.0") / "ensemble_member_0")]
)
def test_a_booster_of_other_features_is_refused(library: Library, member: Path) -> None:
    pytest.importorskip(library)
    with pytest.raises(BenchmarkFileError, match="a booster of 56 features instead of 34"):
        convert(GOLDEN / member / "surrogate_model.model", library, 34)


def test_a_booster_that_a_later_xgboost_wrote_is_refused_and_not_misread(tmp_path: Path) -> None:
    pytest.importorskip("xgboost")
    path = tmp_path / "surrogate_model.model"
    path.write_bytes(XGBOOST.replace(b"\x03i\x01i\x07i\x06", b"\x03i\x63i\x02i\x00"))
    with pytest.raises(BenchmarkFileError, match=r"written by XGBoost 99\.2"):
        convert(path, "xgboost", 56)


@pytest.mark.parametrize(
    ("library", "handle"),
    [
        ("xgboost", b"x"),
        ("xgboost", b"CONFIG-offset:" + bytes(1000)),
        ("lightgbm", "tree\n"),
        ("lightgbm", "tree\nversion=v4\n\nend of trees\n"),
    ],
)
def test_a_file_that_a_library_cannot_read_or_crashes_on_is_refused(
    tmp_path: Path, library: Library, handle: object
) -> None:
    pytest.importorskip(library)
    path = tmp_path / "surrogate_model.model"
    path.write_bytes(_pickled("xgboost.core" if library == "xgboost" else "lightgbm.basic", {"handle": handle}))
    with pytest.raises(BenchmarkFileError, match=rf"{path}: (cannot be read by|{library} crashed|damaged: )"):
        list(convert_all([(path, library, tmp_path / "converted")], 56))
    assert not (tmp_path / "converted").exists()


def test_a_booster_of_2020_is_read(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    [path] = GOLDEN.glob("xgboost-1.2.1.model")
    if int(xgboost.__version__.split(".")[0]) > 3 or xgboost.__version__.split(".")[:2] >= ["3", "1"]:
        with pytest.raises(BenchmarkFileError, match=re.escape("install 'xgboost<3.1' for the import")):
            convert(path, "xgboost", 56)
        return
    converted = tmp_path / "booster.ubj"
    converted.write_bytes(convert(path, "xgboost", 56))
    cases = json.loads((GOLDEN / "predictions.json").read_text())["cases"]
    rows = darts().read([case["architecture"] for case in cases])
    predicted = boosters.Ensemble([converted], "xgboost", 56).predict(len(rows), lambda block: features(rows[block]))
    expected = json.loads(path.with_suffix(".json").read_text())
    np.testing.assert_array_equal(predicted[0], expected)
