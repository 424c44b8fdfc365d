"""Measures the latency of each block of a space once, and of complete networks to check the sums.

A block runs in evaluation mode on random pixels. Runs are repeated until they take long enough for the clock, and
before and after them the device is synchronized; the latency is the median of several such groups, after a warm-up.
"""

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.errors import SettingError
from lissnas.spaces.published.cell201 import EDGES, OPERATIONS
from lissnas.statistics.rank_correlation import kendall_tau
from lissnas.supernet.latency.latency_table import LatencyTable, SumCheck
from lissnas.supernet.networks.cell_supernet import CellSupernet, SharedCell
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import Supernet

_GROUP_SECONDS = 0.002
"""Minimum duration of a group of runs: far above the resolution of the clock and the cost of a synchronization."""

_GROUPS = 15
"""Number of groups of which the median is taken (our own choice)."""

_WARM_UP_SECONDS = 0.02
"""Duration of the warm-up of each block; it also tells how many runs make a group."""


def measure_latency_table(
    network: Supernet,
    image: tuple[int, int, int],
    device: torch.device,
    batch_size: int = 1,
    threads: int | None = None,
    report: Callable[[str, float], None] = lambda step, share: None,
) -> LatencyTable:
    """Return the latency of every block of a supernet on a device.

    Parameters
    ----------
    network
        A supernet of a chain or of cells.
    image
        Channels, height and width of an image.
    device
        Where to measure. Nothing else should run there.
    batch_size
        Number of images at once.
    threads
        Number of threads of the processor; by default as many as torch uses now.
    report
        Called with the name of a step and the share of it that is done.

    Raises
    ------
    SettingError
        If the supernet is of another kind.
    """
    threads = torch.get_num_threads() if threads is None else threads
    network.to(device).eval()
    images = torch.rand(batch_size, *image, device=device)
    with _inference(threads):
        if isinstance(network, ChainNetwork):
            fixed, by_choice = _chain_blocks(network, images, report)
        elif isinstance(network, CellSupernet):
            fixed, by_choice = _cell_operations(network, images, report)
        else:
            raise SettingError(
                f"the blocks of a {type(network).__name__} are not known: pass a ChainNetwork or a CellSupernet"
            )
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    versions = {"torch": version("torch"), "lissnas": version("lissnas")}
    return LatencyTable(network.space.name, named, batch_size, threads, image, versions, fixed, by_choice)


def check_sums(
    table: LatencyTable,
    network: Supernet,
    device: torch.device,
    networks: int,
    rng: np.random.Generator,
    report: Callable[[str, float], None] = lambda step, share: None,
) -> LatencyTable:
    """Return a table with a scale, and how well it predicts: both from measuring random complete networks.

    Parameters
    ----------
    table
        The table of the supernet.
    network, device, report
        As in `measure_latency_table`.
    networks
        Number of networks, at least 4. The first half gives the scale, and the second half judges it.
    rng
        Draws the networks.

    Raises
    ------
    SettingError
        If there are fewer than 4 networks.
    """
    if networks < 4:
        raise SettingError(f"a table of latencies is checked on at least 4 networks, not on {networks}")
    rows = network.space.sample(networks, rng)
    images = torch.rand(table.batch_size, *table.image, device=device)
    measured = np.empty(networks)
    with _inference(table.threads):
        for number, row in enumerate(rows):
            report("measuring networks", number / networks)
            alone = network.stand_alone(row).to(device).eval()
            path = ([0] * len(row),) if isinstance(alone, Supernet) else ()
            measured[number] = _milliseconds(partial(alone, images, *path), device)
    sums = replace(table, scale=1.0)(rows)
    half = networks // 2
    scale = float(np.median(measured[:half] / sums[:half]))
    errors = [100 * float(np.mean(np.abs(factor * sums / measured - 1)[half:])) for factor in (scale, 1.0)]
    tau = None if np.ptp(sums) == 0 else float(kendall_tau(measured, sums, rng, draws=2).value)
    return replace(table, scale=scale, check=SumCheck(networks, tau, *errors))


def _chain_blocks(
    network: ChainNetwork, images: Tensor, report: Callable[[str, float], None]
) -> tuple[float, tuple[tuple[float, ...], ...]]:
    def head(features: Tensor) -> Tensor:
        logits: Tensor = network.classifier(network.head(features).mean((2, 3)))
        return logits

    device = images.device
    features: Tensor = network.stem(images)
    fixed = _milliseconds(lambda: network.stem(images), device)
    known: dict[object, float] = {}
    by_choice = []
    for number, (layer, described) in enumerate(zip(network.layers, network.chain.layers, strict=True)):
        report("measuring blocks", number / len(network.layers))
        latencies = []
        for module, block in zip(layer.children(), described, strict=True):
            key = block, features.shape
            if key not in known:
                known[key] = 0.0 if isinstance(module, nn.Identity) else _of_module(module, features)
            latencies.append(known[key])
        by_choice.append(tuple(latencies))
        features = next(layer.children())(features)
    return fixed + _milliseconds(lambda: head(features), device), tuple(by_choice)


def _cell_operations(
    network: CellSupernet, images: Tensor, report: Callable[[str, float], None]
) -> tuple[float, tuple[tuple[float, ...], ...]]:
    features: Tensor = network.stem(images)
    fixed = _of_module(network.stem, images)
    totals = np.zeros((len(EDGES), len(OPERATIONS)))
    known: dict[object, float] = {}
    for number, part in enumerate(network.body):
        report("measuring blocks", number / len(network.body))
        if not isinstance(part, SharedCell):
            fixed += _of_module(part, features)
            features = part(features)
            continue
        for operations, total in zip(part.edges, totals, strict=True):
            for place, name in enumerate(OPERATIONS):
                if name != "none":
                    key = name, features.shape
                    if key not in known:
                        known[key] = _of_module(_Added(operations[name]), features)  # type: ignore[index]
                    total[place] += known[key]

    def head() -> Tensor:
        logits: Tensor = network.classifier(network.last_norm(features).relu().mean((2, 3)))
        return logits

    return fixed + _milliseconds(head, images.device), tuple(map(tuple, totals.tolist()))


class _Added(nn.Module):
    """An operation, and the addition of its result to the node, which every edge needs."""

    def __init__(self, operation: nn.Module) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, features: Tensor) -> Tensor:
        """Return the sum of the result and the input, which has the shape of the node."""
        total: Tensor = features + self.operation(features)
        return total


def _of_module(module: nn.Module, features: Tensor) -> float:
    return _milliseconds(lambda: module(features), features.device)


def _milliseconds(run: Callable[[], object], device: torch.device) -> float:
    """Return the median duration of a run."""

    def seconds(runs: int) -> float:
        _synchronize(device)
        started = time.perf_counter()
        for _ in range(runs):
            run()
        _synchronize(device)
        return time.perf_counter() - started

    warm_up, runs = 0.0, 0
    while warm_up < _WARM_UP_SECONDS or runs < 2:
        warm_up += seconds(1)
        runs += 1
    group = max(1, round(_GROUP_SECONDS * runs / warm_up))
    return 1000 * median(seconds(group) for _ in range(_GROUPS)) / group


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def _inference(threads: int) -> Iterator[None]:
    """Compute without gradients on a number of threads, and restore the number on exit."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)


def _processor() -> str:
    """Return the name of the processor, as Linux knows it."""
    try:
        with open("/proc/cpuinfo") as information:
            names = [line.partition(":")[2].strip() for line in information if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
