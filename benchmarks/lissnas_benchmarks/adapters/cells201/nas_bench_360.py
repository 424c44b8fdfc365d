"""NAS-Bench-360's precomputed tables: the 15,625 cells of NAS-Bench-201, trained on NinaPro and on Darcy flow.

Tu et al., "NAS-Bench-360: Benchmarking Neural Architecture Search on Diverse Tasks", NeurIPS 2022.
"""

from collections.abc import Callable, Mapping

from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Space

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.readers.nats_records import CellRuns, read_records

_EPOCHS = 200

_SEED = 777

_BIBTEX = """\
@inproceedings{tu2022nasbench360,
  title         = {{NAS-Bench-360}: Benchmarking Neural Architecture Search on Diverse Tasks},
  author        = {Tu, Renbo and Roberts, Nicholas and Khodak, Mikhail and Shen, Junhong and Sala, Frederic and
    Talwalkar, Ameet},
  booktitle     = {Advances in Neural Information Processing Systems (NeurIPS), Datasets and Benchmarks Track},
  year          = {2022},
  eprint        = {2110.05668},
  archivePrefix = {arXiv},
}
"""


def reader(
    space: Callable[[], Space], dataset: str, unit: str, remedy: str
) -> Callable[[Import], Mapping[Column, Floats]]:
    """Return the function that reads the official file of a data set."""

    def read(source: Import) -> Mapping[Column, Floats]:
        [path] = source.files
        columns = {split: Column("accuracy", dataset, split, unit, _EPOCHS, _SEED) for split in ("train", "test")}
        runs = CellRuns(source, space(), (dataset, _SEED), _EPOCHS, columns)
        read_records(path, runs, source.progress)
        return runs.columns(path.name, remedy)

    return read


def _benchmark(name: str, dataset: str, title: str, file: str, unit: str, caveat: str) -> TableAdapter:
    url = f"https://pde-xd.s3.amazonaws.com/{file}"
    remedy = f"download {file} from {url}, then run 'lissnas data import {file}'"
    return TableAdapter(
        name=name,
        title=f"accuracy of 15,625 cells on {title}, with learning curves",
        page="https://github.com/rtu715/NAS-Bench-360",
        license="MIT (repository); none stated for the tables",
        paper="Tu et al., NAS-Bench-360: Benchmarking Neural Architecture Search on Diverse Tasks, NeurIPS 2022",
        bibtex=_BIBTEX,
        space=cell201,
        files=(OfficialFile(file, url=url),),
        signs=(("meta_archs", "arch2infos", "all_results", "|nor_conv_3x3~0|", dataset),),
        read=reader(cell201, dataset, unit, remedy),
        selects=Measure("accuracy", "test", epochs=_EPOCHS),
        reports=Measure("accuracy", "test", epochs=_EPOCHS),
        obtain=remedy,
        caveats=(
            "selected and reported by the same test accuracies of one seed: the files have no validation",
            caveat,
        ),
    )


NINAPRO = _benchmark(
    "nas-bench-360-ninapro",
    "ninapro",
    "NinaPro (hand gestures from electromyography)",
    "NATS-tss-v1_0-daa55.pickle.pbz2",
    "%",
    "the reader follows the layout of NATS-Bench, which the paper's program writes; no official file was at hand",
)

DARCY = _benchmark(
    "nas-bench-360-darcy",
    "darcyflow",
    "Darcy flow (a partial differential equation)",
    "NATS-tss-v1_0-48858.pickle.pbz2",
    "",
    "the score is no percentage: it is at most 1 and higher is better; for failed trainings it is negative",
)
