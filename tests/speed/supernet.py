"""A supernet's time goes into its networks: a scored path and a training step beside the bare passes of each.

ShuffleNetV2 at 64 pixels, in processor time of one thread. The images are noise: what they show takes no time.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from lissnas.spaces.shufflenetv2 import shufflenetv2_chain
from lissnas.supernet.chain_network import ChainNetwork
from lissnas.supernet.evaluator import SupernetEvaluator
from lissnas.supernet.image_batches import ImagesInMemory
from lissnas.supernet.path_training import Progress, train_paths
from lissnas.supernet.paths import UniformPaths
from lissnas.supernet.supernet_recipe import SupernetRecipe
from torch.nn.functional import cross_entropy

STEPS = 12

torch.set_num_threads(1)
network = ChainNetwork(shufflenetv2_chain(size=64), np.random.default_rng(0), affine=False)
images = ImagesInMemory(torch.randn(256, 3, 64, 64), torch.randint(1000, (256,)))
recipe = SupernetRecipe(steps=STEPS, batch=64, norm_batch=64, rate=0.1, averaging=0.999, largest_gradient=5.0)
rows: list[list[int]] = []
ends: list[float] = []


def trained(progress: Progress) -> None:
    rows.append(progress.rows[0].tolist())
    ends.append(time.process_time())


with tempfile.TemporaryDirectory() as folder:
    train_paths(
        network, images, UniformPaths(network.space), recipe, np.random.default_rng(1), Path(folder), report=trained
    )
training = ends[-1] - ends[0]

batches = images.split(64)
began = time.process_time()
for step, row in enumerate(rows[1:]):
    pixels, labels = batches[step % len(batches)]
    cross_entropy(network(pixels, row), labels).backward()
    network.zero_grad()
passes = time.process_time() - began
print(f"training: {STEPS - 1} steps {training:.2f} s, their bare passes {passes:.2f} s, ratio {training / passes:.2f}")

evaluator = SupernetEvaluator(network, [pixels for pixels, _ in batches[:2]], batches[2:])
scored = np.array(rows, dtype=np.uint8)
began = time.process_time()
evaluator(scored)
scoring = time.process_time() - began

began = time.process_time()
with torch.no_grad():
    for row in rows:
        for number, (pixels, _) in enumerate(batches):
            network.train(number < 2)
            network(pixels, row)
passes = time.process_time() - began
print(f"scoring: {STEPS} networks {scoring:.2f} s, their bare passes {passes:.2f} s, ratio {scoring / passes:.2f}")
