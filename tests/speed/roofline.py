"""Where a training step of 25 cells together spends its time, and how near each part is to this machine's limits.

.venv/bin/python tests/speed/roofline.py

One thread, float32. Prints the measured limits of this machine: the operations per second of a large matrix product,
and the bytes per second of a sum of two tensors as large as an activation. For each part of a step: its share of the
time, its least work, and the share of the limit that it reaches. Least work means: of a convolution its
multiplications and additions; of everything else each input read once and each output written once, of batch norms the
input read twice. Then for each shape of convolution: its speed alone and in 25 groups, and one without groups that has
as many operations. At last the speed over training one by one, now and at the limits.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.networks.cell_network import CellNetwork, Skeleton
from lissnas.supernet.standalone.cell_packs import Pack
from lissnas.supernet.standalone.grouped_networks import GroupedNetworks
from torch import Tensor
from torch.nn.functional import conv2d, cross_entropy
from torch.profiler import ProfilerActivity, profile

PACKS = (57, 203, 311)
STEPS, IMAGES = 6, 64
PASSES = {"aten::native_batch_norm": 3, "aten::native_batch_norm_backward": 5}
"""How often batch norms must read or write their input."""

PARTS = {
    "convolutions": ("convolution", "conv2d"),
    "batch norms": ("batch_norm",),
    "copies and sums": ("copy_", "aten::add", "index_add", "aten::cat", "fill_", "zero_", "clone"),
    "ReLU": ("clamp_min", "threshold_backward", "relu"),
    "matrix products (pooling, classifier)": ("mm",),
}
"""Substrings of the names of torch's operations."""


def rate(work: Callable[[], object], amount: float) -> float:
    """Return the amount of work per second of one thread: the best of several runs."""
    seconds = []
    for _ in range(9):
        began, runs = time.process_time(), 0
        while time.process_time() - began < 0.02:
            work()
            runs += 1
        seconds.append((time.process_time() - began) / runs)
    return amount / min(seconds)


def step(model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> None:
    logits = model(images)
    cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits))).backward()


def processor_seconds(work: Callable[[], object]) -> float:
    """Return the median over the steps."""
    seconds = []
    for _ in range(STEPS):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return float(np.median(seconds))


def part_of(name: str) -> str:
    return next((part for part, words in PARTS.items() if any(word in name for word in words)), "everything else")


def elements(shape: Sequence[int]) -> int:
    return int(np.prod(shape)) if shape else 0


def operations_of(name: str, shapes: Sequence[Sequence[int]]) -> int:
    """Return the operations of a matrix product, or of a convolution and its backward pass; 0 of everything else.

    A backward pass has twice the operations: the gradient of the input, and that of the weights. Strides are 1.
    """
    match name:
        case "aten::conv2d":
            (images, _, height, width), weights = shapes[:2]
            return 3 * 2 * images * height * width * elements(weights)
        case "aten::mm" | "aten::bmm":
            return 2 * elements(shapes[0]) * shapes[1][-1]
        case "aten::addmm" | "aten::baddbmm":
            return 2 * elements(shapes[1]) * shapes[2][-1]
    return 0


def least_bytes(name: str, shapes: Sequence[Sequence[int]]) -> int:
    """Return the bytes that an operation must read and write; 0 for one that only calls others, or has few elements."""
    sizes = [elements(shape) for shape in shapes if all(isinstance(length, int) for length in shape)]
    leaves = ("aten::clamp_min", "aten::threshold_backward", "aten::add", "aten::add_", "aten::copy_", "aten::cat")
    if name in PASSES:
        return 4 * PASSES[name] * max(sizes)
    if name not in leaves or not sizes or max(sizes) < 10_000:
        return 0
    return 4 * (sum(sizes) + (0 if name == "aten::copy_" else max(sizes)))


torch.set_num_threads(1)
rng = torch.Generator().manual_seed(0)
images, labels = torch.randn(IMAGES, 1, 8, 8, generator=rng), torch.randint(10, (IMAGES,), generator=rng)
square = torch.randn(1024, 1024, generator=rng)
operations_limit = rate(lambda: square @ square, 2 * 1024**3)
activation = torch.randn(IMAGES, 200, 8, 8, generator=rng)
result = torch.empty_like(activation)
bytes_limit = rate(lambda: torch.add(activation, activation, out=result), 3 * activation.nbytes)
print(f"limits: {operations_limit / 1e9:.0f} billion operations, {bytes_limit / 1e9:.1f} GB per second")

seconds: dict[str, float] = defaultdict(float)
work: dict[str, float] = defaultdict(float)
together = alone = limit = 0.0
for number in PACKS:
    rows = cell201().rows(Pack(0, number).index)
    networks = [CellNetwork(row, Skeleton(), np.random.default_rng(0)) for row in rows]
    grouped = GroupedNetworks(networks)
    step(grouped, images, labels)
    for network in networks[::5]:
        step(lambda pixels, one=network: one(pixels)[None], images, labels)
    together += (total := processor_seconds(lambda model=grouped: step(model, images, labels)))
    singles = [processor_seconds(lambda one=one: step(lambda p: one(p)[None], images, labels)) for one in networks[::5]]
    alone += len(networks) * float(np.mean(singles))
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiled:
        step(grouped, images, labels)
    events = profiled.key_averages(group_by_input_shape=True)
    measured = sum(event.self_cpu_time_total for event in events)
    for event in events:
        part = part_of(event.key)
        seconds[part] += event.self_cpu_time_total / measured * total
        amount = operations_of(event.key, event.input_shapes) or least_bytes(event.key, event.input_shapes)
        work[part] += event.count * amount
for part, spent in sorted(seconds.items(), key=lambda item: -item[1]):
    counts_operations = part.startswith(("convolutions", "matrix"))
    least = work[part] / (operations_limit if counts_operations else bytes_limit)
    amount = f"{work[part] / len(PACKS) / 1e9:.3f} {'billion operations' if counts_operations else 'GB'}"
    limit += least
    print(
        f"{part}: {100 * spent / together:.0f} % of the time, {1000 * spent / len(PACKS):.1f} ms a step; "
        + (f"{amount}, {100 * least / spent:.0f} % of the limit" if least else "no least work")
    )
print(f"all of it: {100 * limit / together:.0f} % of the limits")
for channels, size, width in ((8, 8, 3), (8, 8, 1), (16, 4, 3), (16, 4, 1)):
    amount = 2 * 25 * IMAGES * size**2 * channels**2 * width**2

    def convolved(count: int, groups: int, channels: int = channels, size: int = size, width: int = width) -> float:
        pixels = torch.randn(IMAGES, count, size, size).to(memory_format=torch.channels_last)
        weight = torch.randn(count, count // groups, width, width)
        each = 2 * IMAGES * size**2 * count * count // groups * width**2
        return rate(lambda: conv2d(pixels, weight, padding=width // 2, groups=groups), each) / operations_limit

    dense = round((25 * channels**2) ** 0.5)
    print(
        f"convolution {width} x {width}, {channels} channels, {size} x {size} pixels, forward: of the limit "
        f"{100 * convolved(channels, 1):.0f} % alone, {100 * convolved(25 * channels, 25):.0f} % in 25 groups, "
        f"{100 * convolved(dense, 1):.0f} % with {dense} channels in one group"
    )
print(
    f"a step of 25 cells together is {alone / together:.2f} times as fast as one by one; at the limits it would be "
    f"{alone / limit:.1f} times; at the aim of 5 it would reach {100 * limit / (alone / 5):.0f} % of the limits"
)
