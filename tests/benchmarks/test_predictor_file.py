"""Predictor files: scores reach their architectures however these are named, and each fault has its own error."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lissnas.bridges.dialects import write_architectures
from lissnas.errors import LissnasError, SettingError, UnknownNameError
from lissnas.spaces.published.cell201 import cell201
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.predictor_file import read_predictor, read_predictors

SPACE = cell201()
PLACES = np.array([7, 15_000, 0, 321])


def _frame() -> pl.DataFrame:
    return pl.DataFrame({"score": [1.0, 2.0, None, 4.0], "loss": [4, 3, 2, 1], "note": ["a", "b", "c", "d"]})


def _named_by(way: str, frame: pl.DataFrame) -> pl.DataFrame:
    rows = SPACE.rows(PLACES)
    if way == "strings":
        return frame.with_columns(arch=pl.Series(SPACE.write(rows)))
    if way == "the only strings":
        return frame.with_columns(note=pl.Series(SPACE.write(rows)))
    if way == "genes":
        return frame.drop("note").with_columns(**{f"gene{gene}": values for gene, values in enumerate(rows.T)})
    texts = write_architectures(rows, way, SPACE)
    return frame.drop("note").with_columns(pl.Series(way, texts if way == "naslib-201" else list(map(int, texts))))


def _numbered(number: float, name: str = "lissnas-index") -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda frame: frame.select("loss", pl.lit(number).alias(name))


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize(
    "way", ["strings", "the only strings", "genes", "official-index", "lissnas-index", "naslib-201", "spikenas"]
)
def test_scores_find_their_architectures(way: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"scores.{suffix}"
    frame = _named_by(way, _frame())
    if suffix == "csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    score, loss = read_predictors(str(path), SPACE)
    assert (score.name, loss.name) == ("score", "loss")
    np.testing.assert_array_equal(score.scores[PLACES], [1, 2, np.nan, 4])
    np.testing.assert_array_equal(loss.scores[PLACES], [4, 3, 2, 1])
    assert np.count_nonzero(~np.isnan(loss.scores)) == 4


def test_a_minus_before_the_column_says_that_lower_is_better(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    _named_by("strings", _frame()).write_parquet(path)
    found = read_predictor(f"{path}:-loss", SPACE)
    np.testing.assert_array_equal(found.scores[PLACES], [-4, -3, -2, -1])
    assert found.describe() == "the scores loss of scores.parquet"


def test_official_strings_take_precedence_over_an_index(shared_data: Path) -> None:
    path = shared_data / "nasbench201_supernet_scores.parquet"
    [one] = read_predictors(f"{path}:oneshot_supernet", SPACE)
    frame = pl.read_parquet(path)
    place = SPACE.index(SPACE.read(frame["arch"].to_list()))
    assert (place != frame["index"].to_numpy()).any()
    np.testing.assert_array_equal(one.scores[place], frame["oneshot_supernet"].to_numpy())


def test_architectures_that_are_not_in_the_file_are_missing_and_a_mark_of_failure_is_a_number(
    shared_data: Path,
) -> None:
    found = read_predictors(str(shared_data / "nasbench201_zero_cost.parquet"), SPACE)
    assert len(found) == 11
    assert {int(np.isnan(predictor.scores).sum()) for predictor in found} == {15_625 - 9_445}
    assert np.nanmin(next(one.scores for one in found if one.name == "zc_nwot")) == -1e8


@pytest.mark.parametrize(
    ("change", "source", "error", "said"),
    [
        (lambda frame: frame, "nowhere.parquet", MissingFileError, "this file of scores does not exist"),
        (lambda frame: frame, "{path}:skore", UnknownNameError, "did you mean 'score'"),
        (lambda frame: frame.drop("arch", "note"), "{path}", BenchmarkFileError, "no column names the architectures"),
        (
            lambda frame: pl.concat([frame, frame[:1].with_columns(loss=pl.lit(9, pl.Int64))]),
            "{path}:loss",
            BenchmarkFileError,
            "row 0 and row 4 are the same architecture",
        ),
        (lambda frame: frame.select("arch"), "{path}", BenchmarkFileError, "no numeric column"),
        (lambda frame: frame.with_columns(arch=pl.lit("|x|")), "{path}:loss", BenchmarkFileError, "not written as"),
        (_numbered(15_625), "{path}", BenchmarkFileError, "0 to 15624"),
        (_numbered(3), "{path}", BenchmarkFileError, "same architecture"),
        (_numbered(0.5), "{path}", BenchmarkFileError, "a whole number from 0 to 15624"),
        (_numbered(0, "index"), "{path}", BenchmarkFileError, "does not say whose numbering it is"),
    ],
)
def test_the_fault_of_a_file_is_in_the_message(
    change: object, source: str, error: type[LissnasError], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "scores.parquet"
    change(_named_by("strings", _frame())).write_parquet(path)  # type: ignore[operator]
    with pytest.raises(error, match=said):
        read_predictors(source.format(path=path), SPACE)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"PAR1 cut short")
    with pytest.raises(BenchmarkFileError, match="cannot be read"):
        read_predictors(str(path), SPACE)


def test_several_predictors_are_refused_if_one_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    _named_by("strings", _frame()).write_parquet(path)
    with pytest.raises(SettingError, match="choose one"):
        read_predictor(str(path), SPACE)


@pytest.mark.parametrize("column", ["architecture", "name", "naslib-201"])
def test_a_format_says_how_the_column_of_architectures_is_read(column: str, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    texts = write_architectures(SPACE.rows(PLACES), "naslib-201", SPACE)
    _frame().drop("note").with_columns(pl.Series(column, texts)).write_csv(path)
    loss = read_predictors(f"{path}:loss", SPACE, form="naslib-201")[0]
    np.testing.assert_array_equal(loss.scores[PLACES], [4, 3, 2, 1])
    assert "found 4 of the 15,625 architectures" in loss.matched
    with pytest.raises(UnknownNameError, match="format of cell201"):
        read_predictors(str(path), SPACE, form="naslib-301")
    _frame().drop("note").write_csv(path)
    with pytest.raises(BenchmarkFileError, match="no column has the architectures in the format naslib-201"):
        read_predictors(str(path), SPACE, form="naslib-201")
