"""The command that makes the report."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lissnas_analyses.cli.command_results import ReportResult
from lissnas_analyses.cli.json_command import json_command
from lissnas_analyses.cli.terminal import counted, progress, say


@json_command
def report(*results: Annotated[Path, Parameter(required=True)], out: Path = Path("report.html")) -> ReportResult:
    """Make one HTML file of results, to look at without a network: findings, figures, and maps to walk through.

    Parameters
    ----------
    results
        Folders of results, or folders that hold some.
    out
        The file.
    """
    from lissnas.errors import LissnasError
    from lissnas.storage.atomic_write import atomic_write

    from lissnas_analyses.report.page import write_report

    found = [path.parent for folder in results for path in sorted(folder.rglob("manifest.json"))]
    folders = tuple(dict.fromkeys(found))
    if not folders:
        raise LissnasError(
            f"no results in {', '.join(map(str, results))}: make some, for example with 'lissnas reproduce'"
        )
    with progress() as told:
        page = write_report(folders, progress=lambda share: told("packing figures and maps", share)).encode()
    try:
        with atomic_write(out) as file:
            file.write(page)
    except OSError as error:
        raise LissnasError(f"cannot write {out} ({error.strerror}): choose another file with --out") from error
    say(f"{out}: {counted(len(folders), 'folder')} of results, {len(page) / 1e6:.1f} MB")
    return ReportResult(out, len(page), folders)
