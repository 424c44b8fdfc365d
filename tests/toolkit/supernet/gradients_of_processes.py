"""The gradients of one step on two paths, in a group of processes: each has two of four micro-batches."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import tiny_training as tiny
import torch
from lissnas.supernet.networks.weights import set_dropout
from lissnas.supernet.training.gradient_buckets import GradientBuckets
from lissnas.supernet.training.gradients import accumulate_gradients
from lissnas.supernet.training.process_group import PendingSum, ProcessGroup, join_process_group
from torch import Tensor

PATHS = np.array([[2, 0, 1], [1, 0, 1]], dtype=np.uint8)
"""Two paths that share blocks; the last backward pass does not compute the gradients of all."""

BUCKETS = (1, 2_000, 10**9)
"""Sizes of buckets in bytes."""


class ListedSums(ProcessGroup):
    """A process that notes the sizes of the sums that it starts."""

    sizes: list[int]

    def start_sum(self, values: Tensor) -> PendingSum:
        self.sizes.append(values.numel())
        return super().start_sum(values)


def network() -> tiny.ChainNetwork:
    made = tiny.smooth_network().train()
    set_dropout(made, 0.0)
    return made


def summed_gradients(
    numbers: Iterable[int],
    made: tiny.ChainNetwork | None = None,
    last_backward: Callable[[Tensor], None] = Tensor.backward,
) -> dict[str, Tensor]:
    """Return the gradients of the touched weights, summed over some micro-batches."""
    torch.set_num_threads(1)
    made = made or network()
    images = tiny.digits()
    micro_batches = [(images.images[8 * n : 8 * n + 8], images.labels[8 * n : 8 * n + 8]) for n in numbers]
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    accumulate_gradients(made, PATHS, micro_batches, 1.0, tiny.RECIPE, scaler, (0, 0, 0), last_backward)
    return {name: weights.grad for name, weights in made.named_parameters() if weights.grad is not None}


def main(folder: Path) -> None:
    """Write the gradients of each size of buckets in every process, and when they were sent."""
    found = {}
    with join_process_group("cpu") as joined:
        group = ListedSums(joined.rank, joined.world_size, joined.device)
        object.__setattr__(group, "sizes", [])
        for bucket_bytes in BUCKETS:
            made = network()
            buckets = GradientBuckets(group, made.parameters(), bucket_bytes)
            sent_early: list[int] = []
            first = next(weights for weights in made.parameters() if weights.requires_grad)
            group.sizes.clear()
            first.register_post_accumulate_grad_hook(lambda weights, early=sent_early: early.append(len(group.sizes)))
            gradients = summed_gradients(range(2 * group.rank, 2 * group.rank + 2), made, buckets.last_backward)
            buckets.finish()
            found[bucket_bytes] = {
                "gradients": gradients,
                "order": list(group.sizes),
                "sent before the last gradient": sent_early[-1],
            }
        torch.save(found, folder / f"gradients-{group.rank}.pt")
