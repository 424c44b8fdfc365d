"""GradientBuckets: the mean of a step's gradients over all processes, sent while the backward pass still runs.

Only weights with a gradient are sent, which are few weights of a supernet in every step. They are collected in buckets,
as DistributedDataParallel does, and each bucket is sent as soon as its last gradient is there.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lissnas.supernet.training.process_group import PendingSum, ProcessGroup

BUCKET_BYTES = 25 * 2**20
"""Size of a bucket: the default of DistributedDataParallel."""


class GradientBuckets:
    """Averages the gradients of each step over all processes.

    All processes must compute gradients of the same weights. The buckets then depend on nothing else, and all processes
    send them in the same order. One process sends nothing.

    Parameters
    ----------
    group
        The processes.
    parameters
        All weights of the network.
    bucket_bytes
        A bucket is closed at this size. It decides nothing but the speed: sums of three or more processes may differ by
        rounding, because the order of their terms may depend on the place in a bucket.
    """

    def __init__(
        self, group: ProcessGroup, parameters: Iterable[nn.Parameter], bucket_bytes: int = BUCKET_BYTES
    ) -> None:
        self._group = group
        self._last_first = list(parameters)[::-1]  # the backward pass finishes the last layers first
        self._bucket_bytes = bucket_bytes
        self._waiting: list[list[nn.Parameter]] = []
        self._missing: list[int] = []
        self._sent: list[tuple[list[nn.Parameter], list[Tensor], PendingSum]] = []

    def last_backward(self, loss: Tensor) -> None:
        """Run the last backward pass of a step. Each bucket is sent when its gradients are complete.

        Call `finish` before the gradients are used.
        """
        if self._group.world_size == 1:
            loss.backward()
            return
        needed = _leaves(loss)
        ready = [weights for weights in self._last_first if weights.grad is not None and weights not in needed]
        later = [weights for weights in self._last_first if weights in needed]
        buckets_ready, buckets_later = self._buckets(ready), self._buckets(later)
        self._waiting = buckets_ready + buckets_later
        self._missing = [0] * len(buckets_ready) + [len(bucket) for bucket in buckets_later]
        self._send_complete()
        number_of = {
            weights: number for number, bucket in enumerate(buckets_later, len(buckets_ready)) for weights in bucket
        }

        def count(weights: Tensor) -> None:
            self._missing[number_of[weights]] -= 1  # type: ignore[index]
            self._send_complete()

        hooks = [weights.register_post_accumulate_grad_hook(count) for weights in later]
        try:
            loss.backward()
        finally:
            for hook in hooks:
                hook.remove()

    def finish(self) -> None:
        """Replace each gradient by its mean over all processes; on GPUs this waits for no host.

        Raises
        ------
        TrainingError
            If another process has ended, or does not answer for half an hour.
        """
        for bucket, means, pending in self._sent:
            pending.wait()
            torch._foreach_copy_(_gradients(bucket), means)
        self._sent = []

    def _buckets(self, parameters: list[nn.Parameter]) -> list[list[nn.Parameter]]:
        buckets: list[list[nn.Parameter]] = []
        room = 0
        for weights in parameters:
            if room <= 0:
                buckets.append([])
                room = self._bucket_bytes
            buckets[-1].append(weights)
            room -= weights.numel() * weights.element_size()
        return buckets

    def _send_complete(self) -> None:
        """Send the complete buckets, but none before those in front of it: all processes need the same order."""
        while len(self._sent) < len(self._waiting) and not self._missing[len(self._sent)]:
            bucket = self._waiting[len(self._sent)]
            sizes = [weights.numel() for weights in bucket]
            flat = torch.empty(sum(sizes), dtype=bucket[0].dtype, device=bucket[0].device)
            means = [
                part.as_strided(weights.shape, weights.stride(), part.storage_offset())
                for part, weights in zip(flat.split(sizes), bucket, strict=True)
            ]
            torch._foreach_copy_(means, _gradients(bucket))
            flat.div_(self._group.world_size)
            self._sent.append((bucket, means, self._group.start_sum(flat)))


def _gradients(bucket: list[nn.Parameter]) -> list[Tensor]:
    return [weights.grad for weights in bucket if weights.grad is not None]


def _leaves(loss: Tensor) -> set[Tensor]:
    """Return the weights that a backward pass will give a gradient: the leaves of its graph."""
    leaves: set[Tensor] = set()
    stack, seen = [loss.grad_fn], {loss.grad_fn}
    while stack:
        node = stack.pop()
        if node is None:
            continue
        variable = getattr(node, "variable", None)
        if variable is not None:
            leaves.add(variable)
        for following, _ in node.next_functions:
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return leaves
