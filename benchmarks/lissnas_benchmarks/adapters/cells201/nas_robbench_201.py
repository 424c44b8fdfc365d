"""NAS-RobBench-201: the 15,625 cells of NAS-Bench-201, trained against attacks on three data sets."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats

from lissnas_benchmarks.adapter import Import, OfficialFile, OtherForm, TableAdapter, in_repository
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError, first_line

_FILE = "NAS-RobBench-201_html.json"

_DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet": "ImageNet16-120"}

_ATTACK = re.compile(r"(fgsm|pgd)_?(\d+(?:\.\d+)?)")

_MAX_BYTES = 1 << 29

_OBTAIN = (
    f"download files/{_FILE} from https://github.com/TT2408/nasrobbench201hp, or the complete JSON from the authors' "
    f"Google Drive, then run 'lissnas data import nas-robbench-201 FILE'"
)


def read_values(data: bytes, name: str = _FILE) -> dict[tuple[str, str], dict[str, float]]:
    """Return for each data set and label the fraction of each official index, the mean over three seeds.

    `data` is the complete JSON, or the assignment `acc={...}` of the authors' web page. Raises BenchmarkFileError if it
    is neither.
    """
    try:
        text = data.decode().strip()
        if text.startswith("acc"):
            return _of_page(json.loads(text.partition("=")[2].strip().rstrip(";")))
        return _of_file(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BenchmarkFileError(
            f"{name}: not in the authors' layout ({first_line(error)[:200]}); {_OBTAIN}"
        ) from error


def _of_page(value: dict[str, Any]) -> dict[tuple[str, str], dict[str, float]]:
    labels = [tuple(label.split("#")) for label in value.pop("")]
    lists = {}
    for number, own in value.items():
        values = value[str(own)] if not isinstance(own, list) else own  # an isomorphic cell names the one measured
        if not isinstance(values, list) or len(values) != len(labels):
            raise ValueError(f"id {number[:10]} does not have {len(labels)} values")
        lists[number] = values
    return {
        (dataset, label): {number: values[at] for number, values in lists.items()}
        for at, (dataset, label) in enumerate(labels)
    }


def _of_file(value: dict[str, Any]) -> dict[tuple[str, str], dict[str, float]]:
    found: dict[tuple[str, str], dict[str, float]] = {}
    for dataset, cells in value.items():
        for number, measured in cells.items():
            for label, seeds in measured.items():
                mean = seeds["threeseed"] if isinstance(seeds, dict) else seeds
                found.setdefault((dataset, label), {})[number] = mean
    return found


def columns_of(found: Mapping[tuple[str, str], Mapping[str, float]], file: str = _FILE) -> dict[Column, Floats]:
    """Return the columns in %; raises BenchmarkFileError if a cell is missing or a value is no fraction."""
    space = cell201()
    official, columns = official_order(space), {}
    for (dataset, label), values in found.items():
        name = label.removeprefix("val_").removesuffix("acc").strip("_")
        attack = _ATTACK.fullmatch(name)
        metric = f"{attack[1]}-{float(attack[2]):g}" if attack else name or "accuracy"
        column = Column(metric, _DATASETS.get(dataset, dataset), "validation", "%")
        placed = np.full(space.size, np.nan)
        for number, value in values.items():
            is_index = number.isdecimal() and int(number) < space.size
            if not is_index or type(value) not in (int, float) or not 0 <= value <= 1:
                raise BenchmarkFileError(
                    f"{file}: {label} of id {number[:10]} is {str(value)[:20]}, not a fraction of a cell; {_OBTAIN}"
                )
            placed[official[int(number)]] = 100 * value
        if np.isnan(placed).any():
            raise BenchmarkFileError(
                f"{file}: {int(np.isnan(placed).sum()):,} of {space.size:,} cells lack {label} on {dataset}; {_OBTAIN}"
            )
        columns[column] = placed
    if not columns:
        raise BenchmarkFileError(f"{file}: it has no values; {_OBTAIN}")
    return columns


def _read(source: Import) -> Mapping[Column, Floats]:
    [path] = source.files
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise BenchmarkFileError(f"{path.name}: more than {_MAX_BYTES:,} bytes; {_OBTAIN}")
    return columns_of(read_values(data, path.name), path.name)


_BIBTEX = """\
@inproceedings{wu2024nasrobbench,
  title         = {Robust {NAS} under Adversarial Training: Benchmark, Theory, and Beyond},
  author        = {Wu, Yongtao and Liu, Fanghui and Simon-Gabriel, Carl-Johann and Chrysos, Grigorios G. and Cevher,
    Volkan},
  booktitle     = {International Conference on Learning Representations (ICLR)},
  year          = {2024},
  eprint        = {2403.13134},
  archivePrefix = {arXiv},
}
"""

ADAPTER = TableAdapter(
    name="nas-robbench-201",
    title="accuracy of 15,625 adversarially trained cells, clean and under attacks, three data sets",
    page="https://github.com/TT2408/nasrobbench201",
    license="none stated (data); CC BY-SA 4.0 (web page)",
    paper="Wu et al., Robust NAS under Adversarial Training: Benchmark, Theory, and Beyond, ICLR 2024",
    bibtex=_BIBTEX,
    space=cell201,
    files=(
        OfficialFile(
            _FILE,
            sha256="b3dc99b96324de07b1dd9f3c39830fe0f82aae7fbd1b20eb0a6885cabd4f2388",
            url=in_repository("TT2408/nasrobbench201hp", f"files/{_FILE}"),
            size=2_580_686,
        ),
    ),
    signs=(("cifar10#val_acc",),),
    forms=(
        OtherForm(
            OfficialFile("NAS-RobBench-201.json"),
            "the authors' Google Drive (complete)",
            (("val_fgsm_3.0_acc", "val_pgd_3.0_acc", "threeseed"),),
            _read,
        ),
    ),
    read=_read,
    selects=Measure("accuracy", "validation"),
    reports=Measure("pgd-8", "validation"),
    obtain=_OBTAIN,
    caveats=(
        "means over three seeds; isomorphic cells have copies of one value",
        "the clean accuracy selects and the accuracy under PGD (8/255) reports, both on the same images",
    ),
)
