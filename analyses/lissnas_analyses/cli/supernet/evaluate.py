"""`lissnas supernet evaluate`: scores architectures by a trained supernet."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import polars as pl
from cyclopts import Parameter, validators
from lissnas.bridges.dialects import OFFICIAL
from lissnas.errors import ArchitectureError, LissnasError, SettingError
from lissnas.spaces.space import Space
from lissnas_benchmarks.readers.untrusted_parquet import scan_untrusted_parquet

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.supernet.options import (
    Changes,
    Device,
    Folder,
    Form,
    Recipe,
    need_architecture,
    official_strings,
    open_run,
)
from lissnas_analyses.cli.supernet.stage_result import SupernetStageResult, print_stage
from lissnas_analyses.sentences import counted

if TYPE_CHECKING:
    from lissnas_analyses.supernet.stage_results import ScoredNetwork

_LISTED = 10
"""Maximum number of networks printed by name."""


@dataclass(frozen=True)
class SupernetEvaluationResult(SupernetStageResult, CommandResult):
    """Scored networks: those given, in their order, then the random ones."""

    networks: "tuple[ScoredNetwork, ...]"


@json_command
def evaluate(
    recipe: Recipe = None,
    /,
    *,
    out: Folder,
    architecture: Annotated[
        tuple[str, ...], Parameter(help="An architecture to score; may be repeated.", negative=())
    ] = (),
    file: Annotated[
        Path | None, Parameter(help="File of architectures, one per line, or with a column 'architecture'.")
    ] = None,
    random: Annotated[
        int,
        Parameter(help="Number of architectures to draw from the full space.", validator=validators.Number(gte=0)),
    ] = 0,
    form: Form = OFFICIAL,
    changes: Changes = (),
    device: Device = None,
) -> SupernetEvaluationResult:
    """Score architectures by the last trained weights, on held-out images.

    The batch norms of each architecture are recalibrated first. The scores are in the folder `evaluation` of the run.
    """
    if not architecture and file is None and not random:
        raise SettingError("nothing to score: give --architecture, --file or --random")
    need_architecture(form, bool(architecture) or file is not None, "--architecture and --file")
    with open_run(recipe, changes, out, device) as run:
        import numpy as np

        from lissnas_analyses.supernet import stage_results

        space = run.recipe.network.search_space()
        listed = () if file is None else _read_architectures(file, form, space)
        strings = (*official_strings(architecture, form, space), *listed)
        if not strings and not random:
            raise SettingError(f"nothing to score: {file} names no architecture")
        networks, results = stage_results.evaluate(run, strings, random)
        findings = [f"{counted(len(networks), 'network')} scored"]
        if len(networks) > _LISTED:
            mean = float(np.nanmean([network.accuracy for network in networks]))
            findings.append(f"mean {mean:.2f} %; the best {_LISTED}:")
        ranked = sorted(networks, key=lambda network: np.nan_to_num(network.accuracy, nan=-np.inf), reverse=True)
        findings += [
            f"{network.architecture}: {network.accuracy:.2f} %, {network.flops / 1e6:,.2f} M FLOPs, "
            f"{network.parameters:,} parameters"
            for network in ranked[:_LISTED]
        ]
        return SupernetEvaluationResult(*print_stage(run, tuple(findings), results), networks)


def _read_architectures(path: Path, form: str, space: Space) -> tuple[str, ...]:
    """Return the official strings of a file: one architecture per line, or in column 'architecture' of CSV or Parquet.

    Raises LissnasError for a file that cannot be read, and ArchitectureError with the line or row of a text that is not
    an architecture of the space in this format.
    """
    numbered = _numbered_strings(path)
    try:
        return official_strings([text for _, text in numbered], form, space)
    except ArchitectureError:
        for position, text in numbered:
            try:
                official_strings([text], form, space)
            except ArchitectureError as error:
                raise ArchitectureError(f"{path}, {position}: {error}") from error
        raise


def _numbered_strings(path: Path) -> list[tuple[str, str]]:
    """Return the position of each string in the file, and the string."""
    try:
        if path.suffix == ".parquet":
            rows = scan_untrusted_parquet(path).select(pl.col("architecture").cast(pl.String)).collect()["architecture"]
        elif path.suffix == ".csv":
            rows = pl.read_csv(path, glob=False, columns=["architecture"], infer_schema=False)["architecture"]
        else:
            lines = enumerate(path.read_text().splitlines(), 1)
            return [(f"line {number}", line.strip()) for number, line in lines if line.strip()]
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        reason = error.strerror if isinstance(error, OSError) else (str(error).splitlines() or [""])[0]
        raise LissnasError(
            f"{path}: cannot be read ({reason}); give a file with one architecture per line, or with a column "
            "'architecture'"
        ) from error
    return [(f"row {number}", string or "") for number, string in enumerate(rows, 1)]
