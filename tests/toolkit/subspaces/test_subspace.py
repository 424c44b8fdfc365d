"""Subspaces: membership, sampling, pockets and files, also damaged ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.published.macro import macro
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from lissnas.subspaces.subspace_file import checksum, load, save


def _parts(small: Any, index: np.ndarray) -> list[set[int]]:
    """Return the connected components, found in plain Python."""
    parts: list[set[int]] = []
    for architecture in index:
        touching = [part for part in parts if any(small.distance[architecture, other] == 1 for other in part)]
        parts = [part for part in parts if part not in touching] + [{int(architecture)}.union(*touching)]
    return parts


@pytest.mark.parametrize("count", [1, 3, 5])
def test_pockets_are_the_connected_components(small: Any, count: int) -> None:
    for seed in range(10):
        subspace = ExplicitSubspace(small.space, np.random.default_rng(seed).permutation(small.space.size)[:count])
        label = pockets(subspace)
        components = [set(subspace.index[label == pocket].tolist()) for pocket in range(label.max() + 1)]
        assert sorted(map(sorted, components)) == sorted(map(sorted, _parts(small, subspace.index)))


def test_pocket_0_is_the_largest() -> None:
    space = macro()
    chains = ["00000000", "22222222", "22222221", "22222220", "11111111", "11111110"]
    subspace = ExplicitSubspace(space, space.index(space.read(chains)))
    assert np.bincount(pockets(subspace)).tolist() == [3, 2, 1]


def test_the_full_space_is_one_pocket(small: Any) -> None:
    assert not pockets(FullSpace(small.space)).any()


@given(st.lists(st.integers(0, 6560), min_size=1, max_size=40))
def test_a_subspace_contains_its_architectures_and_no_others(index: list[int]) -> None:
    space = macro()
    contained = ExplicitSubspace(space, np.array(index)).contains(space.all_rows())
    assert np.flatnonzero(contained).tolist() == sorted(set(index))


def test_a_subspace_contains_every_row_of_its_networks(multisets: Any) -> None:
    space = multisets.space
    subspace = ExplicitSubspace(space, space.index(space.read(["abcd"])))
    rows = np.array([[3, 1, 0, 2], [3, 1, 0, 3]], dtype=np.uint8)
    assert subspace.contains(rows).tolist() == [True, False]


def _some(space: Any) -> list[Subspace]:
    return [FullSpace(space), ExplicitSubspace(space, np.array([3, 1, 1, 2]))]


def test_a_full_sample_is_the_subspace(small: Any) -> None:
    for subspace in _some(small.space):
        sample = subspace.sample(subspace.size, np.random.default_rng(0))
        np.testing.assert_array_equal(np.sort(small.space.index(sample)), subspace.index)


def test_samples_are_uniform() -> None:
    space = macro()
    subspace = ExplicitSubspace(space, np.arange(0, 100, 10))
    rng = np.random.default_rng(0)
    drawn = np.concatenate([space.index(subspace.sample(3, rng)) for _ in range(2000)])
    # Each of ten is expected 600 times, with a standard deviation below 21; the bound is five of them.
    assert np.abs(np.bincount(drawn // 10, minlength=10) - 600).max() < 105


def test_a_sample_larger_than_the_subspace_is_refused(small: Any) -> None:
    for subspace in _some(small.space):
        with pytest.raises(SettingError, match="cannot draw"):
            subspace.sample(subspace.size + 1, np.random.default_rng(0))


# Files


@pytest.fixture
def saved(tmp_path: Path, mixed: Any) -> Path:
    path = tmp_path / "shrunk.parquet"
    save(ExplicitSubspace(mixed.space, np.array([4, 0, 1])), path, {"method": "lissnas", "settings": {"seeds": 30}})
    return path


def test_a_saved_subspace_loads_again(tmp_path: Path, small: Any) -> None:
    for number, subspace in enumerate(_some(small.space)):
        save(subspace, tmp_path / str(number), {})
        loaded, _provenance = load(tmp_path / str(number), small.space)
        np.testing.assert_array_equal(loaded.index, subspace.index)


def test_provenance_is_saved_with_the_subspace(saved: Path, mixed: Any) -> None:
    _subspace, provenance = load(saved, mixed.space)
    assert provenance["method"] == "lissnas"
    assert provenance["settings"] == {"seeds": 30}


def test_a_saved_subspace_is_a_plain_table_of_official_strings(saved: Path, mixed: Any) -> None:
    rows = mixed.space.rows(np.array([0, 1, 4]))
    assert pl.read_parquet(saved)["architecture"].to_list() == mixed.space.write(rows)


def test_a_subspace_of_another_space_is_refused(saved: Path, mixed: Any) -> None:
    with pytest.raises(LissnasError, match=f"a subspace of {mixed.space.name}, not of macro"):
        load(saved, macro())


def _rewritten(path: Path, architectures: list[Any], metadata: dict[str, str]) -> None:
    """Write a file that is not a subspace, with a valid checksum."""
    strings = [part for part in architectures if isinstance(part, str)]
    metadata = metadata | {"crc32": checksum(metadata.get("lissnas", ""), strings)}
    pl.DataFrame({"architecture": architectures}).write_parquet(path, metadata=metadata)


def _of(space: Any) -> dict[str, str]:
    return {"lissnas": json.dumps({"space": space.name})}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path, _: path.write_bytes(path.read_bytes()[:-1]), id="last byte lost"),
        pytest.param(lambda path, _: path.write_bytes(path.read_bytes()[:100]), id="cut short"),
        pytest.param(lambda path, _: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path, _: path.write_text("|none~0|\n" * 100), id="a text file"),
        pytest.param(lambda path, _: path.unlink(), id="no file"),
        pytest.param(lambda path, _: _rewritten(path, ["x"], {}), id="another program's table"),
        pytest.param(lambda path, space: _rewritten(path, ["x"], _of(space)), id="foreign strings"),
        pytest.param(lambda path, space: _rewritten(path, [None], _of(space)), id="missing strings"),
        pytest.param(lambda path, space: _rewritten(path, [7], _of(space)), id="numbers for strings"),
        pytest.param(lambda path, _: _rewritten(path, ["x"], {"lissnas": "[1]"}), id="provenance of another form"),
    ],
)
def test_a_damaged_subspace_is_refused(saved: Path, mixed: Any, damage: Any) -> None:
    damage(saved, mixed.space)
    with pytest.raises(LissnasError):
        load(saved, mixed.space)


def test_a_flipped_bit_in_the_metadata_causes_at_most_a_lissnas_error(saved: Path, mixed: Any) -> None:
    good = saved.read_bytes()
    footer = int.from_bytes(good[-8:-4], "little") + 8
    rng = np.random.default_rng(0)
    surprises = set()
    for _ in range(600):
        damaged = bytearray(good)
        damaged[-int(rng.integers(1, footer + 1))] ^= 1 << int(rng.integers(8))
        saved.write_bytes(damaged)
        try:
            load(saved, mixed.space)
        except LissnasError:
            pass
        except BaseException as error:  # polars panics outside Exception
            surprises.add(repr(error))
    assert surprises == set()


def test_altered_architectures_or_metadata_are_refused(saved: Path, mixed: Any) -> None:
    metadata, strings = pl.read_parquet_metadata(saved), pl.read_parquet(saved)["architecture"].to_list()
    original = {key: metadata[key] for key in ("lissnas", "crc32")}
    others = mixed.space.write(mixed.space.rows(np.array([2, 1, 4])))
    for architectures, text in ((others, original["lissnas"]), (strings, original["lissnas"].replace("30", "31"))):
        frame = pl.DataFrame({"architecture": architectures})
        frame.write_parquet(saved, metadata=original | {"lissnas": text})
        with pytest.raises(LissnasError, match="altered since it was saved"):
            load(saved, mixed.space)


def test_a_failed_save_leaves_only_the_earlier_file(saved: Path, mixed: Any) -> None:
    before = saved.read_bytes()
    with pytest.raises(TypeError):
        save(FullSpace(mixed.space), saved, {"rng": np.random.default_rng(0)})
    assert {path: path.read_bytes() for path in saved.parent.iterdir()} == {saved: before}
