"""`lissnas supernet latency`: measures the latency of each block of a space on your device."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import activity, progress, say
from lissnas_analyses.cli.supernet.options import AnyRecipe, Changes, Device, check_device, need_torch


@dataclass(frozen=True)
class LatencyResult(CommandResult):
    """A measured table of latencies.

    Attributes
    ----------
    space, device
        The search space, and the name of the device.
    batch_size, threads
        Number of images at once, and of threads of the processor.
    blocks
        Number of measured choices.
    networks
        Number of complete networks that were measured.
    tau
        Kendall's tau between summed and measured latency; null if all sums are equal.
    mean_error, mean_error_of_sums
        Mean error of the predictions in percent, and without the scale.
    file
        The file of the table.
    """

    space: str
    device: str
    batch_size: int
    threads: int
    blocks: int
    networks: int
    tau: float | None
    mean_error: float
    mean_error_of_sums: float
    file: Path


@json_command
def latency(
    recipe: AnyRecipe,
    /,
    *,
    to: Annotated[Path, Parameter(help="File for the table, such as phone.json.")],
    device: Device = None,
    batch_size: Annotated[int, Parameter(help="Number of images at once.", validator=validators.Number(gte=1))] = 1,
    threads: Annotated[
        int | None,
        Parameter(help="Number of threads of the processor; by default torch's.", validator=validators.Number(gte=1)),
    ] = None,
    networks: Annotated[
        int,
        Parameter(help="Number of complete networks that check the table.", validator=validators.Number(gte=4)),
    ] = 50,
    changes: Changes = (),
) -> LatencyResult:
    """Measure the latency of each block of a recipe's space on this device, and check sums on complete networks.

    `--set limits.latency_table=FILE --limit 'latency<=15ms'` then limits a run.
    """
    need_torch()
    import numpy as np
    import torch
    from lissnas.supernet.latency.latency_table import SumCheck, save_latency_table
    from lissnas.supernet.latency.measure_latency import check_sums, measure_latency_table
    from lissnas.supernet.recipes.recipe_file import read_recipe

    check_device(device)
    described = read_recipe(recipe, changes).network
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    network = described.build(np.random.default_rng(0))
    image = (described.input_channels, described.image_size, described.image_size)
    busy = os.getloadavg()[0]
    with progress():
        table = measure_latency_table(network, image, place, batch_size, threads, _report)
        table = check_sums(table, network, place, networks, np.random.default_rng(0), _report)
    save_latency_table(table, to)
    check = table.check
    assert isinstance(check, SumCheck)
    say(f", {table.device}, batches of {table.batch_size}, threads: {table.threads}", bold=table.space)
    tau = "all sums are equal" if check.tau is None else f"tau {check.tau:.2f}"
    blocks = sum(map(len, table.by_choice))
    say(
        f"{blocks} choices measured; on {check.networks} complete networks: {tau} between sum and measurement", indent=2
    )
    say(
        f"mean error {check.mean_error:.1f} % after scaling sums by {table.scale:.3f}; without it "
        f"{check.mean_error_of_sums:.1f} %",
        indent=2,
    )
    if place.type == "cpu" and busy > (os.cpu_count() or 1) / 2:
        say(f"other programs use this machine (load {busy:.1f}): measure again when it is idle", indent=2)
    say(f"table: {to}", indent=2)
    return LatencyResult(
        table.space, table.device, table.batch_size, table.threads, blocks, check.networks, check.tau,
        check.mean_error, check.mean_error_of_sums, to,
    )  # fmt: skip


def _report(step: str, share: float) -> None:
    activity.report(step, share, "")
