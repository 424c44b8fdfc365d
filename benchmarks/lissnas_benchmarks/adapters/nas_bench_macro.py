"""NAS-Bench-Macro: CIFAR-10 accuracy of every chain of 8 layers with 3 choices each, trained three times."""

from collections.abc import Mapping
from dataclasses import dataclass

from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter, in_repository
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.readers.chain_json import Accuracies, Count, TrainedChain, chain_columns
from lissnas_benchmarks.readers.strict_json import read_json

_FILE = "nas-bench-macro_cifar10.json"


@dataclass(frozen=True)
class _Network:
    """One entry of the official file."""

    test_acc: Accuracies
    mean_acc: float
    params: Count
    flops: Count


def _read(source: Import) -> Mapping[Column, Floats]:
    """Return the columns of the official file."""
    networks = read_json(source.files[0].read_bytes(), dict[str, _Network], _FILE, _OBTAIN)
    trained = {name: TrainedChain(n.test_acc, n.mean_acc, n.params, n.flops) for name, n in networks.items()}
    return chain_columns(macro(), trained, "flops", _FILE, _OBTAIN)


_OBTAIN = (
    f"run 'lissnas data get nas-bench-macro', or download {_FILE} from "
    f"https://github.com/xiusu/NAS-Bench-Macro (folder data), then run 'lissnas data import nas-bench-macro {_FILE}'"
)

_BIBTEX = """\
@inproceedings{su2021prioritized,
  title         = {Prioritized Architecture Sampling with {Monto-Carlo} Tree Search},
  author        = {Su, Xiu and Huang, Tao and Li, Yanxi and You, Shan and Wang, Fei and Qian, Chen and Zhang,
    Changshui and Xu, Chang},
  booktitle     = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages         = {10968--10977},
  year          = {2021},
  eprint        = {2103.11922},
  archivePrefix = {arXiv},
}
"""

ADAPTER = TableAdapter(
    name="nas-bench-macro",
    title="CIFAR-10 accuracy of all 6,561 chains of 8 layers, three seeds, with parameters and FLOPs",
    page="https://github.com/xiusu/NAS-Bench-Macro",
    license="Apache-2.0",
    paper="Su et al., Prioritized Architecture Sampling with Monto-Carlo Tree Search, CVPR 2021",
    bibtex=_BIBTEX,
    space=macro,
    files=(OfficialFile(_FILE, url=in_repository("xiusu/NAS-Bench-Macro", f"data/{_FILE}")),),
    signs=(('"00000000"', '"test_acc"', '"mean_acc"'),),
    read=_read,
    selects=Measure("accuracy", "test", seeds=(0,)),
    reports=Measure("accuracy", "test", seeds=(1, 2)),
    obtain=_OBTAIN,
    caveats=("only test accuracies are published: the first run selects, and the mean of the other two reports",),
)
