"""NAS-Bench-301: CIFAR-10 accuracy and training time of the 10^18 DARTS architectures, predicted by boosted trees.

The features are those of the official package nasbench301 0.3: ConfigSpace's vector of an architecture and its training
settings. This module needs neither package; tests compare its predictions with theirs.
"""

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from lissnas.spaces.published.darts import CELLS, NODES, darts, input_pairs
from lissnas.spaces.space import Floats, Rows
from numpy.typing import NDArray

from lissnas_benchmarks.adapter import OfficialFile
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.surrogates.surrogate import Quantity, SurrogateAdapter

_DARTS = "NetworkSelectorDatasetInfo:darts:"

_SETTINGS = {
    "CreateImageDataLoader:batch_size": 0.5863451791322553,
    "ImageAugmentation:augment": 0.0,
    "ImageAugmentation:autoaugment": 0.0,
    "ImageAugmentation:cutout": 0.0,
    "ImageAugmentation:cutout_holes": 0.16666444442962952,
    "ImageAugmentation:cutout_length": 0.3099999239999697,
    "ImageAugmentation:fastautoaugment": 0.0,
    "LossModuleSelectorIndices:loss_module": 0.0,
    f"{_DARTS}auxiliary": 0.0,
    f"{_DARTS}drop_path_prob": 0.0,
    f"{_DARTS}init_channels": 0.003149999006299998,
    f"{_DARTS}layers": 0.000749999001499998,
    "NetworkSelectorDatasetInfo:network": 0.0,
    "OptimizerSelector:optimizer": 0.0,
    "OptimizerSelector:sgd:learning_rate": -3.6888794541139363,
    "OptimizerSelector:sgd:momentum": 0.8988764044943821,
    "OptimizerSelector:sgd:weight_decay": -8.111728083308073,
    "SimpleLearningrateSchedulerSelector:cosine_annealing:T_max": 0.009949999019899998,
    "SimpleLearningrateSchedulerSelector:cosine_annealing:eta_min": 1e-12,
    "SimpleLearningrateSchedulerSelector:lr_scheduler": 0.0,
    "SimpleTrainNode:batch_loss_computation_technique": 0.0,
    "SimpleTrainNode:mixup:alpha": 0.7051278400653053,
}
"""The training settings that the official package uses for every prediction, as ConfigSpace 0.6.1 scales them."""

_ABSENT = -1.0
"""The value of an absent edge."""

_EDGES = {(cell, edge): f"{_DARTS}edge_{cell}_{edge}" for cell in CELLS for edge in range(sum(range(2, NODES + 2)))}
"""The feature of each possible edge, whose value is the edge's operation; edges are ordered by target, then input."""

_INPUTS = {(cell, node): f"{_DARTS}inputs_node_{cell}_{node + 2}" for cell in CELLS for node in range(1, NODES)}
"""The feature of each node's pair of inputs; the first node has no choice and no feature."""

_ALWAYS_PRESENT = {*_SETTINGS, *_INPUTS.values(), *(_EDGES[cell, edge] for cell in CELLS for edge in (0, 1))}

ORDER = (*sorted(_ALWAYS_PRESENT), *sorted({*_EDGES.values()} - _ALWAYS_PRESENT))
"""The names of the features: first those that every architecture has, then those that it may lack, both sorted."""


def features(rows: Rows) -> Floats:
    """Return the models' features of each row of the DARTS space, float64 of shape (n, 56)."""
    inputs, operations = (part.reshape(len(rows), len(CELLS), NODES, 2) for part in darts().edges(rows))
    pairs = rows.reshape(len(rows), len(CELLS), NODES, 3)[..., 0]
    result = np.tile(_without_architecture(), (len(rows), 1))
    every = np.arange(len(rows))
    for place, cell in enumerate(CELLS):
        for node in range(NODES):
            if node:
                result[:, ORDER.index(_INPUTS[cell, node])] = _categories(node)[pairs[:, place, node]]
            columns = _columns(cell, node)
            for edge in range(2):
                result[every, columns[inputs[:, place, node, edge]]] = operations[:, place, node, edge]
    return result


