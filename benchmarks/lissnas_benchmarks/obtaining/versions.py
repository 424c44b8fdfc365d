"""Versions of what is in the cache: a file and the files that it vouches for change together, by one rename.

The files of a version are in a folder that is named by their checksums. So the file that has these checksums is
complete with its files at every moment: before its rename with those of the last import, then with the new ones.
"""

import json
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path


def version_folder(folder: Path, checksums: Mapping[str, object]) -> Path:
    """Return the subfolder that has the files of these checksums; `folder` itself in a cache of an earlier lissnas."""
    version = folder / _version(checksums)
    return version if version.is_dir() else folder


def replace_version(
    folder: Path, staged_files: Path, checksums: Mapping[str, object], staged: Path, path: Path
) -> None:
    """Replace a file of the cache and the files whose checksums it has; delete all older versions.

    Parameters
    ----------
    folder
        The folder of the versions.
    staged_files, checksums
        The folder of the new files, and the checksum of each by its name.
    staged, path
        The new file that has the checksums, and its place.
    """
    version = folder / _version(checksums)
    for name in checksums:
        version.mkdir(parents=True, exist_ok=True)
        (staged_files / name).replace(version / name)
    staged.replace(path)
    for other in folder.iterdir() if folder.is_dir() else ():
        if other.is_dir() and other != version:
            shutil.rmtree(other, ignore_errors=True)
        elif other.is_file() and other != path:
            other.unlink()
    if not checksums:
        shutil.rmtree(folder, ignore_errors=True)


def _version(checksums: Mapping[str, object]) -> str:
    return f"{zlib.crc32(json.dumps(checksums, sort_keys=True).encode()):08x}"
