"""Adapter: what a benchmark declares of itself, and how its official files become a Table."""

import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from lissnas.spaces.space import Floats, Indices, Rows, Space
from numpy.typing import NDArray

from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.table_file import curve_file


@dataclass(frozen=True)
class OfficialFile:
    """A file that the benchmark's authors publish.

    Attributes
    ----------
    name
        The file's name; for a file in an installed package, its path in the package.
    sha256
        The file's checksum; None if the authors publish none and several versions are in use.
    url
        A stable address to download the file from; None if there is no such address.
    size
        The file's size in bytes; None if it is not known.
    """

    name: str
    sha256: str | None = None
    url: str | None = None
    size: int | None = None

    def checked(self, path: Path, remedy: str) -> str:
        """Return the SHA-256 of the file at a path; "" for a folder.

        Raises MissingFileError if the file cannot be read, BenchmarkFileError if its checksum differs. Both messages
        end with the remedy.
        """
        try:
            if path.is_dir():
                return ""
            with path.open("rb") as file:
                checksum = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise MissingFileError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
        if self.sha256 not in (None, checksum):
            raise BenchmarkFileError(
                f"{path}: truncated, altered or of another version (sha256 {checksum[:12]}..., "
                f"not {str(self.sha256)[:12]}...); {remedy}"
            )
        return checksum


def in_repository(repository: str, path: str) -> str:
    """Return the address of a file in the default branch of a repository of GitHub, such as "owner/name"."""
    return f"https://raw.githubusercontent.com/{repository}/HEAD/{path}"


Signs = tuple[tuple[str, ...], ...]
"""Sets of texts, such as keys or column names: the start of a file that has all texts of one set is recognized."""


@dataclass(frozen=True)
class Import:
    """What an adapter gets to read a benchmark.

    Attributes
    ----------
    files
        The paths of the official files or folders, in the order of the adapter's `files`; their checksums are verified.
    folder
        The folder for learning curves; see `curves`.
    progress
        Call it now and then with the share that is done, 0 to 1.
    note
        Call it with one sentence about what the reader changed in or dropped from the files.
    """

    files: tuple[Path, ...]
    folder: Path
    progress: Callable[[float], None] = lambda share: None
    note: Callable[[str], None] = lambda sentence: None

    def curves(self, column: Column, rows: int, epochs: int) -> NDArray[np.float32]:
        """Return a float32 array of shape (rows, epochs), all NaN, memory-mapped to the file of a column's curves."""
        path = self.folder / curve_file(column)
        np.save(path, np.full((rows, epochs), np.nan, dtype=np.float32))  # a full disk fails here, not in a mapped page
        return np.load(path, mmap_mode="r+")


@dataclass(frozen=True)
class OtherForm:
    """A file in which another package publishes the measurements of a benchmark.

    Attributes
    ----------
    file
        The file.
    origin
        The package.
    signs
        What recognizes the file.
    read
        As `TableAdapter.read`.
    """

    file: OfficialFile
    origin: str
    signs: Signs
    read: Callable[[Import], Mapping[Column, Floats]]


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What a benchmark declares of itself, whether it is a table or a surrogate.

    Attributes
    ----------
    name
        The name that users type.
    title
        What was measured or is predicted, in one line.
    page
        The address where its authors publish it.
    license
        The license that its authors state.
    paper
        The paper to cite.
    space
        Makes its search space.
    files
        The official files that it is read from.
    package
        The installed package that contains the files, as (import name, requirement); None if there is no such package.
    obtain
        How to get the files if no package contains them.
    caveats
        What a user must know before trusting the numbers.
    bibtex
        One or several BibTeX entries; "" if there is no paper.
    signs
        What recognizes its file, besides the file's official name.
    """

    name: str
    title: str
    page: str
    license: str
    paper: str
    space: Callable[[], Space]
    files: tuple[OfficialFile, ...]
    package: tuple[str, str] | None = None
    obtain: str = ""
    caveats: tuple[str, ...] = ()
    bibtex: str = ""
    signs: Signs = ()

    @property
    def remedy(self) -> str:
        """What to do about a file that is missing or damaged."""
        if self.package:
            return f"install it again with 'pip install --force-reinstall {self.package[1]}'"
        get = f"lissnas data get {self.name}"
        is_downloaded = self.files and all(file.url for file in self.files)
        return f"run '{get}', or {self.obtain}" if is_downloaded and get not in self.obtain else self.obtain

    def installed_files(self) -> tuple[Path, ...]:
        """Return the paths of the files in the installed package, without importing that package.

        Raises MissingFileError if the package is not installed.
        """
        spec = importlib.util.find_spec(self.package[0]) if self.package else None
        if spec is None or not spec.submodule_search_locations:
            raise MissingFileError(f"{self.name}: its data is not here; {self.remedy}")
        folder = Path(spec.submodule_search_locations[0])
        return tuple(folder / file.name for file in self.files)


@dataclass(frozen=True, kw_only=True)
class TableAdapter(Adapter):
    """A benchmark that lists measured architectures.

    Attributes
    ----------
    read
        Returns the measured columns, each of shape (size,), or of the shape of `index`; it may write learning curves.
    selects, reports
        What methods may see, and what their results are judged by.
    index
        For a sampled benchmark: returns the measured architectures, as ascending indices of the space.
    rows
        For a sampled benchmark of a space too large for an index: returns the measured architectures, shape
        (n, genes), in the order of the columns.
    forms
        The files of other packages that it is also read from.
    """

    read: Callable[[Import], Mapping[Column, Floats]]
    selects: Measure
    reports: Measure
    index: Callable[[Import], Indices] | None = None
    rows: Callable[[Import], Rows] | None = None
    forms: tuple[OtherForm, ...] = ()

    def with_form(self, form: OtherForm | None) -> "TableAdapter":
        """Return the adapter that reads a file of this form; itself for None."""
        if form is None:
            return self
        address = f" ({form.file.url})" if form.file.url else ""
        obtain = f"download {form.file.name} of {form.origin}{address} again, or {self.remedy}"
        file = replace(form.file, url=None)  # 'lissnas data get' downloads the official file
        return replace(self, files=(file,), read=form.read, obtain=obtain)
