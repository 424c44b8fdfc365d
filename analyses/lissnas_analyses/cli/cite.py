"""The command that tells what to cite."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from lissnas_analyses.cli.json_command import CommandResult, json_command
from lissnas_analyses.cli.terminal import show
from lissnas_analyses.results.citations import Citation, citations, known_names

if TYPE_CHECKING:
    Used = str
else:
    Used = Literal[known_names()] | str


@dataclass(frozen=True)
class CitationResult(CommandResult):
    """What to cite, this program first; entries for the same names are one."""

    citations: tuple[Citation, ...]


@json_command
def cite(*used: Annotated[Used, Parameter(show_choices=False)]) -> CitationResult:
    """Print BibTeX for whatever results used: benchmarks, methods, optimizers, and this program.

    Parameters
    ----------
    used
        Folders of results, files that 'lissnas shrink' saved, or names of benchmarks, methods and optimizers; by
        default LISSNAS.
    """
    found = citations(used or ("lissnas",))
    for one in found:
        names = ", ".join(one.names)
        told = f"% {names}\n{one.bibtex}" if one.bibtex else f"% without a paper: {names}"
        show(told)
    return CitationResult(found)
