"""`lissnas report`: one HTML file of results."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import progress, say
from lissnas_analyses.sentences import counted


@dataclass(frozen=True)
class ReportResult(CommandResult):
    """A report.

    Attributes
    ----------
    file, bytes
        The HTML file and its size.
    results
        The folders of results that it shows.
    """

    file: Path
    bytes: int
    results: tuple[Path, ...]


@json_command
def report(*results: Annotated[Path, Parameter(required=True)], out: Path = Path("report.html")) -> ReportResult:
    """Make one HTML file of results that opens offline: findings, figures, and interactive maps of the spaces.

    Parameters
    ----------
    results
        Folders of results, or folders that contain some.
    out
        The HTML file to write.
    """
    from lissnas.errors import LissnasError
    from lissnas.storage.atomic_write import atomic_write

    from lissnas_analyses.report.page import write_report
    from lissnas_analyses.results.folder import results_below

    with_repetition = [found for folder in results for found in results_below(folder)]
    folders = tuple(dict.fromkeys(with_repetition))
    if not folders:
        raise LissnasError(
            f"no results in {', '.join(map(str, results))}: make some, for example with 'lissnas reproduce'"
        )
    with progress() as show_step:
        page = write_report(folders, progress=lambda share: show_step("packing figures and maps", share)).encode()
    try:
        with atomic_write(out) as file:
            file.write(page)
    except OSError as error:
        raise LissnasError(f"cannot write {out} ({error.strerror}): choose another file with --out") from error
    say(f"{out}: {counted(len(folders), 'folder')} of results, {len(page) / 1e6:.1f} MB")
    return ReportResult(out, len(page), folders)
