"""The folder of results of an analysis: its figures, their tables, and the manifest of the run."""

import io
import json
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import polars as pl
from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import another_run
from lissnas_benchmarks.benchmark import Benchmark

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 2
"""Version of the format of result folders, which docs/results-format.md describes. Other versions are refused."""

_MANIFEST = "manifest.json"

_PACKAGES = ("lissnas", "numpy", "scipy", "polars", "scikit-learn", "matplotlib")


class Results:
    """The files of one run of an analysis, and the manifest that lists them.

    `add_table` and `add_figure` keep files in memory. `save` writes all of them and the manifest at once and deletes
    those of the previous run, so that the folder never mixes the files of two runs.

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
        previous = _previous_manifest(folder).get("analysis", analysis)
        if previous != analysis:
            raise LissnasError(another_run(folder, "analysis", previous, analysis))

    def add_table(self, name: str, frame: pl.DataFrame) -> None:
        """Add a table, to be saved as Parquet and CSV."""
        self._add({f"{name}.parquet": _content(frame.write_parquet), f"{name}.csv": _content(frame.write_csv)})

    def add_figure(self, name: str, figure: "Figure") -> None:
        """Add a figure, to be saved as PNG and SVG."""
        self._add(figure_files(name, figure))

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
        if any((self.folder / name).read_bytes() != content for name, content in self._pending.items()):
            return False
        self.files.append(_MANIFEST)
        return True

    def save(self, subject: dict[str, Any], settings: dict[str, Any], findings: Sequence[str] = ()) -> None:
        """Save all files and the manifest, and delete the files of the previous run.

        Parameters
        ----------
        subject
            Entries of the manifest that say what was analyzed, such as those of `benchmark_entries`.
        settings
            Settings of the run.
        findings
            What the analysis found, in sentences.
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
        outdated = set(_previous_manifest(self.folder).get("files", ())) - set(self.files)
        for name in (_MANIFEST, *outdated):
            (self.folder / name).unlink(missing_ok=True)
        self._add({_MANIFEST: json.dumps(manifest, indent=2).encode()})
        for name, content in self._pending.items():
            with atomic_write(self.folder / name) as file:
                file.write(content)

    def _add(self, files: dict[str, bytes]) -> None:
        self._pending |= files
        self.files += files


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


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder of results.

    Raises LissnasError if the folder has none, or one of another format.
    """
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
        manifest["versions"]["lissnas"]
        if any(Path(name).name != name for name in manifest["files"]):
            raise ValueError("a file outside the folder")
        if not isinstance(manifest.get("format", 1), int):
            raise TypeError("the format is not a number")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise LissnasError(
            f"{folder}: not a folder of results ({type(error).__name__}); name a folder that a lissnas command wrote"
        ) from error
    return manifest


def make_folder(folder: Path) -> None:
    """Create a folder if necessary; raises LissnasError if it is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise LissnasError(f"cannot write to {folder} ({error.strerror}): choose another folder with --out") from error


def figure_files(name: str, figure: "Figure") -> dict[str, bytes]:
    """Return the contents of a figure's PNG and SVG file, by their names.

    The SVG's metadata has title and caption but no date, so that equal results give equal files. Both files have one
    layout, because a layout takes as long as drawing.
    """
    from lissnas_analyses import style

    metadata = {"Title": figure.get_suptitle(), "Description": figure.get_supxlabel().replace("\n", " "), "Date": None}
    with style.house_style():
        style.fix_layout(figure)
        return {
            f"{name}.png": _content(lambda file: figure.savefig(file, format="png")),
            f"{name}.svg": _content(lambda file: figure.savefig(file, format="svg", metadata=metadata)),
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
    """Return the command that runs this process, quoted for a shell; None if the process is not `lissnas`."""
    return shlex.join(["lissnas", *sys.argv[1:]]) if Path(sys.argv[0]).name == "lissnas" else None


def _git_commit() -> str | None:
    """Return the git commit of the source tree, with '-dirty' if it was changed; None outside a git repository."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
