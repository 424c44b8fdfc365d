"""Images per second of a supernet's training step, beside the same step written plainly.

.venv/bin/python tests/speed/supernet_step.py [SIZE PRECISION eager|compiled] ...

Plainly means: the blocks of a layer in a ModuleList, a loop over the layers, torch's SGD, and nothing else: no
checkpoint, no signal, no check of the loss. The two take turns, step by step, on the same images and paths, and what is
printed is the median over the pairs, so that what else runs on the machine meets both. The network is that of
ShuffleNetV2; compiled, to be done in minutes, its first two layers of each stage. The images are noise.
"""

import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import Chain
from lissnas.spaces.published.shufflenetv2 import OPERATIONS, STAGES, shufflenetv2_chain
from lissnas.supernet.images.image_batches import ImagesInMemory
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import TrainingRecipe
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

CASES = [
    (size, precision, how)
    for how in ("eager", "compiled")
    for size in (32, 224)
    for precision in ("float32", "bfloat16")
]
GPU = torch.cuda.is_available()
DEVICE = "cuda" if GPU else "cpu"
CLOCK = time.perf_counter if GPU else time.process_time
"""On a processor its own time, which what else runs there hardly changes."""
PAIRS = 100 if GPU else 40
BATCHES = {32: 1024, 224: 256} if GPU else {32: 32, 224: 4}


class PlainSupernet(nn.Module):
    """The blocks of a layer side by side, the loop over them; built of another network's modules."""

    def __init__(self, made: ChainNetwork, compiled: bool) -> None:
        super().__init__()
        ready = partial(torch.compile, dynamic=False) if compiled else lambda module: module
        self.first = ready(made.stem)
        self.features = nn.ModuleList(nn.ModuleList(ready(block) for block in layer) for layer in made.layers)
        self.last = ready(made.head)
        self.dropout = made.dropout
        self.classifier = made.classifier

    def forward(self, x: Tensor, architecture: list[int]) -> Tensor:
        x = self.first(x)
        for choices, choice in zip(self.features, architecture, strict=True):
            x = choices[choice](x)
        x = self.last(x).mean((2, 3))
        return self.classifier(self.dropout(x))


def chain(size: int, compiled: bool) -> Chain:
    whole = shufflenetv2_chain(size=size)
    if not compiled:
        return whole
    starts = np.cumsum([0, *(count for count, _ in STAGES)])[:-1]
    layers = tuple(whole.layers[start + place] for start in starts for place in (0, 1))
    space = CategoricalSpace("shufflenetv2-short", (OPERATIONS,) * len(layers), "{}" * len(layers))
    return replace(whole, space=space, layers=layers)


def compare(size: int, precision: str, compiled: bool) -> None:
    batch = BATCHES[size]
    described = chain(size, compiled)
    ours = ChainNetwork(described, np.random.default_rng(0), affine=False)
    plain = PlainSupernet(ChainNetwork(described, np.random.default_rng(0), affine=False), compiled).to(DEVICE).train()
    optimizer = torch.optim.SGD(plain.parameters(), 0.1, momentum=0.9, weight_decay=4e-5)
    images = ImagesInMemory(torch.randn(4 * batch, 3, size, size), torch.randint(1000, (4 * batch,)))
    places = torch.randperm(len(images.labels)).split(batch)
    pieces = ((images.images[chosen], images.labels[chosen]) for chosen in cycle(places))
    first = 2
    recipe = TrainingRecipe(
        steps=first + PAIRS,
        batch_size=batch,
        micro_batch_size=batch,
        learning_rate=0.1,
        precision=precision,
        compiled=compiled,
    )
    seconds: tuple[list[float], list[float]] = ([], [])
    began = CLOCK()

    def meet_every_block(network: nn.Module) -> None:
        """What is made once for a shape, by torch.compile above all, is not part of a step."""
        pixels, labels = (values.to(DEVICE) for values in next(pieces))
        for choice in range(len(OPERATIONS)):
            with torch.autocast(DEVICE, torch.bfloat16, enabled=precision == "bfloat16"):
                logits = network(pixels, [choice] * described.space.genes)
            cross_entropy(logits.float(), labels).backward()
        network.zero_grad()

    def step_plainly(progress: Progress) -> None:
        nonlocal began
        if progress.step == 1:
            for network in (ours, plain):
                meet_every_block(network)
        wait()
        middle = CLOCK()
        pixels, labels = (values.to(DEVICE, non_blocking=True) for values in next(pieces))
        with torch.autocast(DEVICE, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = plain(pixels, progress.rows[0].tolist())
        loss = cross_entropy(logits.float(), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        wait()
        end = CLOCK()
        for taken, each in zip(seconds, (middle - began, end - middle), strict=True):
            taken.append(each)
        began = CLOCK()

    with tempfile.TemporaryDirectory() as folder:
        paths, rng = UniformPathSampler(ours.space), np.random.default_rng(1)
        train_supernet(ours, images, paths, recipe, rng, Path(folder), report=step_plainly, device=DEVICE)
    here, there = (np.array(taken[first:]) for taken in seconds)
    low, ratio, high = np.quantile(there / here, [0.25, 0.5, 0.75])
    speeds = [f"{batch / np.median(taken):,.1f}" for taken in (here, there)]
    print(
        f"{size} x {size}, {precision}, {'compiled' if compiled else 'eager'}: {speeds[0]} images/s, "
        f"plainly {speeds[1]}; ours is {ratio:.3f} times as fast (quartiles {low:.3f} {high:.3f})",
        flush=True,
    )


def wait() -> None:
    if GPU:
        torch.cuda.synchronize()


asked = sys.argv[1:]
cases = [(int(a), b, c) for a, b, c in zip(asked[::3], asked[1::3], asked[2::3], strict=True)] or CASES
print(f"on {torch.cuda.get_device_name() if GPU else f'the processor, {torch.get_num_threads()} threads'}")
for size, precision, how in cases:
    try:
        compare(size, precision, how == "compiled")
    except torch._inductor.exc.InductorError as error:
        print(f"{size} x {size}, {precision}, {how}: left out, nothing compiles here: {str(error).splitlines()[0]}")
