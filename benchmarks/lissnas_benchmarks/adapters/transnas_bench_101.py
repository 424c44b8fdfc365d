"""TransNAS-Bench-101: cells and chains trained on seven vision tasks, with learning curves and costs."""

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
from lissnas_benchmarks.readers.pickles.fast_float_dicts import float_dict
from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError
from lissnas_benchmarks.readers.pickles.torch_file import load_torch

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
"""Each task's measure of quality in the paper; every task also has it under the name "score"."""

_METRICS = {
    "top1": ("accuracy", "%", True),
    "top5": ("top5-accuracy", "%", True),
    "acc": ("pixel-accuracy", "%", True),
    "mIoU": ("miou", "%", True),
    "ssim": ("ssim", "", True),
    "neg_loss": ("neg-loss", "", True),
}
"""Our name of each metric of the file, its unit, and whether higher is better; any other metric is a loss."""

_SPLITS = {"train": "train", "valid": "validation", "val": "validation", "test": "test"}

_INFORMATION = {
    "inference_time": ("inference-time", "ms"),
    "encoder_params": ("encoder-parameters", "M"),
    "model_params": ("parameters", "M"),
    "encoder_FLOPs": ("encoder-macs", "M"),
    "model_FLOPs": ("macs", "M"),
}
"""Our metric and unit of each cost in the file. They were counted by thop, which counts MACs."""

_COUNTS_FROM = 1_000_000
"""If the largest value of a column reaches this, the column has plain counts instead of millions."""

_MAX_EPOCHS = 200
"""Maximum number of epochs of a curve."""

_MAX_METRICS = 64
"""Maximum number of metrics of an architecture on one task."""

_MAX_NUMBERS = 50_000_000
"""Maximum number of values in all curves together. A small file can refer to one curve many times; the official file
has 20 million."""

_RECORD = "model_info"
"""A key that only records have; a record is of one architecture on one task."""

_PAGE = "https://github.com/yawen-d/TransNASBench"


@dataclass(frozen=True)
class _Result:
    """The numbers of one architecture on one task."""

    epochs: int
    curves: Mapping[str, Floats]
    costs: Mapping[int | str, float]


class _RecordReader:
    """Reduces each record to its numbers while the file is read."""

    def __init__(self) -> None:
        self._numbers = 0

    def add(self, record: Mapping[str, Any]) -> _Result:
        """Return the numbers of a record; raises RefusedError if it has another form."""
        try:
            information, metrics = record[_RECORD], record["metrics"]
            costs = float_dict(information)
            if max(len(costs.keys), len(metrics)) > _MAX_METRICS:
                raise RefusedError(f"a record has more than {_MAX_METRICS} metrics")
            curves = {name: _curve(curve) for name, curve in metrics.items()}
            epochs = record["total_epochs"]
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise RefusedError(f"a record has another form: {error!r}") from error
        self._numbers += len(costs.keys) + sum(map(len, curves.values()))
        if type(epochs) is not int:
            raise RefusedError("the number of epochs of a record is not an integer")
        if self._numbers > _MAX_NUMBERS:
            raise RefusedError(f"all curves together have more than {_MAX_NUMBERS:,} numbers")
        return _Result(epochs, curves, dict(zip(costs.keys, costs.values.tolist(), strict=True)))


def _curve(numbers: Any) -> Floats:
    if type(numbers) is not list or len(numbers) > _MAX_EPOCHS:
        raise TypeError(f"a curve is not a list of at most {_MAX_EPOCHS} epochs")
    if not all(type(number) in (int, float) for number in numbers):
        raise TypeError("a curve has a value that is not a number")
    return np.array(numbers, dtype=np.float64)


def _reader(name: str, part: str, space: Callable[[], Space]) -> Callable[[Import], Mapping[Column, Floats]]:
    def read(source: Import) -> Mapping[Column, Floats]:
        searched = space()
        try:
            file = load_torch(source.files[0], _RECORD, _RecordReader().add, lambda share: source.progress(share / 2))
            results, metrics = file["data"][part], {task: file["metrics_dict"][task] for task in _MAIN}
            index = searched.index(searched.read(list(results)))
            if len(index) != searched.size or len(np.unique(index)) != searched.size:
                raise ValueError(f"{len(np.unique(index))} architectures in '{part}' instead of {searched.size}")
            columns: dict[Column, Floats] = {}
            for done, (task, main) in enumerate(_MAIN.items(), 1):
                of_task: list[_Result] = [result[task] for result in results.values()]
                columns |= _trained(source, searched.size, index, task, metrics[task], of_task)
                columns |= _scores(columns, task, main)
                columns |= _costs(searched.size, index, task, of_task)
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
    """Return each metric of a task after the last epoch, and write its learning curves."""
    epochs = max(result.epochs for result in results)
    if not 1 <= epochs <= _MAX_EPOCHS:
        raise ValueError(f"{epochs} epochs of {task}")
    if type(names) is not list or len(names) > _MAX_METRICS or not all(type(name) is str for name in names):
        raise ValueError(f"the metrics of {task} are not a list of names")
    columns: dict[Column, Floats] = {}
    for name in names:
        column = _column(task, name, epochs)
        values = np.full((size, epochs), np.nan)
        for place, result in zip(index, results, strict=True):
            curve = result.curves[name]
            if curve.shape != (result.epochs,):
                raise ValueError(f"{name} of {task} has {curve.size} values instead of {result.epochs}")
            values[place, : len(curve)] = curve
        values[~np.isfinite(values)] = np.nan  # the training diverged
        if column.unit == "%" and not 0 <= np.nanmin(values, initial=0) <= np.nanmax(values, initial=0) <= 100:
            raise ValueError(f"{name} of {task} is not a percentage")
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
        raise ValueError(f"an unknown metric {name!r}")
    if not re.fullmatch(r"[A-Za-z0-9_]{1,40}", rest):
        raise ValueError(f"an unknown metric {name!r}")
    metric, unit, quality = _METRICS.get(rest, (rest.replace("_", "-"), "", False))
    return Column(metric, task, _SPLITS[split], unit, epochs, quality=quality)


def _scores(columns: Mapping[Column, Floats], task: str, main: str) -> dict[Column, Floats]:
    """Return a task's main metric under the name "score", which all tasks share."""
    of_task = {column: values for column, values in columns.items() if column.dataset == task}
    scores: dict[Column, Floats] = {}
    for metric, sign in ((main, 1), ("loss", -1)):
        if metric == "loss" and main != "neg-loss":
            continue
        for column, values in of_task.items():
            if column.metric == metric:  # the loss counts only for a split whose negative loss the file lacks
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
        signs=(("metrics_dict", "info_names", "task_list"),),
        read=_reader(name, part, space),
        selects=Measure("score", "validation"),
        reports=Measure("score", "test"),
        obtain=_obtain(name),
        caveats=(
            "one training run; 'score' is each task's main metric: accuracy, mIoU, SSIM or the negative loss",
            "values are those after the last epoch; the official API returns the best epoch by default",
            "no source states the unit of parameters and FLOPs: plain counts are converted to M, others are unchanged",
            *caveats,
        ),
    )


MICRO = _benchmark(
    "transnas-bench-101-micro",
    "seven vision tasks for all 4,096 cells of TransNAS-Bench-101, with learning curves and costs",
    "micro",
    transnas_micro,
    "cells that compute the same function are separate entries, because they were trained separately",
)

MACRO = _benchmark(
    "transnas-bench-101-macro",
    "seven vision tasks for all 3,256 chains of TransNAS-Bench-101, with learning curves and costs",
    "macro",
    transnas_macro,
)
