"""NAS-Bench-Macro and Channel-Bench-Macro: JSON of nine chains."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutations
from lissnas_benchmarks.adapters import channel_bench_macro, nas_bench_macro

from targets.target import Target, imported, patched, small_space

_CHAINS = small_space("012", "012", pattern="{}{}")


def _chain_seeds(accuracies: str, mean: str) -> list[bytes]:
    network = {accuracies: [90.0, 91.0, 92.0], mean: 91.0, "params": 3, "flops": 4}
    return [json.dumps(dict.fromkeys(_CHAINS.write(_CHAINS.all_rows()), network)).encode()]


def _chains(module: Any, space: str, benchmark: Any) -> Callable[[Path], object]:
    return patched(module, space, lambda: _CHAINS, imported(benchmark.read))


TARGETS = (
    Target(
        "NAS-Bench-Macro JSON",
        lambda: _chain_seeds("test_acc", "mean_acc"),
        _chains(nas_bench_macro, "macro", nas_bench_macro.ADAPTER),
        mutations.json_texts,
    ),
    Target(
        "Channel-Bench-Macro JSON",
        lambda: _chain_seeds("acc", "mean"),
        _chains(channel_bench_macro, "channel_macro", channel_bench_macro.ADAPTER),
        mutations.json_texts,
    ),
)
