"""CSV files of official strings: reading gives back what was written, and errors name each bad line."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lissnas.bridges.strings_file import read_strings, write_strings
from lissnas.errors import ArchitectureError
from lissnas.spaces.catalog import SPACES, make_space
from lissnas.spaces.published.macro import macro
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks.catalog import find_adapter

_SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)


@pytest.mark.parametrize("name", SPACES.builtin)
@_SAME_FOLDER
@given(count=st.integers(0, 40), seed=st.integers(0, 10**6))
def test_architectures_of_every_space_are_read_as_written_in_order(
    name: str, count: int, seed: int, tmp_path: Path
) -> None:
    space = make_space(name)
    rows = space.sample(count, np.random.default_rng(seed))
    write_strings(rows, space, tmp_path / "networks.csv")
    np.testing.assert_array_equal(read_strings(tmp_path / "networks.csv", space), rows)


@pytest.mark.parametrize("name", ["nas-bench-graph", "hw-nas-bench"])
def test_architectures_of_benchmarks_are_read_as_written(name: str, tmp_path: Path) -> None:
    space = find_adapter(name).space()
    rows = space.sample(200, np.random.default_rng(0))
    write_strings(rows, space, tmp_path / "networks.csv")
    np.testing.assert_array_equal(read_strings(tmp_path / "networks.csv", space), rows)


def test_the_file_has_a_header_and_one_string_per_line(tmp_path: Path) -> None:
    write_strings(macro().rows(np.array([0, 6560])), macro(), tmp_path / "two.csv")
    assert (tmp_path / "two.csv").read_bytes() == b"architecture\n00000000\n22222222\n"


def test_other_programs_read_the_same_strings(tmp_path: Path) -> None:
    space = make_space("darts")
    rows = space.sample(20, np.random.default_rng(0))
    write_strings(rows, space, tmp_path / "networks.csv")
    assert pl.read_csv(tmp_path / "networks.csv")["architecture"].to_list() == space.write(rows)


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """It has a byte order mark, other columns, Windows line ends and an empty last line."""
    text = "\ufeffaccuracy,architecture\r\n91.2,00000001\r\n,22222222\r\n\r\n"
    (tmp_path / "sheet.csv").write_bytes(text.encode())
    np.testing.assert_array_equal(macro().index(read_strings(tmp_path / "sheet.csv", macro())), [1, 6560])


def test_a_file_may_have_another_format(tmp_path: Path) -> None:
    (tmp_path / "tuples.csv").write_text('architecture\n"(2, 1, 0, 1, 1, 3)"\n"(0, 0, 0, 0, 0, 9)"\n')
    with pytest.raises(ArchitectureError, match="1 of 2 architectures cannot be read: line 3"):
        read_strings(tmp_path / "tuples.csv", make_space("cell201"), "naslib-201")
    (tmp_path / "tuples.csv").write_text('architecture\n"(2, 1, 0, 1, 1, 3)"\n')
    [string] = make_space("cell201").write(read_strings(tmp_path / "tuples.csv", make_space("cell201"), "naslib-201"))
    assert string == "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"


def test_a_subspace_is_restored_from_a_file(tmp_path: Path) -> None:
    kept = ExplicitSubspace(macro(), np.array([5, 900, 901]))
    write_strings(macro().rows(kept.index), macro(), tmp_path / "kept.csv")
    rows = read_strings(tmp_path / "kept.csv", macro())
    np.testing.assert_array_equal(ExplicitSubspace(macro(), macro().index(rows)).index, kept.index)


def test_bad_lines_are_counted_and_the_first_three_named(tmp_path: Path) -> None:
    strings = ["00000000"] * 6000
    for line in (3, 4444, 5000, 5001):
        strings[line - 2] = f"line {line}"
    (tmp_path / "bad.csv").write_text("\n".join(["architecture", *strings, ""]))
    with pytest.raises(ArchitectureError) as caught:
        read_strings(tmp_path / "bad.csv", macro())
    message = str(caught.value)
    assert f"{tmp_path}/bad.csv: 4 of 6,000 architectures cannot be read: line 3: 'line 3' is not written" in message
    assert "line 4444: 'line 4444'" in message
    assert "line 5000: 'line 5000'" in message
    assert "5001" not in message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "its first line is not a header with one column 'architecture'"),
        (b"00000000\n11111111\n", "its first line is not a header"),
        (b"architecture,architecture\n0,0\n", "its first line is not a header with one column"),
        (b"architecture\n\xff\xfe\n", "cannot be read .*utf-8"),
        (b'architecture\n"00000000\n', "cannot be read .*unexpected end of data"),
        (b'architecture\n"0000"0000\n', "cannot be read .*expected after"),
        (b"accuracy,architecture\n91.2\n", "line 2: '' is not written as macro writes it"),
        (b"architecture\n0000\x000000\n", "line 2: '.*' is not written"),
    ],
)
def test_a_malformed_file_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(data)
    with pytest.raises(ArchitectureError, match=rf"file\.csv: .*{message}"):
        read_strings(tmp_path / "file.csv", macro())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureError, match=r"absent\.csv: cannot be read"):
        read_strings(tmp_path / "absent.csv", macro())


@_SAME_FOLDER
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_as_architectures_or_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "any.csv").write_bytes(b"architecture\n" + data)
    try:
        rows = read_strings(tmp_path / "any.csv", macro())
    except ArchitectureError:
        return
    macro().index(rows)
