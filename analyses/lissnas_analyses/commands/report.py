"""The command that makes the report."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lissnas_analyses.commands.answer import answering
from lissnas_analyses.commands.answers import Reported
from lissnas_analyses.commands.terminal import counted, progress, say


@answering
def report(*results: Annotated[Path, Parameter(required=True)], out: Path = Path("report.html")) -> Reported:
    """Make one HTML file of results, to look at without a network: findings, figures, and maps to walk through.

    Parameters
    ----------
    results
        Folders of results, or folders that hold some.
    out
        The file.
    """
    from lissnas.errors import LissnasError
    from lissnas.whole_file import whole_file

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
        with whole_file(out) as file:
            file.write(page)
    except OSError as error:
        raise LissnasError(f"cannot write {out} ({error.strerror}): choose another file with --out") from error
    say(f"{out}: {counted(len(folders), 'folder')} of results, {len(page) / 1e6:.1f} MB")
    return Reported(out, len(page), folders)
