"""What the results of all stages have in common, and how a stage is printed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lissnas_analyses.cli.shared.terminal import say

if TYPE_CHECKING:
    from lissnas.supernet.stages.supernet_run import SupernetRun

    from lissnas_analyses.results.folder import Results


@dataclass(frozen=True)
class SupernetStageResult:
    """The fields that the results of all stages share.

    Attributes
    ----------
    space, image_kind
        The search space of the supernet, and the kind of its images.
    findings
        What came out, in sentences.
    folder, files
        The folder of the stage, and the files written there.
    """

    space: str
    image_kind: str
    findings: tuple[str, ...]
    folder: Path
    files: tuple[str, ...]


def print_stage(
    run: "SupernetRun", findings: tuple[str, ...], results: "Results | None"
) -> tuple[str, str, tuple[str, ...], Path, tuple[str, ...]]:
    """Print the findings of a stage and where its results are; return the fields of `SupernetStageResult`."""
    network, images = run.recipe.network, run.recipe.images
    say(f", {images.kind}", bold=network.space)
    for sentence in findings:
        say(sentence, indent=2)
    folder = run.folder.path if results is None else results.folder
    say(f"{'checkpoints and recipe' if results is None else 'numbers and manifest'}: {folder}/", indent=2)
    files = () if results is None else tuple(results.files)
    return network.space, images.kind, findings, folder, files