@cache
def _without_architecture() -> Floats:
    """Return the features of the training settings, with every edge absent."""
    return np.array([_SETTINGS.get(name, _ABSENT) for name in ORDER])


@cache
def _columns(cell: str, node: int) -> NDArray[np.int64]:
    """Return the column of the edge from each input of a node."""
    first = sum(range(2, node + 2))
    return np.array([ORDER.index(_EDGES[cell, first + source]) for source in range(node + 2)])


@cache
def _categories(node: int) -> Floats:
    """Return the official number of each pair of inputs: its index in the order (0, 1), (0, 2), (0, 3), ..., (1, 2)."""
    official = list(itertools.combinations(range(node + 2), 2))
    return np.array([official.index(pair) for pair in input_pairs(node)], dtype=np.float64)


_FOLDERS = {"accuracy": ("xgb", "xgb"), "runtime": ("lgb_runtime", "lgb_time")}
"""For each quantity the name of its official folder, without the version, and its kind of model."""


def _finder(version: str, name: str) -> Callable[[Path], Mapping[str, tuple[Path, ...]]]:
    """Return the function that finds a version's members in the official folder or a folder that contains it."""

    def find(folder: Path) -> dict[str, tuple[Path, ...]]:
        return {
            quantity: _members(_ensemble(folder, kind, version, name), model, _obtain(version, name))
            for quantity, (kind, model) in _FOLDERS.items()
        }

    return find


def _ensemble(folder: Path, kind: str, version: str, name: str) -> Path:
    """Return the one folder of a kind of model and a version; raises BenchmarkFileError unless there is exactly one."""
    folders = [path for path in (folder, *folder.rglob(f"{kind}_v*")) if re.fullmatch(rf"{kind}_v[\d.]+", path.name)]
    folders = [path for path in folders if path.is_dir() and next(path.rglob("ensemble_member_*"), None)]
    matches = [path for path in folders if path.name == f"{kind}_v{version}"]
    if len(matches) > 1:
        raise BenchmarkFileError(
            f"{folder}: contains {kind}_v{version} {len(matches)} times: name the parent folder of one of them"
        )
    if matches:
        return matches[0]
    if folders:
        raise BenchmarkFileError(
            f"{folder}: contains {folders[0].name}, but {name} is version {version}; "
            f"each version has its own name: {', '.join(_NAMES.values())}"
        )
    raise BenchmarkFileError(f"{folder}: contains no folder {kind}_v{version}; {_obtain(version, name)}")


def _members(folder: Path, model: str, obtain: str) -> tuple[Path, ...]:
    """Return the pickled members of an ensemble, ordered by their numbers, which must have no gap."""
    members: dict[int, Path] = {}
    for member in folder.rglob("ensemble_member_*"):
        number = member.name.removeprefix("ensemble_member_")
        if not number.isdecimal() or not member.is_dir():
            continue
        path = member / "surrogate_model.model"
        if not path.is_file():
            raise BenchmarkFileError(f"{path}: is missing; {obtain}")
        kind = _kind(member / "model_config.json")
        if kind != model:
            raise BenchmarkFileError(f"{member}: a model of the kind '{kind}' instead of '{model}'; {obtain}")
        if int(number) in members:
            raise BenchmarkFileError(f"{member}: a second member of this number, besides {members[int(number)].parent}")
        members[int(number)] = path
    missing = set(range(max(members, default=0) + 1)) - members.keys()
    if missing:
        raise BenchmarkFileError(
            f"{folder}: {len(missing)} of {max(members, default=0) + 1} members are missing "
            f"(first: ensemble_member_{min(missing)}); {obtain}"
        )
    return tuple(members[number] for number in sorted(members))


