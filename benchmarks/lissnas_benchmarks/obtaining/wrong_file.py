"""Say what a file or folder is that an importer could not read: another benchmark's file, a web page, a wrong folder.

Only the first bytes of a file, and the names in a folder, are looked at.
"""

import re
import zipfile
from itertools import islice
from pathlib import Path

_MOST_NAMES = 100_000
"""Maximum number of names in a folder to look at; NATS-Bench has 32,769."""

_TORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
"""The number with which files of torch.save began before torch 1.6."""

_STARTS = {
    b"BZh": ".pbz2",
    b"\x1f\x8b": ".gz",
    b"PAR1": ".parquet",
    b"version https://git-lfs": "lfs",
    b"\x80": ".pickle",
    b"<": "html",
    b"{": ".json",
}

_SUFFIXES = {".pickle": (".pickle", ".pkl", ".pd", ".anb", ".bench")}
"""The suffixes that official files of a kind have; default: the name of the kind."""

_KINDS = {
    ".pth": "a file of torch.save, as NAS-Bench-201 and TransNAS-Bench-101 publish it",
    ".pbz2": "a bzip2 file, as NATS-Bench publishes it",
    ".gz": "a gzip file: unpack it with 'gunzip'",
    ".parquet": "a Parquet table: declare it as your own table",
    ".pickle": "a plain pickle",
    ".json": "a JSON file",
    "lfs": "a pointer of Git LFS and not the file itself: run 'git lfs pull', or download it with a browser",
    "html": "a web page and not the file itself: the site asks for a click before it sends the file",
    "empty": "empty: the download failed",
}
"""What each kind of file is, and what to do about it where that is not obvious."""

_RECORD = re.compile(r"(?:.*/)?\d{6}\.pickle(\.pbz2)?")
"""The file of one architecture of NATS-Bench; authors publish it packed."""

_SPACES = {"tss": ("nats-bench-topology", "topology"), "sss": ("nats-bench-size", "size")}
"""The benchmark and the name of each space of NATS-Bench, by the part of its folder's name."""


def reads_archives(expected: str) -> bool:
    """Tell whether the reader of an official file takes the archive itself, by the file's name in the adapter."""
    return expected.endswith((".tar.gz", ".tar", ".zip"))


def why_no_data(path: Path) -> str:
    """Return what a file is that nobody can read: an empty one, a web page, a pointer of Git LFS; "" for any other."""
    kind = _kind(path) if path.is_file() else ""
    return _KINDS[kind] if kind in ("lfs", "html", "empty") else ""


def what_it_is(path: Path, expected: str) -> str:
    """Return what a file or folder is if it is not what its name in the adapter promises; "" if it may be.

    Parameters
    ----------
    path
        The file or folder that could not be read.
    expected
        The official name of the file or folder that the importer reads.
    """
    if path.is_dir():
        return _folder(path, expected)
    kind = _kind(path)
    if (
        kind == ""
        or reads_archives(expected)
        or expected.endswith(_SUFFIXES.get(kind, (kind,)))
        or (kind == ".pbz2" and expected.endswith("-simple"))
    ):
        return ""
    return _KINDS[kind]


def _folder(path: Path, expected: str) -> str:
    names = {file.name for file in islice(path.iterdir(), _MOST_NAMES)}
    wanted = expected.rpartition("/")[2]
    if wanted in names:
        return f"a folder that contains {wanted}: import {path / wanted}"
    records = [name for name in names if _RECORD.fullmatch(name)]
    if "." not in wanted and not expected.endswith("-simple"):
        return ""  # the official data is a folder, too
    if not expected.endswith("-simple"):
        content = " with NATS-Bench's records of single architectures" if records else ""
        return "" if reads_archives(expected) else f"a folder{content}: name the file {wanted}"
    if records and not any(name.endswith(".pbz2") for name in records):
        return "a folder whose records are unpacked (.pickle): import the folder with the .pickle.pbz2 files"
    inside = sorted(name for name in names if name.startswith("NATS-") and (path / name).is_dir())
    if inside and not records:
        return f"a folder that contains {inside[0]}: import {path / inside[0]}"
    return _other_space(path.name, expected)


def _other_space(name: str, expected: str) -> str:
    for part, (benchmark, space) in _SPACES.items():
        if part in name.lower() and part not in expected:
            return f"the {space} space of NATS-Bench: import it as {benchmark}"
    return ""


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    if _TORCH in start or zipfile.is_zipfile(path):
        return ".pth"
    found = (kind for magic, kind in _STARTS.items() if start.lstrip().startswith(magic))
    return next(found, "") if start else "empty"
