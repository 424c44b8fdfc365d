"""`lissnas cite`: BibTeX of what results used."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import show
from lissnas_analyses.results.citations import Citation, citations, known_names

if TYPE_CHECKING:
    Used = str
else:
    Used = Literal[known_names()] | str


@dataclass(frozen=True)
class CitationResult(CommandResult):
    """The citations, lissnas itself first."""

    citations: tuple[Citation, ...]


@json_command
def cite(*used: Annotated[Used, Parameter(show_choices=False)]) -> CitationResult:
    """Print BibTeX entries of the benchmarks, methods and optimizers that results used, and of lissnas itself.

    Parameters
    ----------
    used
        Folders of results, files that 'lissnas shrink' saved, or names of benchmarks, methods and optimizers;
        default: lissnas.
    """
    entries = citations(used or ("lissnas",))
    for entry in entries:
        names = ", ".join(entry.names)
        show(f"% {names}\n{entry.bibtex}" if entry.bibtex else f"% without a paper: {names}")
    return CitationResult(entries)
