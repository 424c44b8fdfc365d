"""The folder of results of an analysis: its figures, their tables, and the manifest of the run."""

import errno
import io
import json
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
import polars as pl
from lissnas.errors import LissnasError, explain_os_error
from lissnas.storage.atomic_write import atomic_write, lock_file
from lissnas.storage.run_identity import another_run
from lissnas.storage.sealed_parquet import encode_parquet
from lissnas_benchmarks.benchmark import Benchmark

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 3
"""Version of the format of result folders, which docs/results-format.md describes. Other versions are refused."""

_MANIFEST = "manifest.json"

_STAGED = ".saving"
"""Folder in which a new set of results is complete before it replaces the old one; its manifest is written last."""

_LOCK = ".results.lock"
"""File that a process locks while it changes the results of a folder."""

_SVG_DPI = 100
"""Resolution of the parts of an SVG that are pixels: thousands of points, which would be slow and large as shapes."""

_PACKAGES = ("lissnas", "numpy", "scipy", "polars", "scikit-learn", "matplotlib")


class _CheckedManifest(msgspec.Struct):
    """The types of what readers of a manifest use; a manifest may be damaged or hostile."""

    versions: dict[str, str]
    files: list[str]
    format: int = 1
    analysis: str = ""
    command: str | None = None
    findings: list[str] = []
    benchmark: str = ""
    dataset: str = ""
    space: str = ""
    images: str = ""
    selected_by: str = ""
    reported_by: str = ""
    method: str = ""
    methods: list[str] = []
    optimizers: list[str] = []


class Results:
    """The files of one run of an analysis, and the manifest that lists them.

    `add_table` and `add_figure` keep files in memory. `save` replaces the files of the previous run by them, all
    together. A save that is killed has changed nothing, or the next reader or writer of the folder finishes it.

    Parameters
    ----------
    folder
        The folder to write to; it is created if necessary.
    analysis
        The command without `lissnas`, such as "compare". A folder belongs to one analysis.

    Raises
    ------
    LissnasError
        If the folder is not writable, or has the results of another analysis.
    """

    def __init__(self, folder: Path, analysis: str) -> None:
        self.folder = folder
        self.analysis = analysis
        self.files: list[str] = []
        self._pending: dict[str, bytes] = {}
        self._started = time.monotonic()
        make_folder(folder)
        with _folder_errors(folder):
            _recover(folder)
        previous = _previous_manifest(folder).get("analysis", analysis)
        if previous != analysis:
            raise LissnasError(another_run(folder, "analysis", previous, analysis))

    def add_table(self, name: str, frame: pl.DataFrame) -> None:
        """Add a table, to be saved as Parquet and CSV."""
        self.add_files(table_files(name, frame))

    def add_figure(self, name: str, figure: "Figure") -> None:
        """Add a figure, to be saved as PNG and SVG."""
        self.add_files(figure_files(name, figure))

    def add_files(self, files: dict[str, bytes]) -> None:
        """Add the contents of files by their names, such as those of a figure that another process drew."""
        self._pending |= files
        self.files += files

    def add_existing_file(self, name: str) -> None:
        """Add a file that is already in the folder to the manifest's list."""
        self.files.append(name)

    def is_unchanged(self, entries: dict[str, Any]) -> bool:
        """Return whether the folder already has exactly these files, and a manifest with these entries.

        If so, this run found nothing new and `save` is not needed; `files` then also lists the manifest.
        """
        previous = _previous_manifest(self.folder)
        if any(previous.get(key) != value for key, value in (entries | {"files": self.files}).items()):
            return False
        try:
            if any((self.folder / name).read_bytes() != content for name, content in self._pending.items()):
                return False
        except OSError:
            return False
        self.files.append(_MANIFEST)
        return True

    def save(self, subject: dict[str, Any], settings: dict[str, Any], findings: Sequence[str] = ()) -> None:
        """Save all files and the manifest, and delete the files of the previous run.

        Another process that saves to the folder is waited for.

        Parameters
        ----------
        subject
            Entries of the manifest that say what was analyzed, such as those of `benchmark_entries`.
        settings
            Settings of the run.
        findings
            What the analysis found, in sentences.

        Raises
        ------
        LissnasError
            If the files cannot be written; the results of the previous run are unchanged.
        """
        manifest = (
            {"format": FORMAT, "analysis": self.analysis, "methods": [], "optimizers": []}
            | subject
            | {
                "findings": list(findings),
                "command": command_line(),
                "settings": settings,
                "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
                "platform": platform.platform(),
                "git_commit": _git_commit(),
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "wall_seconds": round(time.monotonic() - self._started, 2),
                "files": self.files,
            }
        )
        self.add_files({_MANIFEST: json.dumps(manifest, indent=2).encode()})
        with _folder_errors(self.folder), lock_file(self.folder / _LOCK):
            _finish(self.folder)
            staged = self.folder / _STAGED
            try:
                staged.mkdir()
                for name, content in self._pending.items():  # the manifest is the last
                    if (self.folder / name).is_dir():
                        raise IsADirectoryError(errno.EISDIR, "", str(self.folder / name))
                    with atomic_write(staged / name) as file:
                        file.write(content)
            except BaseException:
                shutil.rmtree(staged, ignore_errors=True)
                raise
            _finish(self.folder)


