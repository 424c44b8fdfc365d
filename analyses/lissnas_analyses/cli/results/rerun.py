"""`lissnas rerun`: repeats results from their manifest, and says that they are equal, or what differs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import progress, say
from lissnas_analyses.results.rerun import RepeatedResults, find_results, repeated_command, rerun_command
from lissnas_analyses.sentences import counted


@dataclass(frozen=True)
class RerunResult(CommandResult):
    """Results that were repeated.

    Attributes
    ----------
    repeated
        Each folder of results and each saved subspace, with what differs.
    """

    repeated: tuple[RepeatedResults, ...]

    @property
    def exit_status(self) -> int:
        """1 if any results differ."""
        return int(any(one.differences for one in self.repeated))


@json_command
def rerun(results: Annotated[tuple[Path, ...], Parameter(negative=())], /) -> RerunResult:
    """Repeat results in a temporary folder, and say that they are equal, or which files and columns differ.

    Takes folders of results, their manifest.json, folders above them, and files that 'lissnas shrink' saved. Each
    command runs once, with the data in the cache. Files that a command names, such as those of --cheap, are looked up
    from the current folder. The exit status is 1 if anything differs.

    Parameters
    ----------
    results
        Folders of results, or files in them.
    """
    commands: dict[tuple[str, ...], list[Path]] = {}
    for path in dict.fromkeys(found for given in results for found in find_results(given)):
        commands.setdefault(repeated_command(path), []).append(path)
    repeated: list[RepeatedResults] = []
    with progress() as report:
        for done, (words, paths) in enumerate(commands.items()):
            report(f"repeating {' '.join(words[:2])}", done / len(commands))
            repeated += rerun_command(words, paths)
    for one in repeated:
        same = f"equal, {counted(one.files, 'file')} compared" if not one.differences else "not equal"
        say(f": {same}", bold=str(one.results))
        say(one.command, indent=2)
        for sentence in (*one.differences, *one.notes):
            say(sentence, indent=2)
    return RerunResult(tuple(repeated))
