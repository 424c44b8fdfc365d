"""TransNAS-Bench-101: cells and chains trained on seven vision tasks, with their learning curves and costs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.transnas import transnas_macro, transnas_micro
from lissnas.spaces.space import Floats, Indices, Space

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.fast_float_dicts import float_dict
from lissnas_benchmarks.readers.pickle_allowlist import RefusedError
from lissnas_benchmarks.readers.torch_file import load_torch

_FILE = "transnas-bench_v10141024.pth"

_MAIN = {
    "class_scene": "accuracy",
    "class_object": "accuracy",
    "room_layout": "neg-loss",
    "jigsaw": "accuracy",
    "segmentsemantic": "miou",
    "normal": "ssim",
    "autoencoder": "ssim",
}
"""Each task's own measure of quality, by the paper; every task also has it under the name "score"."""

_METRICS = {
    "top1": ("accuracy", "%", True),
    "top5": ("top5-accuracy", "%", True),
    "acc": ("pixel-accuracy", "%", True),
    "mIoU": ("miou", "%", True),
    "ssim": ("ssim", "", True),
    "neg_loss": ("neg-loss", "", True),
}
"""What the file's metrics are called here, their units, and whether more is better; any other is a loss."""

_SPLITS = {"train": "train", "valid": "validation", "val": "validation", "test": "test"}

_INFORMATION = {
    "inference_time": ("inference-time", "ms"),
    "encoder_params": ("encoder-parameters", "M"),
    "model_params": ("parameters", "M"),
    "encoder_FLOPs": ("encoder-macs", "M"),
    "model_FLOPs": ("macs", "M"),
}
"""What the file says of a network's costs, and how it is called here: thop, which counted, counts MACs."""

_COUNTS_FROM = 1_000_000
"""A column whose largest value reaches this holds plain counts, not millions."""

_MOST_EPOCHS = 200

_MOST_METRICS = 64

_MOST_NUMBERS = 50_000_000
"""How many numbers all curves may have: many networks may share one in a small file; real ones have 20 million."""

_RECORD = "model_info"
"""The key that only a network's record on one task has."""

_PAGE = "https://github.com/yawen-d/TransNASBench"


@dataclass(frozen=True)
class _Result:
    """What the file holds of one network on one task."""

    epochs: int
    curves: Mapping[str, Floats]
    costs: Mapping[int | str, float]


class _Results:
    """Keeps of each network's record on one task the numbers alone."""

    def __init__(self) -> None:
        self._numbers = 0

    def add(self, record: Mapping[str, Any]) -> _Result:
        """Return what is kept; raises RefusedError if it is another record."""
        try:
            information, metrics = record[_RECORD], record["metrics"]
            costs = float_dict(information)
            if max(len(costs.keys), len(metrics)) > _MOST_METRICS:
                raise RefusedError("a network's record has more numbers than any")
            curves = {name: _curve(curve) for name, curve in metrics.items()}
            epochs = record["total_epochs"]
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise RefusedError(f"a network's record is another: {error!r}") from error
        self._numbers += len(costs.keys) + sum(map(len, curves.values()))
        if type(epochs) is not int or self._numbers > _MOST_NUMBERS:
            raise RefusedError("a network's epochs are no number, or all curves have more numbers than any such file's")
        return _Result(epochs, curves, dict(zip(costs.keys, costs.values.tolist(), strict=True)))


def _curve(numbers: Any) -> Floats:
    if type(numbers) is not list or len(numbers) > _MOST_EPOCHS:
        raise TypeError("a curve is no list, or longer than any")
    if not all(type(number) in (int, float) for number in numbers):
        raise TypeError("a curve holds what is no number")
    return np.array(numbers, dtype=np.float64)


def _reader(name: str, part: str, space: Callable[[], Space]) -> Callable[[Import], Mapping[Column, Floats]]:
    def read(source: Import) -> Mapping[Column, Floats]:
        own = space()
        try:
            file = load_torch(source.files[0], _RECORD, _Results().add, lambda share: source.progress(share / 2))
            results, metrics = file["data"][part], {task: file["metrics_dict"][task] for task in _MAIN}
            index = own.index(own.read(list(results)))
            if len(index) != own.size or len(np.unique(index)) != own.size:
                raise ValueError(f"{len(np.unique(index))} networks of its part '{part}' instead of {own.size}")
            columns: dict[Column, Floats] = {}
            for done, (task, main) in enumerate(_MAIN.items(), 1):
                of_task: list[_Result] = [result[task] for result in results.values()]
                columns |= _trained(source, own.size, index, task, metrics[task], of_task)
                columns |= _scores(columns, task, main)
                columns |= _costs(own.size, index, task, of_task)
                source.progress((1 + done / len(_MAIN)) / 2)
        except BenchmarkFileError as error:
            raise BenchmarkFileError(f"{error}; {_obtain(name)}") from error
        except (KeyError, TypeError, ValueError, AttributeError, ArchitectureError) as error:
            why = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise BenchmarkFileError(f"{_FILE}: not in the official layout ({why}); {_obtain(name)}") from error
        return columns

    return read


