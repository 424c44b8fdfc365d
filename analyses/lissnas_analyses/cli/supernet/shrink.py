"""`lissnas supernet shrink`: trains a supernet and shrinks its space in turn."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import say
from lissnas_analyses.cli.supernet.options import (
    Changes,
    Device,
    Folder,
    Limits,
    Logs,
    Recipe,
    Weights,
    limit_changes,
    open_run,
    weights_changes,
)
from lissnas_analyses.cli.supernet.stage_result import SupernetStageResult, print_stage

if TYPE_CHECKING:
    from lissnas_analyses.supernet.stage_results import RoundSummary


@dataclass(frozen=True)
class SupernetShrinkingResult(SupernetStageResult, CommandResult):
    """A space shrunk by a supernet.

    Attributes
    ----------
    rounds
        All rounds, in order.
    networks_at_least, networks_at_most
        Bounds on the size of the shrunk space; equal if its networks were counted.
    subspace_file
        The file of the shrunk space; null if no round was accepted.
    """

    rounds: "tuple[RoundSummary, ...]"
    networks_at_least: int
    networks_at_most: int
    subspace_file: Path | None


@json_command
def shrink(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    limit: Limits = (),
    weights: Weights = None,
    changes: Changes = (),
    device: Device = None,
    log: Logs = (),
) -> SupernetShrinkingResult:
    """Train a supernet, shrink its space by its scores, train in the shrunk space, and repeat.

    Finished trainings and rounds are not repeated. The shrunk spaces are in the folder `loop` of the run, a table of
    the rounds in `shrinking`.
    """
    all_changes = (*changes, *limit_changes(limit, "limits.shrinking_flops"), *weights_changes(weights))
    with open_run(recipe, all_changes, out, device, log) as run:
        from lissnas_analyses.supernet import stage_results

        trace, rounds, results = stage_results.shrink(run, lambda finished: say(str(finished), indent=2))
        at_least, at_most = trace.subspace.size_bounds
        size = f"{at_most:,}" if at_least == at_most else f"{at_least:,} to {at_most:,}"
        accepted = sum(each.accepted for each in rounds)
        file = run.folder.subspace_file(accepted) if accepted else None
        findings = [trace.stopped, f"{size} networks remain"]
        if file is not None:
            findings.append(f"shrunk space: {file}")
        return SupernetShrinkingResult(*print_stage(run, tuple(findings), results), rounds, at_least, at_most, file)