def benchmark_entries(
    benchmark: Benchmark, *, methods: Sequence[str] = (), optimizers: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the entries of a manifest that say which benchmark, methods and optimizers were analyzed."""
    return {
        "benchmark": benchmark.name,
        "dataset": benchmark.dataset,
        "selected_by": benchmark.selects.describe(),
        "reported_by": benchmark.reports.describe(),
        "unit": benchmark.unit,
        "data": asdict(benchmark.table.provenance.source),
        "methods": list(methods),
        "optimizers": list(optimizers),
    }


def _recover(folder: Path) -> None:
    """Finish or undo what a killed process left in a folder, unless a process is saving there now."""
    if (folder / _STAGED).is_dir():
        with lock_file(folder / _LOCK):
            _finish(folder)


def _finish(folder: Path) -> None:
    """Move a complete set of staged results to its place, or delete an incomplete one; the caller has the lock.

    It may be killed at any point: the next call does what is left.
    """
    staged = folder / _STAGED
    if not staged.is_dir() or staged.is_symlink():
        return
    if (staged / _MANIFEST).is_file():
        new, previous = _previous_manifest(staged), _previous_manifest(folder)
        for outdated in set(previous.get("files", ())) - set(new.get("files", ())):
            if not (folder / outdated).is_dir():
                (folder / outdated).unlink(missing_ok=True)
        for path in sorted(staged.iterdir(), key=lambda path: path.name == _MANIFEST):  # the manifest is the last
            path.replace(folder / path.name)
    shutil.rmtree(staged)


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    """Raise an error of the operating system as a LissnasError that says what to do."""
    try:
        yield
    except OSError as error:
        raise LissnasError(f"the results are not saved: {explain_os_error(error, error.filename or folder)}") from error


def results_below(folder: Path) -> list[Path]:
    """Return the folders of results in a folder and below it, sorted; finish the saves there that were killed."""
    for staged in folder.rglob(_STAGED):
        with _folder_errors(staged.parent):
            _recover(staged.parent)
    return [manifest.parent for manifest in sorted(folder.rglob(_MANIFEST)) if manifest.parent.name != _STAGED]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder of results; finish a save there that was killed.

    Raises LissnasError if the folder has none, or one of another format.
    """
    with _folder_errors(folder):
        _recover(folder)
    manifest = _read_any_manifest(folder)
    written_as, written_by = manifest.get("format", 1), manifest["versions"]["lissnas"]
    if written_as != FORMAT:
        remedy = "upgrade lissnas" if written_as > FORMAT else "run the command again"
        raise LissnasError(
            f"{folder}: lissnas {written_by} wrote these results in format {written_as}; "
            f"this version reads format {FORMAT}: {remedy}"
        )
    return manifest


def _read_any_manifest(folder: Path) -> dict[str, Any]:
    """Return a manifest of any format; raises LissnasError if there is none."""
    try:
        manifest = dict(json.loads((folder / _MANIFEST).read_bytes()))
        json.dumps(manifest, ensure_ascii=False).encode()  # a text with half a character cannot be written
        checked = msgspec.convert(manifest, _CheckedManifest)
        checked.versions["lissnas"]
        if any(Path(name).name != name for name in checked.files):
            raise ValueError("a file outside the folder")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        why = str(error) if isinstance(error, msgspec.ValidationError) else type(error).__name__
        raise LissnasError(
            f"{folder}: not a folder of results ({why}); name a folder that a lissnas command wrote"
        ) from error
    return manifest


def make_folder(folder: Path) -> None:
    """Create a folder if necessary; raises LissnasError if it is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
            raise LissnasError(f"cannot write to {explain_os_error(error, folder)}") from error
        raise LissnasError(f"cannot write to {folder} ({error.strerror}): choose another folder with --out") from error


def table_files(name: str, frame: pl.DataFrame) -> dict[str, bytes]:
    """Return the contents of a table's Parquet and CSV file, by their names."""
    return {f"{name}.parquet": encode_parquet(frame), f"{name}.csv": _content(frame.write_csv)}


def figure_files(name: str, figure: "Figure") -> dict[str, bytes]:
    """Return the contents of a figure's PNG and SVG file, by their names.

    The SVG's metadata has title and caption but no date, so that equal results give equal files. Both files have one
    layout, because a layout takes as long as drawing.
    """
    from lissnas_analyses import style

    title = figure.get_suptitle().replace("\n", " ")
    metadata = {"Title": title, "Description": figure.get_supxlabel().replace("\n", " "), "Date": None}
    with style.house_style():
        style.fix_layout(figure)
        return {
            f"{name}.png": _content(lambda file: figure.savefig(file, format="png")),
            f"{name}.svg": _content(lambda file: figure.savefig(file, format="svg", dpi=_SVG_DPI, metadata=metadata)),
        }


def _content(write: Callable[[IO[bytes]], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _previous_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of the previous run in a folder; an empty one if there is none."""
    try:
        return _read_any_manifest(folder)
    except LissnasError:
        return {}


def command_line() -> str | None:
    """Return the command that runs this process, quoted for a shell; None if the process is not `lissnas`.

    Bytes of a file name that are not UTF-8 are written as escapes.
    """
    if Path(sys.argv[0]).name != "lissnas":
        return None
    return shlex.join(["lissnas", *sys.argv[1:]]).encode(errors="backslashreplace").decode()


def _git_commit() -> str | None:
    """Return the git commit of the source tree, with '-dirty' if it was changed; None outside a git repository."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
