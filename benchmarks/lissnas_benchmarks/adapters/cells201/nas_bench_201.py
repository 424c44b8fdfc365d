"""NAS-Bench-201: 15,625 cells trained on three image data sets, with all seeds and learning curves.

Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
The readers of the official file are imported only for an import, so that a table opens quickly.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Space

from lissnas_benchmarks.adapter import Import, OfficialFile, OtherForm, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError

if TYPE_CHECKING:
    from lissnas_benchmarks.readers.trained_runs import TrainedRuns

_FILE = "NAS-Bench-201-v1_1-096897.pth"

LENGTHS = {"less": 12, "full": 200}
"""The numbers of epochs of the two trainings of an architecture, by the authors' names."""


def read_runs(path: Path, source: Import, space: Space) -> "TrainedRuns":
    """Return the runs in an official file, or in a file of fewer architectures with the same layout.

    Raises BenchmarkFileError if the file is damaged or in another layout. Architectures may be missing.
    """
    from lissnas_benchmarks.readers.exact_costs import cell_costs
    from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError
    from lissnas_benchmarks.readers.pickles.torch_file import load_records
    from lissnas_benchmarks.readers.trained_runs import MARKER, TrainedRuns, check_archive

    runs = TrainedRuns(source, space, tuple(LENGTHS.values()), cell_costs)
    archive = load_records(path, MARKER, runs.add, source.progress)
    try:
        check_archive(archive, runs, LENGTHS)
    except RefusedError as error:
        raise BenchmarkFileError(f"{path.name}: not in the official layout ({error})") from error
    return runs


def reader(space: Callable[[], Space]) -> Callable[[Import], Mapping[Column, Floats]]:
    """Return the function that reads an official file of all architectures of a space."""

    def read(source: Import) -> Mapping[Column, Floats]:
        from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError
        from lissnas_benchmarks.readers.trained_runs import check_complete

        [path] = source.files
        try:
            runs = read_runs(path, source, space())
            check_complete(runs, path.name)
            return runs.columns()
        except RefusedError as error:
            raise BenchmarkFileError(f"{path.name}: not in the official layout ({error}); {_OBTAIN}") from error
        except BenchmarkFileError as error:
            raise BenchmarkFileError(f"{error}; {_OBTAIN}") from error

    return read


_OBTAIN = (
    f"download {_FILE} (4.7 GB; https://github.com/D-X-Y/NAS-Bench-201 has the links), "
    f"then run 'lissnas data import nas-bench-201 {_FILE}'"
)

_SIGNS = ("meta_archs", "arch2infos", "all_results", "|nor_conv_3x3~0|", "less")

BIBTEX = """\
@inproceedings{dong2020nasbench201,
  title     = {{NAS-Bench-201}: Extending the Scope of Reproducible Neural Architecture Search},
  author    = {Dong, Xuanyi and Yang, Yi},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2020},
  url       = {https://openreview.net/forum?id=HJxyZkBKDr},
}
"""

ADAPTER = TableAdapter(
    name="nas-bench-201",
    title="CIFAR-10, CIFAR-100 and ImageNet16-120 accuracy of 15,625 cells, up to three seeds, with learning curves",
    page="https://github.com/D-X-Y/NAS-Bench-201",
    license="MIT",
    paper="Dong and Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, ICLR 2020",
    bibtex=BIBTEX,
    space=cell201,
    files=(OfficialFile(_FILE),),
    read=reader(cell201),
    signs=(_SIGNS,),
    forms=(
        OtherForm(
            OfficialFile(
                "nasbench201_v1_0-e61699.pkl",
                url="https://huggingface.co/datasets/ThunderStruct/NASBench/resolve/main/nasbench201_v1_0-e61699.pkl",
            ),
            "NASBenchAPI (version 1.0 of the official file)",
            ((*_SIGNS, "nasbench201_v1_0-e61699"),),
            reader(cell201),
        ),
    ),
    selects=Measure("accuracy", "validation", epochs=200),
    reports=Measure("accuracy", "test", epochs=200),
    obtain=_OBTAIN,
    caveats=(
        "cifar10: validation is from other training runs than test, on half of the training set (cifar10-valid)",
        "cifar100 and ImageNet16-120: validation and test are halves of the original test set; after 200 epochs only "
        "both together ('validation+test') have a learning curve, so stopping early by it uses the test half",
        "2,225 cells were trained with one seed, 5,439 with two and 7,961 with three: a missing seed is NaN and never "
        "filled in; means are over the seeds that a cell has",
        "12 epochs: one seed (111), with the learning rate annealed within them; cifar10-valid has seed 777 too",
        "times are one constant per epoch, not measured for each run",
        "parameters and FLOPs are computed from the cell, because some runs state those of another cell: 150 of the "
        "15,625 published values differ; the import says how many of your file do",
        "15,625 cells were trained separately, but many compute the same function: 6,466 are distinct by the official "
        "string",
    ),
)
