"""Results: the folder where an analysis leaves its figures, the numbers behind them, and the manifest of the run."""

import json
import platform
import subprocess
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
from lissnas.whole_file import whole_file

from lissnas_analyses.command_line import command_line
from lissnas_analyses.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1
"""The version of what folders of results hold; docs/results-format.md describes it."""

_MANIFEST = "manifest.json"

_PACKAGES = ("lissnas", "numpy", "scipy", "polars", "scikit-learn", "matplotlib")


class Results:
    """A folder of results. Every file is written beside its place and moved there when it is whole.

    Parameters
    ----------
    folder
        Where to; it is made if it is not there.

    Raises
    ------
    LissnasError
        If nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[str] = []
        self._started = time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise LissnasError(
                f"cannot write to {folder} ({error.strerror}): choose another folder with --out"
            ) from error

    def frame(self, name: str, frame: pl.DataFrame) -> None:
        """Save numbers as Parquet and CSV."""
        self._write(f"{name}.parquet", frame.write_parquet)
        self._write(f"{name}.csv", frame.write_csv)

    def figure(self, name: str, figure: "Figure") -> None:
        """Save a figure as PNG and SVG; the SVG holds no date, so that equal results are equal files."""
        self._write(f"{name}.png", lambda file: figure.savefig(file, format="png"))
        self._write(f"{name}.svg", lambda file: figure.savefig(file, format="svg", metadata={"Date": None}))

    def manifest(
        self,
        study: Study,
        settings: dict[str, Any],
        findings: Sequence[str] = (),
        *,
        methods: Sequence[str] = (),
        optimisers: Sequence[str] = (),
    ) -> None:
        """Save what was run on a study, as `record` does, and by the names of which methods and optimisers."""
        subject = {
            "benchmark": study.benchmark.name,
            "dataset": study.dataset,
            "selected_by": study.selects.describe(),
            "reported_by": study.reports.describe(),
            "unit": study.unit,
            "data": asdict(study.table.provenance.source),
            "methods": list(methods),
            "optimisers": list(optimisers),
        }
        self.record(subject, settings, findings)

    def record(self, subject: dict[str, Any], settings: dict[str, Any], findings: Sequence[str] = ()) -> None:
        """Save what was run: on which data, with their checksums, versions, settings, seeds, git commit, wall time.

        `findings` are sentences that say what came out.
        """
        described = (
            {"format": FORMAT, "methods": [], "optimisers": []}
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
        self._write(_MANIFEST, lambda file: file.write(json.dumps(described, indent=2).encode()))

    def _write(self, name: str, write: Callable[[IO[bytes]], object]) -> None:
        with whole_file(self.folder / name) as file:
            write(file)
        self.files.append(name)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder of results; raises LissnasError if there is none, or a later version wrote it."""
    try:
        manifest = dict(json.loads((folder / _MANIFEST).read_bytes()))
        manifest["versions"]["lissnas"], manifest["files"]
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


def _git_commit() -> str | None:
    """Return the commit of the source tree this runs from, marked if it was changed; None outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
