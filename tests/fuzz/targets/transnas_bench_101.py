"""TransNAS-Bench-101: two chains on every task."""

import pickle
from pathlib import Path

import mutations
import nas_bench_201_official as official
from lissnas_benchmarks.adapters import transnas_bench_101

from targets.target import Target, imported, small_space

_TWO_CHAINS = small_space("01", pattern="64-{}1234-basic")


def _transnas_seeds() -> list[bytes]:
    metrics = {}
    for task, main in transnas_bench_101._MAIN.items():
        name = {"accuracy": "top1", "miou": "mIoU", "ssim": "ssim", "neg-loss": "neg_loss"}[main]
        metrics[task] = [f"{split}_{name}" for split in ("train", "valid", "test")] + ["time_elapsed"]
    information = dict.fromkeys(transnas_bench_101._INFORMATION, 0.5)
    results = {
        string: {
            task: {
                "total_epochs": 2,
                "model_info": dict(information),
                "metrics": {metric: [-0.5, -0.25] if "neg" in metric else [1.5, 2.5] for metric in names},
            }
            for task, names in metrics.items()
        }
        for string in _TWO_CHAINS.write(_TWO_CHAINS.all_rows())
    }
    return [pickle.dumps({"metrics_dict": metrics, "data": {"micro": results}}, 2)]


def _transnas(path: Path) -> object:
    return imported(transnas_bench_101._reader("small", "micro", lambda: _TWO_CHAINS))(path)


TARGETS = (
    Target(
        "TransNAS-Bench-101 .pth", _transnas_seeds, _transnas, mutations.pickles, official.legacy, ".pth", share=0.2
    ),
)