def _kind(path: Path) -> str:
    """Return the kind of model that a member's settings state."""
    try:
        return str(json.loads(path.read_bytes())["model"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise BenchmarkFileError(f"{path}: cannot be read as a model's settings ({error})") from error


_PAGES = {
    "1.0": "https://figshare.com/articles/software/nasbench301_models_v1_0_zip/13061510",
    "0.9": "https://figshare.com/articles/software/nasbench301_models_v0_9_zip/12962432",
}
"""The page of each version of the models."""

_ADDRESSES = {
    "1.0": "https://ndownloader.figshare.com/files/24992018",
    "0.9": "https://ndownloader.figshare.com/files/24693026",
}
"""The address of each version's archive."""

_NAMES = {"1.0": "nas-bench-301", "0.9": "nas-bench-301-v0.9"}
"""The benchmark's name for each version."""


def _archive(version: str) -> OfficialFile:
    """Return the archive that the official package downloads; its authors publish no checksum."""
    return OfficialFile(f"nasbench301_models_v{version}.zip", url=_ADDRESSES[version])


def _needed(version: str) -> str:
    kinds = "|".join(kind for kind, _model in _FOLDERS.values())
    return rf"(.*/)?({kinds})_v{re.escape(version)}/(.*/)?(surrogate_model\.model|model_config\.json)"


def _obtain(version: str, name: str) -> str:
    archive = _archive(version).name
    return (
        f"run 'lissnas data get {name}', or download {archive} from {_PAGES[version]}, "
        f"then run 'lissnas data import {name} {archive}'"
    )


_BIBTEX = """\
@inproceedings{zela2022surrogate,
  title         = {Surrogate {NAS} Benchmarks: Going Beyond the Limited Search Spaces of Tabular {NAS}
    Benchmarks},
  author        = {Zela, Arber and Siems, Julien Niklas and Zimmer, Lucas and Lukasik, Jovita and Keuper,
    Margret and Hutter, Frank},
  booktitle     = {International Conference on Learning Representations (ICLR)},
  year          = {2022},
  url           = {https://openreview.net/forum?id=OnpFa95RVqs},
  eprint        = {2008.09777},
  archivePrefix = {arXiv},
}
"""

ADAPTER = SurrogateAdapter(
    name=_NAMES["1.0"],
    title="CIFAR-10 accuracy and training time of all 10^18 DARTS cells, predicted by XGBoost and LightGBM (v1.0)",
    page=_PAGES["1.0"],
    license="Apache-2.0 (code); the models' page states its own",
    paper="Surrogate NAS Benchmarks: Going Beyond the Limited Search Spaces of Tabular NAS Benchmarks, ICLR 2022",
    bibtex=_BIBTEX,
    space=darts,
    quantities=(Quantity("accuracy", "%", "xgboost"), Quantity("runtime", "s", "lightgbm")),
    features=features,
    width=len(ORDER),
    files=(_archive("1.0"),),
    signs=(("xgb_v1.0/", "surrogate_model.model"),),
    needed=_needed("1.0"),
    find_members=_finder("1.0", _NAMES["1.0"]),
    obtain=_obtain("1.0", _NAMES["1.0"]),
    caveats=(
        "predictions, not measurements, of the validation accuracy after 100 epochs on CIFAR-10",
        "architectures are selected and reported by the same prediction: there is no held-out measurement",
        "the order of the features is that of ConfigSpace 0.6.1; the models were trained with 0.4.12",
    ),
)

V09 = replace(
    ADAPTER,
    name=_NAMES["0.9"],
    title="As nas-bench-301, in the earlier version 0.9 of its models",
    page=_PAGES["0.9"],
    files=(_archive("0.9"),),
    signs=(("xgb_v0.9/", "surrogate_model.model"),),
    needed=_needed("0.9"),
    find_members=_finder("0.9", _NAMES["0.9"]),
    obtain=_obtain("0.9", _NAMES["0.9"]),
)