def _trained(
    source: Import, size: int, index: Indices, task: str, names: Sequence[str], results: Sequence[_Result]
) -> dict[Column, Floats]:
    """Return what each metric of a task was after the last epoch, and write what it was after every one."""
    epochs = max(result.epochs for result in results)
    if not 1 <= epochs <= _MOST_EPOCHS:
        raise ValueError(f"{epochs} epochs of {task}")
    if type(names) is not list or len(names) > _MOST_METRICS or not all(type(name) is str for name in names):
        raise ValueError(f"the metrics of {task} are no list of names")
    columns: dict[Column, Floats] = {}
    for name in names:
        column = _column(task, name, epochs)
        values = np.full((size, epochs), np.nan)
        for place, result in zip(index, results, strict=True):
            curve = result.curves[name]
            if curve.shape != (result.epochs,):
                raise ValueError(f"{name} of {task} has {curve.size} values instead of {result.epochs}")
            values[place, : len(curve)] = curve
        values[~np.isfinite(values)] = np.nan  # a training that diverged
        if column.unit == "%" and not 0 <= np.nanmin(values, initial=0) <= np.nanmax(values, initial=0) <= 100:
            raise ValueError(f"{name} of {task} is no percentage")
        if column in columns:
            raise ValueError(f"{task} has {column.metric} twice")
        columns[column] = values[:, -1].copy()
        with np.errstate(over="ignore"):  # a loss beyond float32 becomes infinite
            source.curves(column, size, epochs)[:] = values
    return columns


def _column(task: str, name: str, epochs: int) -> Column:
    """Return the column of a metric of the file: "valid_top1" is the validation accuracy."""
    split, _, rest = name.partition("_")
    if split not in _SPLITS:
        if name == "time_elapsed":
            return Column("time-elapsed", task, "", "s", epochs, quality=False)
        raise ValueError(f"a metric called {name!r}")
    if not re.fullmatch(r"[A-Za-z0-9_]{1,40}", rest):
        raise ValueError(f"a metric called {name!r}")
    metric, unit, quality = _METRICS.get(rest, (rest.replace("_", "-"), "", False))
    return Column(metric, task, _SPLITS[split], unit, epochs, quality=quality)


def _scores(columns: Mapping[Column, Floats], task: str, main: str) -> dict[Column, Floats]:
    """Return a task's main metric once more, called "score", so that one name serves all tasks."""
    of_task = {column: values for column, values in columns.items() if column.dataset == task}
    scores: dict[Column, Floats] = {}
    for column, values in of_task.items():
        if column.metric == main or (column.metric == "loss" and main == "neg-loss"):
            sign = -1 if column.metric == "loss" else 1
            score = Column("score", task, column.split, column.unit, column.epochs)
            scores.setdefault(score, sign * values)
    if not {"validation", "test"} <= {column.split for column in scores}:
        raise ValueError(f"no {main} of {task} on both validation and test images")
    return scores


def _costs(size: int, index: Indices, task: str, results: Sequence[_Result]) -> dict[Column, Floats]:
    columns: dict[Column, Floats] = {}
    for name, (metric, unit) in _INFORMATION.items():
        values = np.full(size, np.nan)
        values[index] = [result.costs[name] for result in results]
        values[~(np.isfinite(values) & (values >= 0))] = np.nan
        if unit == "ms":
            values *= 1e3
        elif np.nanmax(values, initial=0) >= _COUNTS_FROM:
            values /= 1e6
        else:
            unit = ""
        columns[Column(metric, task, "", unit, quality=False)] = values
    return columns


def _obtain(name: str) -> str:
    return (
        f"download {_FILE} from the Google Drive folder that {_PAGE} links to, "
        f"then run 'lissnas data import {name} {_FILE}'"
    )


_BIBTEX = """\
@inproceedings{duan2021transnasbench,
  title         = {{TransNAS-Bench-101}: Improving Transferability and Generalizability of Cross-Task Neural
    Architecture Search},
  author        = {Duan, Yawen and Chen, Xin and Xu, Hang and Chen, Zewei and Liang, Xiaodan and Zhang, Tong
    and Li, Zhenguo},
  booktitle     = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages         = {5251--5260},
  year          = {2021},
  eprint        = {2105.11871},
  archivePrefix = {arXiv},
}
"""


def _benchmark(name: str, title: str, part: str, space: Callable[[], Space], *caveats: str) -> TableAdapter:
    return TableAdapter(
        name=name,
        title=title,
        page=_PAGE,
        license="MIT",
        paper="Duan et al., TransNAS-Bench-101: Improving Transferability and Generalizability of Cross-Task Neural "
        "Architecture Search, CVPR 2021",
        bibtex=_BIBTEX,
        space=space,
        files=(OfficialFile(_FILE),),
        read=_reader(name, part, space),
        selects=Measure("score", "validation"),
        reports=Measure("score", "test"),
        obtain=_obtain(name),
        caveats=(
            "one training run; 'score' is each task's main metric: accuracy, mIoU, SSIM or the negative loss",
            "values are those after the last epoch, where the official API's queries take the best epoch by default",
            "no source states the unit of parameters and FLOPs: plain counts are turned into M, others are kept",
            *caveats,
        ),
    )


MICRO = _benchmark(
    "transnas-bench-101-micro",
    "seven vision tasks for all 4,096 cells of TransNAS-Bench-101, with learning curves and costs",
    "micro",
    transnas_micro,
    "cells that compute the same are kept apart, as they were trained apart",
)

MACRO = _benchmark(
    "transnas-bench-101-macro",
    "seven vision tasks for all 3,256 chains of TransNAS-Bench-101, with learning curves and costs",
    "macro",
    transnas_macro,
)
