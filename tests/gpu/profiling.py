"""What torch's profiler says of some work on a GPU."""

import re
import time
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile


def profiled_work(work: Callable[[], object]) -> tuple[float, int]:
    """Return the share of the time in which the GPU computes, and the number of synchronizations."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        began = time.perf_counter()
        work()
        torch.cuda.synchronize()
        wall = time.perf_counter() - began
    events = profiled.key_averages()
    busy = sum(event.self_device_time_total for event in events) / 1e6 / wall
    syncs = sum(event.count for event in events if re.search(r"cuda(Stream|Device|Event)Synchronize", event.key))
    return busy, syncs - 1  # the last one is our own
