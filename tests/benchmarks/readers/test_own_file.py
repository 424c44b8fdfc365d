"""Table files in the forms that people have: each is read as its writer meant it, or refused with its place."""

import gzip
import json
import time
import tracemalloc
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published.cell201 import cell201
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.predictor_file import read_predictor, read_predictors
from lissnas_benchmarks.readers.own_file import OwnFile, open_own_file

DIGITS = CategoricalSpace("digits", (("0", "1", "2"),) * 8, "{}" * 8)


def _opened(data: bytes | str, folder: Path, name: str = "t.csv") -> OwnFile:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return open_own_file(path)


TEXT = "arch,acc\n02,90.5\n11,\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", TEXT.encode()),
        ("T.CSV", TEXT.encode()),
        ("t.tsv", TEXT.replace(",", "\t").encode()),
        ("t.csv", TEXT.replace(",", ";").encode()),
        ("t.csv", TEXT.encode("utf-16")),
        ("t.csv", TEXT.encode("utf-8-sig")),
        ("t.csv", TEXT.replace("\n", "\r\n").encode()),
        ("t.csv", TEXT.encode() + b"\n\n"),
        ("t.csv", b'arch,acc\n"02"," 90.5"\n"11","N/A"\n'),
        ("t.csv.gz", gzip.compress(TEXT.encode())),
        ("t.json", b'[{"arch": "02", "acc": 90.5}, {"arch": "11", "acc": null}]'),
        ("t.json", b'{"arch": "02", "acc": 90.5}\n{"arch": "11"}\n'),
        ("t.json", b'{"arch": {"0": "02", "1": "11"}, "acc": {"0": 90.5, "1": NaN}}'),
        ("t.json", b'{"arch": ["02", "11"], "acc": ["90.5", "None"]}'),
    ],
)
def test_every_form_reads_as_the_same_table(name: str, data: bytes, tmp_path: Path) -> None:
    file = _opened(data, tmp_path, name)
    assert (file.names, file.texts("arch", "names")) == (("arch", "acc"), ["02", "11"])
    np.testing.assert_array_equal(file.numbers("acc"), [90.5, np.nan])


def test_categories_and_whole_floats_of_parquet_are_read(tmp_path: Path) -> None:
    frame = pl.DataFrame({"arch": pl.Series(["a", "b", "a"], dtype=pl.Categorical), "gene": [0.0, 1.0, 2.0]})
    frame.write_parquet(tmp_path / "t.parquet")
    file = open_own_file(tmp_path / "t.parquet")
    assert file.texts("arch", "names") == ["a", "b", "a"]
    assert file.integers("gene", "0 to 2").tolist() == [0, 1, 2]


@pytest.mark.parametrize("cell", ["95%", "1,000.5", "90,1", "about 90", "٩٠", "1_0"])
def test_text_that_is_no_number_is_named_with_its_line(cell: str, tmp_path: Path) -> None:
    file = _opened(f'arch,acc\na,90\nb,"{cell}"\n', tmp_path)
    with pytest.raises(BenchmarkFileError, match=rf"t\.csv: acc is '{cell}' in line 3, which is not a number"):
        file.numbers("acc")


