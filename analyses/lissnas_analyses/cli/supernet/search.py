"""`lissnas supernet search`: searches the shrunk space by the scores of a trained supernet."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.supernet.options import Changes, Device, Folder, Limits, Logs, Recipe, limit_changes, open_run
from lissnas_analyses.cli.supernet.stage_result import SupernetStageResult, print_stage
from lissnas_analyses.sentences import counted

if TYPE_CHECKING:
    from lissnas_analyses.supernet.stage_results import ScoredNetwork


@dataclass(frozen=True)
class SupernetSearchResult(SupernetStageResult, CommandResult):
    """A search: the network with the highest score, and the number of distinct networks scored."""

    best: "ScoredNetwork"
    evaluations: int


@json_command
def search(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    limit: Limits = (),
    changes: Changes = (),
    device: Device = None,
    log: Logs = (),
) -> SupernetSearchResult:
    """Search the shrunk space, or the full space before any shrinking, for the network with the highest score.

    All scored networks are in the folder `search` of the run.
    """
    with open_run(recipe, (*changes, *limit_changes(limit, "limits.search_flops")), out, device, log) as run:
        from lissnas_analyses.supernet import stage_results

        networks, results = stage_results.search(run)
        requested = run.recipe.search.evaluations
        fewer = f" of {requested:,} requested: the search found no more" if len(networks) < requested else ""
        best = stage_results.best_network(networks)
        findings = (
            f"{counted(len(networks), 'network')} scored{fewer}",
            f"the best: {best.architecture}, {best.accuracy:.2f} %, {best.flops / 1e6:,.2f} M FLOPs, "
            f"{best.parameters:,} parameters",
        )
        return SupernetSearchResult(*print_stage(run, findings, results), best, len(networks))
