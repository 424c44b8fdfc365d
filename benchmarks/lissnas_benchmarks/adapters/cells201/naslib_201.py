"""NASLib's pickles of NAS-Bench-201: one run of each of the 15,625 cells on one data set, with its learning curves.

The file of NinaPro has trainings that NAS-Bench-201 does not have. The layout follows NASLib's program. Values after
the last epoch are those of further splits; their order is inferred from the official records.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Space

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.adapters.cells201.nas_bench_201 import BIBTEX
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.exact_costs import IMAGES, OTHER_COST, cell_costs
from lissnas_benchmarks.readers.pickles.fast_float_dicts import FloatDictReader, float_dict
from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream

_EPOCHS = 200

_MARKER = "eval_acc1es"

_SPLITS = {
    "cifar10-valid": ("validation", "test"),
    "cifar100": ("validation+test", "validation", "test"),
    "ImageNet16-120": ("validation+test", "validation", "test"),
    "ninapro": ("test",),
}
"""The splits of each data set: that of the learning curve, then those of the values after it."""


class _Runs:
    """Collects the run of each cell."""

    def __init__(self, source: Import, size: int, dataset: str, name: str) -> None:
        self._splits = _SPLITS[dataset]
        named = ("train", *self._splits)
        self.columns = {split: Column("accuracy", name, split, "%", _EPOCHS) for split in named}
        self.values = {split: np.full(size, np.nan) for split in named}
        self.curves = {split: source.curves(self.columns[split], size, _EPOCHS) for split in named[:2]}
        self.records: list[tuple[Floats, Floats, tuple[float, float]]] = []
        self.costs = np.full((size, 2), np.nan)

    def finish(self, record: dict[Any, Any]) -> int:
        try:
            train, evaluated = (np.array(record[name], dtype=np.float64) for name in ("train_acc1es", _MARKER))
            info = float_dict(record["cost_info"]) if "cost_info" in record else None
            costs = dict(zip(info.keys, info.values.tolist(), strict=True)) if info else {}
            self.records.append((train, evaluated, (costs.get("params", np.nan), costs.get("flops", np.nan))))
        except (LookupError, TypeError, ValueError) as error:
            raise RefusedError(f"a run has another form: {error}") from error
        return len(self.records) - 1

    def place(self, row: int, record: int) -> None:
        train, evaluated, self.costs[row] = self.records[record]
        expected = _EPOCHS + len(self._splits) - 1
        if train.shape != (_EPOCHS,) or evaluated.shape != (expected,):
            raise RefusedError(f"a run of {train.size} and {evaluated.size} values, not {_EPOCHS} and {expected}")
        every = np.concatenate([train, evaluated])
        if not ((every >= 0) & (every <= 100)).all():
            raise RefusedError("an accuracy that is no percentage")
        curves = dict(zip(self.curves, (train, evaluated[:_EPOCHS]), strict=True))
        for split, curve in curves.items():
            self.curves[split][row], self.values[split][row] = curve, curve[-1]
        for split, value in zip(self._splits[1:], evaluated[_EPOCHS:], strict=True):
            self.values[split][row] = value


def reader(space: Callable[[], Space], dataset: str, name: str, remedy: str) -> Callable[[Import], Any]:
    """Return the function that reads a file of all cells of a space on a data set, which the table calls `name`."""

    def read(source: Import) -> Mapping[Column, Floats]:
        [path] = source.files
        cells, size = space(), max(1, path.stat().st_size)
        runs = _Runs(source, cells.size, dataset, name)
        with path.open("rb") as file:
            stream = PickleStream(
                file,
                path.name,
                _MARKER,
                runs.finish,
                FloatDictReader(0),
                lambda count: source.progress(min(1.0, count / size)),
            )
            value = stream.load()
            stream.check_ended()
        try:
            index = cells.index(cells.read(list(value)))
            for row, string in zip(index.tolist(), value, strict=True):
                runs.place(row, value[string][dataset])
        except (RefusedError, ArchitectureError, LookupError, TypeError, AttributeError) as error:
            raise BenchmarkFileError(f"{path.name}: not in NASLib's layout ({str(error)[:300]}); {remedy}") from error
        missing = np.isnan(runs.values["train"])
        if missing.any():
            raise BenchmarkFileError(
                f"{path.name}: {int(missing.sum()):,} of {cells.size:,} cells are missing; {remedy}"
            )
        columns = {column: runs.values[split] for split, column in runs.columns.items()}
        stated = dict(zip(("parameters", "flops"), runs.costs.T, strict=True))
        for metric, values in _exact(stated, dataset, cells, source).items():
            if np.isfinite(values).all():
                columns[Column(metric, name, "", "M", quality=False)] = values
        return columns

    return read


def _exact(stated: Mapping[str, Floats], dataset: str, cells: Space, source: Import) -> Mapping[str, Floats]:
    """Return the exact costs of all cells if a formula has them, and note how many the file states otherwise."""
    if dataset not in IMAGES:
        return stated
    exact = cell_costs(cells.write(cells.all_rows()), dataset)
    differs = np.any([abs(stated[metric] - exact[metric]) > OTHER_COST * exact[metric] for metric in stated], axis=0)
    if count := int(differs.sum()):
        source.note(
            f"{count:,} of {cells.size:,} architectures have parameters or FLOPs that are not theirs; the table has "
            f"the exact ones"
        )
    return exact


def _benchmark(short: str, dataset: str, name: str) -> TableAdapter:
    file = f"nb201_{short}_full_training.pickle"
    has_validation = "validation" in _SPLITS[dataset]
    where = "the Google Drive folder that NASLib's README names"
    remedy = f"download {file} from {where}, then run 'lissnas data import {file}'"
    caveats = ["one run of each cell; NASLib does not state its seed"]
    if dataset == "ninapro":
        caveats.append("selected and reported by the same test accuracies: the file has no validation")
        caveats.append("parameters and FLOPs are those of the file")
    else:
        caveats.append("NAS-Bench-201's own file has all runs; NASLib's calls the last value of this one 'validation'")
        caveats.append(
            "parameters and FLOPs are computed from the cell, because some official runs state those of another"
        )
    return TableAdapter(
        name=f"naslib-201-{name.lower()}",
        title=f"accuracy of 15,625 cells on {name} in NASLib's file: one run, with learning curves",
        page="https://github.com/automl/NASLib",
        license="Apache-2.0 (repository); none stated for the file",
        paper="Dong and Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, ICLR 2020",
        bibtex=BIBTEX,
        space=cell201,
        files=(OfficialFile(file),),
        signs=(("|nor_conv_3x3~0|", _MARKER, "cost_info", dataset),),
        read=reader(cell201, dataset, name, remedy),
        selects=Measure("accuracy", "validation" if has_validation else "test", epochs=_EPOCHS),
        reports=Measure("accuracy", "test", epochs=_EPOCHS),
        obtain=remedy,
        caveats=tuple(caveats),
    )


CIFAR10 = _benchmark("cifar10", "cifar10-valid", "cifar10")
CIFAR100 = _benchmark("cifar100", "cifar100", "cifar100")
IMAGENET = _benchmark("ImageNet16", "ImageNet16-120", "ImageNet16-120")
NINAPRO = _benchmark("ninapro", "ninapro", "ninapro")