@pytest.mark.parametrize("cell", ["nan", "N/A", "None", "NULL", "", " ", "#N/A", "<NA>"])
def test_the_usual_spellings_of_a_missing_number_are_missing(cell: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(_opened(f"a,b\n1,{cell}\n2,3\n", tmp_path).numbers("b"), [np.nan, 3])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"arch,test,test\na,1,2\n", "the columns 2 and 3 are both called 'test'"),
        (b"arch, test,test\na,1,2\n", "the columns 2 and 3 are both called 'test'"),
        (b"a,b\n1,2\n3\n4,5\n", "line 3 has 1 of 2 columns"),
        (b"a,b\n1,2,3\n", "line 2 has 3 of 2 columns"),
        (b'[{"a": 1, "a": 2}]', "a name occurs twice"),
        (b'[{"a": [1]}]', "'a' contains lists or objects"),
        (b'{"a": [1, 2], "b": [1]}', "different lengths"),
        (b"PK\x03\x04rest", "a ZIP archive or an Excel workbook"),
        (b"\x28\xb5\x2f\xfdrest", "decompress it with 'zstd -d'"),
        (b"\x80\x05rest", "a pickle"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"a,b\n\xe9,2\n", "neither Parquet nor text in UTF-8"),
        (b"\x1f\x8bcut short", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_with_the_reason(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError, match=rf"t\.csv: .*{message}"):
        _opened(data, tmp_path)


@pytest.mark.parametrize("quote", ["", '"'])
def test_architectures_that_look_like_numbers_stay_text(quote: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"index,network,acc\n0,{quote}02012100{quote},89.2\n1,{quote}00000001{quote},80\n")
    [found] = read_predictors(str(path), DIGITS)
    place = DIGITS.index(DIGITS.read(["02012100", "00000001"]))
    assert (found.name, found.scores[place].tolist()) == ("acc", [89.2, 80.0])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_path_is_never_a_pattern(suffix: str, tmp_path: Path) -> None:
    space = cell201()
    folder = tmp_path / "c[1]"
    folder.mkdir()
    for name, score in ((f"scores1.{suffix}", 1.0), (f"scores[1].{suffix}", 2.0)):
        frame = pl.DataFrame({"arch": space.write(space.rows(np.arange(2))), "score": [score, score]})
        (frame.write_csv if suffix == "csv" else frame.write_parquet)(folder / name)
    assert read_predictor(str(folder / f"scores[1].{suffix}"), space).scores[0] == 2.0


def test_the_official_index_is_that_of_the_official_files(shared_data: Path, tmp_path: Path) -> None:
    """The column `index` of the shared table is the official index; under its own name it is refused."""
    space = cell201()
    frame = pl.read_parquet(shared_data / "nasbench201_supernet_scores.parquet").sort("index")
    np.testing.assert_array_equal(space.index(space.read(frame["arch"].to_list())), official_order(space))
    path = tmp_path / "scores.csv"
    frame.select("index", "oneshot_supernet").write_csv(path)
    with pytest.raises(BenchmarkFileError, match=r"'index' does not say whose .* call it 'official-index'"):
        read_predictor(str(path), space)
    frame.select(pl.col("index").alias("official-index"), "oneshot_supernet").write_csv(path)
    found = read_predictor(str(path), space)
    np.testing.assert_array_equal(found.scores[official_order(space)], frame["oneshot_supernet"].to_numpy())
    assert found.matched == (
        "scores.csv: 15,625 rows found 15,625 of the 15,625 architectures of cell201 by the column 'official-index'"
    )


def test_copies_of_rows_are_dropped_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("architecture,acc\n02012100,89.2\n02012100,89.2\n02012100,89.2\n")
    assert read_predictor(str(path), DIGITS).matched.endswith("t.csv: dropped 2 copies of rows")
    path.write_text("architecture,acc\n02012100,89.2\n00000000,1\n02012100,89.3\n\n")
    with pytest.raises(BenchmarkFileError, match=r"line 2 and line 4 are the same .* acc is 89.2 and 89.3"):
        read_predictor(str(path), DIGITS)


@pytest.mark.slow
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file_of_15625_rows_is_read_in_half_a_second(separator: str, tmp_path: Path) -> None:
    space = cell201()
    path = tmp_path / "t.csv"
    score = np.random.default_rng(0).random(15_625)
    pl.DataFrame({"arch": space.write(space.all_rows()), "score": score}).write_csv(path, separator=separator)
    start = time.process_time()
    found = read_predictor(str(path), space)
    assert time.process_time() - start < 0.5
    np.testing.assert_array_equal(found.scores, score)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cn"]), min_size=1)


@given(
    cells=st.lists(st.tuples(TEXTS, st.none() | st.floats(allow_nan=False)), min_size=1, max_size=8),
    form=st.sampled_from([",", ";", "\t", "json"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_written_table_reads_as_it_was_meant(
    cells: list[tuple[str, float | None]], form: str, encoding: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names, numbers = map(list, zip(*cells, strict=True))
    frame = pl.DataFrame({"arch": names, "score": pl.Series(numbers, dtype=pl.Float64)})
    if form == "json":
        text = json.dumps([{"arch": name, "score": number} for name, number in cells])
    else:
        text = frame.write_csv(separator=form)
    file = _opened(text.encode(encoding), tmp_path_factory.getbasetemp(), "any")
    assert file.texts("arch", "names") == names
    expected = [np.nan if number is None else number for number in numbers]
    np.testing.assert_array_equal(file.numbers("score"), expected)


def test_a_small_file_takes_little_memory(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEXT)
    tracemalloc.start()
    open_own_file(tmp_path / "t.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
