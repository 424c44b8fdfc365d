"""Small files in which a number could go wrong unseen: each is read as it was meant, or refused with the reason."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import darts
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.own_table import own_table
from lissnas_benchmarks.predictor_file import read_predictors

SPACE = cell201()
PLACES = np.array([10, 20, 30])
A, B, C = SPACE.write(SPACE.rows(PLACES))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    "text",
    [
        f"Unnamed: 0.1,Unnamed: 0,arch,val\n7,0,{A},1\n8,1,{B},2\n9,2,{C},3\n",  # saved twice by pandas
        f"level_0,arch,val\n7,{A},1\n8,{B},2\n9,{C},3\n",
        f"arch;val\n{A};1\n{B};2\n{C};3\n;\n;\n",  # a spreadsheet's empty last lines
        f"sep=;\narch;val\n{A};1\n{B};2\n{C};3\n",  # Excel states the separator
        f"arch;val\n{A};\u00a01\n {B};2\n{C} ;+3e0\n",
        f'arch;"a, b";val\n{A};1,2;1\n{B};1,2;2\n{C};1,2;3\n',  # commas that separate nothing
    ],
)
def test_row_numbers_and_empty_lines_are_no_scores(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    found = {one.name: one.scores for one in read_predictors(str(tmp_path / "t.csv"), SPACE)}
    assert found.keys() == {"val"}
    np.testing.assert_array_equal(found["val"][PLACES], [1, 2, 3])


def test_the_index_that_pandas_writes_into_parquet_is_no_score(tmp_path: Path) -> None:
    frame = pl.DataFrame({"arch": [A, B, C], "val": [1.0, 2.0, 3.0], "__index_level_0__": [9, 4, 2]})
    frame.write_parquet(tmp_path / "t.parquet")
    assert [one.name for one in read_predictors(str(tmp_path / "t.parquet"), SPACE)] == ["val"]


@pytest.mark.parametrize("naming", ["official-index", "gene0,gene1,gene2,gene3,gene4,gene5"])
def test_a_column_of_remarks_hides_no_column_that_names_architectures(naming: str, tmp_path: Path) -> None:
    cells = ",".join(["1"] * len(naming.split(",")))
    (tmp_path / "t.csv").write_text(f"{naming},remark,val\n{cells},good,5\n")
    [found] = read_predictors(f"{tmp_path / 't.csv'}:val", SPACE)
    assert np.count_nonzero(found.scores == 5) == 1


@pytest.mark.parametrize("name", ["a:b", "^$", "^a.*$", "*", "x^"])
def test_a_column_may_have_any_name(name: str, tmp_path: Path) -> None:
    """Polars reads some of them as expressions, and takes a text that begins with x^ for a compressed one."""
    (tmp_path / "t.csv").write_text(f"{name},arch\n1,{A}\n")
    [found] = read_predictors(f"{tmp_path / 't.csv'}:{name}", SPACE)
    assert found.scores[10] == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{A},1\n{B},2\n", "its first line is an architecture: add a line with the names"),
        (f"arch;val\n{A};0,5\n", "val is '0,5' in line 2, which is not a number"),
        (f"arch,val\n{A},−1\n", "val is '−1' in line 2"),
        (f"arch,val\n{A},1\n\n{B},2\n", "line 3 has 1 of 2 columns"),
        (f'arch,val,test\n"{A}",1,2\n"{B}",3\n', "line 3 has 2 of 3 columns"),
        (f'arch,val,test\n"{A}",1,"two\nlines"\n"{B}",3\n', "row 1 has 2 of 3 columns"),
        (f'arch,val\n"{A},1\n{B},2\n', "cannot be read|look for a quotation mark"),
        (f"arch,val\n{A},1\n|x|,2\n", "line 3: '|x|' is not written as cell201"),
        (json.dumps([{"arch": A, "val": True}, {"arch": B, "val": 1.5}]), "'val' has true or false among other values"),
        (f"arch,official-index,val\n{A},10,1\n", "line 2 is the architecture '.*', but its official-index is that of"),
        (f"arch,lissnas-index,val\n{A},10,1\n{B},30,1\n", "line 3 is the architecture '.*', but its lissnas-index"),
        ("official-index,val\n3,1\n15625,2\n", "line 3: cell201 has the indices 0 to 15624, not 15625"),
    ],
)
def test_what_could_be_read_wrongly_is_refused(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(BenchmarkFileError, match=why.replace("|x|", r"\|x\|")):
        read_predictors(str(tmp_path / "t.csv"), SPACE)


def test_two_columns_may_name_the_same_architectures(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"arch,lissnas-index,val\n{C},30,1\n{A},10,2\n")
    [found] = read_predictors(str(tmp_path / "t.csv"), SPACE)
    np.testing.assert_array_equal(found.scores[[30, 10]], [1, 2])


def _values(text: str, folder: Path, space: Any = SPACE, **declared: Any) -> dict[str, list[float]]:
    path = folder / "t.csv"
    path.write_text(text)
    adapter = own_table("t", lambda: space, path, **({"columns": ["val"], "missing": True} | declared))
    import_files(adapter, (path,))
    read = adapter.read(Import((path,), folder))
    return {column.name: values[~np.isnan(values)].tolist() for column, values in read.items()}


def test_a_gene_that_is_none_in_every_row_is_an_operation_and_not_missing(tmp_path: Path) -> None:
    genes = [f"e{gene}" for gene in range(6)]
    text = f"{','.join(genes)},val\n{','.join(['none'] * 6)},1\n"
    assert _values(text, tmp_path, gene_columns=genes) == {"val/t": [1]}
    with pytest.raises(BenchmarkFileError, match="e0 is none in line 3, but must be 0 to 4"):
        _values(f"{text}none,3,3,3,3,3,2\n3,3,3,3,3,4,2\n".replace("none,n", "3,n", 1), tmp_path, gene_columns=genes)


def test_an_error_in_percent_is_negated_after_its_unit_is_checked(tmp_path: Path) -> None:
    column = {"err": Column("negative-err", "d", "", "%")}
    declared: dict[str, Any] = {"columns": column, "lower_is_better": ["err"], "string_column": "arch"}
    assert _values(f"arch,err\n{A},5.5\n{B},7\n", tmp_path, **declared) == {"negative-err/d": [-5.5, -7]}
    for wrong, why in (("0.07", "multiply fractions by 100"), ("140", "its unit is %"), ("-7", "its unit is %")):
        with pytest.raises(BenchmarkFileError, match=why):
            _values(f"arch,err\n{A},0.055\n{B},{wrong}\n", tmp_path, **declared)


def test_whole_numbers_written_as_floats_are_the_choices_of_these_names(tmp_path: Path) -> None:
    space = CategoricalSpace("widths", (("8", "16", "1.0"), ("1", "2", "10")), "{},{}")
    declared: dict[str, Any] = {"space": space, "gene_columns": ["a", "b"], "named_genes": True}
    text = "a,b,val\n8.0,1.0,1\n16.00,2,2\n1.0,10.0,3\n"
    assert _values(text, tmp_path, **declared) == {"val/t": [1, 2, 3]}
    with pytest.raises(BenchmarkFileError, match=r"a is '8\.5' in line 3, but must be one of 8, 16, 1\.0"):
        _values("a,b,val\n8,1,1\n8.5,1,2\n", tmp_path, **declared)


def test_epoch_0_is_an_epoch(tmp_path: Path) -> None:
    text = f"arch,epoch,val\n{A},0,1\n{A},1,2\n"
    assert _values(text, tmp_path, string_column="arch", epoch_column="epoch") == {"val/t/0": [1], "val/t/1": [2]}


def test_architectures_of_huge_spaces_keep_their_index_and_their_runs(tmp_path: Path) -> None:
    text = f"lissnas-index,val\n{2**59 + 3},1\n{2**59 + 1},2\n"
    declared: dict[str, Any] = {"sampled": True, "missing": False}
    assert _values(text, tmp_path, darts(), string_column="lissnas-index", **declared) == {"val/t": [2, 1]}
    space = CategoricalSpace("wide", ("ab",) * 62, "{}" * 62)
    strings = space.write(space.rows(np.array([5, 5 + 2**58])))
    text = "arch,seed,val\n" + "".join(f"{string},{seed},1\n" for string in strings for seed in range(64))
    found = _values(text, tmp_path, space, string_column="arch", run_column="seed", **declared)
    assert found == {f"val/t/{seed}": [1, 1] for seed in range(64)}
