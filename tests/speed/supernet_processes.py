"""What two processes send each other for a step: DistributedDataParallel beside a sum of a path's own gradients.

.venv/bin/python -m torch.distributed.run --standalone --nproc-per-node=2 tests/speed/supernet_processes.py

ShuffleNetV2 at 64 pixels on gloo, step about step on the same paths and images. The images are noise: what they show
takes no time.
"""

import time

import numpy as np
import torch
import torch.distributed as dist
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.training.gradient_buckets import GradientBuckets
from lissnas.supernet.training.process_group import join_process_group
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

STEPS = 30

torch.set_num_threads(1)
with join_process_group("cpu") as group:
    network = ChainNetwork(shufflenetv2_chain(size=64), np.random.default_rng(0), affine=False)
    other = ChainNetwork(network.chain, np.random.default_rng(0), affine=False)
    wrapped = DistributedDataParallel(other, broadcast_buffers=False, find_unused_parameters=True)
    bytes_of_wrapped = []

    def counted(_state: None, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
        bytes_of_wrapped.append(bucket.buffer().nbytes)
        buffer = bucket.buffer().div_(group.world_size)
        return dist.all_reduce(buffer, async_op=True).get_future().then(lambda done: done.value()[0])

    wrapped.register_comm_hook(None, counted)
    buckets = GradientBuckets(group, network.parameters())
    rng = np.random.default_rng(1)
    generator = torch.Generator().manual_seed(group.rank)
    images = torch.randn(16, 3, 64, 64, generator=generator)
    labels = torch.randint(1000, (16,), generator=generator)

    def step(model: nn.Module, row: list[int]) -> float:
        torch.manual_seed(0)  # of dropout
        dist.barrier()
        began = time.perf_counter()
        loss = cross_entropy(model(images, row), labels)
        if model is network:
            buckets.last_backward(loss)
            buckets.finish()
        else:
            loss.backward()
        return time.perf_counter() - began

    seconds, sent = ([], []), []
    for row in network.space.sample(STEPS, rng).tolist():
        gradients = []
        for taken, model in zip(seconds, (wrapped, network), strict=True):
            taken.append(step(model, row))
            gradients.append([None if w.grad is None else w.grad.clone() for w in model.parameters()])
            model.zero_grad()
        sent.append(sum(4 * each.numel() for each in gradients[1] if each is not None))
        for one, two in zip(*gradients, strict=True):
            if one is not None:
                torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)
    if group.rank == 0:
        for name, taken, total in zip(
            ("DistributedDataParallel", "the path's gradients"),
            seconds,
            (sum(bytes_of_wrapped), sum(sent)),
            strict=True,
        ):
            taken = np.array(taken[3:]) * 1000
            print(f"{name}: {total / STEPS / 1e6:.1f} MB and {np.median(taken):.0f} ms a step (median)")
        print(f"ratio of times, step by step: {np.median(np.array(seconds[1][3:]) / seconds[0][3:]):.2f}")
