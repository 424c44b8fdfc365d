"""Results: the folder where an analysis leaves its figures, the numbers behind them, and the manifest of the run."""

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

FORMAT = 1
"""The version of what folders of results hold; docs/results-format.md describes it."""

_MANIFEST = "manifest.json"

_PACKAGES = ("lissnas", "numpy", "scipy", "polars", "scikit-learn", "matplotlib")


class Results:
    """A folder of results: the files of one run of an analysis, and the manifest that names them.

    Files are held until the manifest is there too. Then they take the place of the last run's, so that nothing in the
    folder is of another run than its manifest says.

    Parameters
    ----------
    folder
        Where to; it is made if it is not there.
    analysis
        What is run, by the words of its command: "compare". A folder has one.

    Raises
    ------
    LissnasError
        If nothing can be written there, or another analysis has left its results there.
    """

    def __init__(self, folder: Path, analysis: str) -> None:
        self.folder = folder
        self.analysis = analysis
        self.files: list[str] = []
        self._held: dict[str, bytes] = {}
        self._started = time.monotonic()
        make_folder(folder)
        theirs = _last_manifest(folder).get("analysis", analysis)
        if theirs != analysis:
            raise LissnasError(another_run(folder, "analysis", theirs, analysis))

    def add_table(self, name: str, frame: pl.DataFrame) -> None:
        """Hold numbers as Parquet and CSV."""
        self._hold({f"{name}.parquet": _content(frame.write_parquet), f"{name}.csv": _content(frame.write_csv)})

    def add_figure(self, name: str, figure: "Figure") -> None:
        """Hold a figure as PNG and SVG."""
        self._hold(figure_files(name, figure))

    def add_existing_file(self, name: str) -> None:
        """List a file that is in the folder already."""
        self.files.append(name)

    def is_unchanged(self, described: dict[str, Any]) -> bool:
        """Tell whether the folder has all files as they are held, and a manifest that says so of these keys.

        If so, this run found nothing new, and all may stay as it is: they are listed as if this run had written them.
        """
        theirs = _last_manifest(self.folder)
        if any(theirs.get(key) != value for key, value in (described | {"files": self.files}).items()):
            return False
        if any((self.folder / name).read_bytes() != content for name, content in self._held.items()):
            return False
        self.files.append(_MANIFEST)
        return True

    def save_for_benchmark(
        self,
        benchmark: Benchmark,
        settings: dict[str, Any],
        findings: Sequence[str] = (),
        *,
        methods: Sequence[str] = (),
        optimizers: Sequence[str] = (),
    ) -> None:
        """Save all, and what was run on a study, as `save` does, with the names of methods and optimizers."""
        subject = {
            "benchmark": benchmark.name,
            "dataset": benchmark.dataset,
            "selected_by": benchmark.selects.describe(),
            "reported_by": benchmark.reports.describe(),
            "unit": benchmark.unit,
            "data": asdict(benchmark.table.provenance.source),
            "methods": list(methods),
            "optimizers": list(optimizers),
        }
        self.save(subject, settings, findings)

    def save(self, subject: dict[str, Any], settings: dict[str, Any], findings: Sequence[str] = ()) -> None:
        """Save all, and what was run: on which data, with their checksums, versions, settings, git commit, wall time.

        `findings` are sentences that say what came out. What the last run left and this one did not make is deleted.
        """
        described = (
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
        replaced = set(_last_manifest(self.folder).get("files", ())) - set(self.files)
        for name in (_MANIFEST, *replaced):
            (self.folder / name).unlink(missing_ok=True)
        self._hold({_MANIFEST: json.dumps(described, indent=2).encode()})
        write_files(self.folder, self._held)

    def _hold(self, files: dict[str, bytes]) -> None:
        self._held |= files
        self.files += files


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder of results; raises LissnasError if there is none, or a later version wrote it."""
    try:
        manifest = dict(json.loads((folder / _MANIFEST).read_bytes()))
        manifest["versions"]["lissnas"]
        if any(Path(name).name != name for name in manifest["files"]):
            raise ValueError("a file elsewhere")
        newer = manifest.get("format", FORMAT) > FORMAT
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise LissnasError(
            f"{folder}: no folder of results ({type(error).__name__}); name one that a command of lissnas wrote"
        ) from error
    if newer:
        raise LissnasError(
            f"{folder}: results of format {manifest['format']}, written by lissnas {manifest['versions']['lissnas']}; "
            f"this version reads up to format {FORMAT}: upgrade lissnas"
        )
    return manifest


def make_folder(folder: Path) -> None:
    """Make a folder if it is not there; raises LissnasError if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise LissnasError(f"cannot write to {folder} ({error.strerror}): choose another folder with --out") from error


def figure_files(name: str, figure: "Figure") -> dict[str, bytes]:
    """Return a figure as the files of a PNG and an SVG.

    The SVG says in its metadata what the caption says, and holds no date, so that equal results are equal files. It is
    laid out as the PNG is: doing that anew takes as long as drawing.
    """
    said = {"Title": figure.get_suptitle(), "Description": figure.get_supxlabel(), "Date": None}
    pixels = _content(lambda file: figure.savefig(file, format="png"))
    figure.set_layout_engine("none")
    return {
        f"{name}.png": pixels,
        f"{name}.svg": _content(lambda file: figure.savefig(file, format="svg", metadata=said)),
    }


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files in their order, each beside its place and moved there when it is whole."""
    for name, content in files.items():
        with atomic_write(folder / name) as file:
            file.write(content)


def _content(write: Callable[[IO[bytes]], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _last_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest that a folder has from before; an empty one if it has none of ours."""
    try:
        return read_manifest(folder)
    except LissnasError:
        return {}


def command_line() -> str | None:
    """Return the command that runs this process, quoted for a shell; None if the process is not `lissnas`."""
    return shlex.join(["lissnas", *sys.argv[1:]]) if Path(sys.argv[0]).name == "lissnas" else None


def _git_commit() -> str | None:
    """Return the commit of the source tree this runs from, marked if it was changed; None outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
