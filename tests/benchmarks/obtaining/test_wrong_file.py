"""A file that is another one than an importer expects: the error says what it is and what to do."""

import bz2
import io
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from lissnas_benchmarks.catalog import find_table_adapter
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.obtaining.recognition import recognize

NATS = "NATS-tss-v1_0-3ffb9-simple"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))


def _refused(name: str, path: Path, message: str) -> None:
    with pytest.raises(BenchmarkFileError, match=message):
        import_files(find_table_adapter(name), (path,))


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A folder of NATS-Bench with two records."""
    folder = tmp_path / NATS
    folder.mkdir()
    for name in ("meta.pickle.pbz2", "000000.pickle.pbz2", "000001.pickle.pbz2"):
        (folder / name).write_bytes(bz2.compress(pickle.dumps({})))
    return folder


def test_a_tar_archive_of_nats_bench_is_read_as_the_folder_in_it(records: Path) -> None:
    path = records.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        archive.add(records, NATS)
    _refused("nats-bench-topology", path, rf"{NATS}: 15,623 of 15,625 architectures are missing")


def test_the_parent_folder_the_other_space_and_unpacked_records_are_named(records: Path) -> None:
    _refused("nats-bench-topology", records.parent, rf"a folder that contains {NATS}: import .*/{NATS}")
    _refused("nats-bench-size", records, "the topology space of NATS-Bench: import it as nats-bench-topology")
    for path in records.glob("*.pbz2"):
        path.rename(path.with_suffix(""))
    _refused("nats-bench-topology", records, r"records are unpacked \(\.pickle\): import .* \.pickle\.pbz2 files")


def test_a_file_of_nas_bench_201_given_as_nats_bench_is_named(tmp_path: Path) -> None:
    path = tmp_path / "NAS-Bench-201-v1_1-096897.pth"
    path.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2))
    _refused("nats-bench-topology", path, "a file of nas-bench-201: import it with --as nas-bench-201")
    path = path.rename(tmp_path / "x.pth")
    _refused("nats-bench-topology", path, r"a file of torch\.save, as NAS-Bench-201 .* publish it")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("NAS-Bench-201/data.pkl", b"")
    _refused("nats-bench-topology", path, r"a file of torch\.save")


@pytest.mark.parametrize(
    "name",
    ["nas-bench-201", "nas-bench-101", "hw-nas-bench", "transnas-bench-101-micro", "nas-bench-macro", "digits-cells"],
)
def test_a_folder_for_a_benchmark_of_one_file_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    wanted = find_table_adapter(name).files[0].name.rpartition("/")[2]
    _refused(name, folder, rf"folder: it is a folder: name the file {wanted}")
    shutil.copy(__file__, folder / wanted)
    _refused(name, folder, rf"it is a folder that contains {wanted}: import .*folder/{wanted}")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty: the download failed"),
        (b"<!DOCTYPE html><html>", "a web page and not the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
    ],
)
def test_what_a_download_left_is_named(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "any.json").write_bytes(data)
    _refused("nas-bench-macro", tmp_path / "any.json", message)


def test_a_zip_archive_without_the_file_is_refused(tmp_path: Path) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("data/one.json", "{}")
        archive.writestr("data/two.json", "{}")
    (tmp_path / "any.zip").write_bytes(target.getvalue())
    message = "any.zip: an archive without nas-bench-macro_cifar10.json; run 'lissnas data get nas-bench-macro', or"
    _refused("nas-bench-macro", tmp_path / "any.zip", message)


@pytest.mark.parametrize(
    ("name", "file", "why"),
    [
        ("nas-bench-macro", "channel_bench_macro_resnet.json", "file of channel-bench-macro or channel-bench-macro-m"),
        ("nas-bench-101", "nas-bench-macro_cifar10.json", "a file of nas-bench-macro: import it with --as nas-bench-m"),
        ("nas-bench-macro", "formats/zc_nasbench201_sample.json", "NASLib's zero-cost scores: pass them as predictors"),
    ],
)
def test_a_file_of_another_benchmark_is_named_also_if_a_checksum_differs(
    name: str, file: str, why: str, shared_data: Path
) -> None:
    _refused(name, shared_data / file, why)


def test_what_is_no_data_is_named_without_a_benchmark(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"")
    with pytest.raises(BenchmarkFileError, match=r"x\.pth: it is empty: the download failed"):
        recognize(tmp_path / "x.pth")
    (tmp_path / "x.pth").write_bytes(b"<html>")
    with pytest.raises(BenchmarkFileError, match=r"x\.pth: it is a web page"):
        recognize(tmp_path / "x.pth")


def test_an_incomplete_folder_is_not_called_a_folder_where_a_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "spike" / "data" / "CIFAR10").mkdir(parents=True)
    _refused("spikenas-bench", tmp_path / "spike", "^SpikeNAS-Bench: 0 of 15,625 cells on cifar10")


def test_a_file_in_an_archive_is_named_by_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "download.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/rb.json", 'acc={"":["cifar10#val_acc"]}')
    _refused("nas-robbench-201", path, rf"^{path}: rb\.json: truncated, altered or of another version")
