"""Channel-Bench-Macro: CIFAR-10 accuracy of a ResNet and a MobileNet at every combination of widths, three runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lissnas.spaces.published.channel_macro import channel_macro
from lissnas.spaces.space import Floats

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.readers.chain_json import Accuracies, Count, TrainedChain, chain_columns
from lissnas_benchmarks.readers.strict_json import read_json


@dataclass(frozen=True)
class _Network:
    """One entry of an official file."""

    acc: Accuracies
    mean: float
    params: Count
    flops: Count


def _reader(name: str, obtain: str) -> Callable[[Import], Mapping[Column, Floats]]:
    def read(source: Import) -> Mapping[Column, Floats]:
        networks = read_json(source.files[0].read_bytes(), dict[str, _Network], name, obtain)
        trained = {widths: TrainedChain(n.acc, n.mean, n.params, n.flops) for widths, n in networks.items()}
        return chain_columns(channel_macro(), trained, "macs", name, obtain)

    return read


_BIBTEX = """\
@inproceedings{su2021bcnet,
  title         = {{BCNet}: Searching for Network Width with Bilaterally Coupled Network},
  author        = {Su, Xiu and You, Shan and Wang, Fei and Qian, Chen and Zhang, Changshui and Xu, Chang},
  booktitle     = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year          = {2021},
  eprint        = {2105.10533},
  archivePrefix = {arXiv},
}
"""


def _benchmark(name: str, network: str, file: str) -> TableAdapter:
    obtain = (
        f"download {file} from https://github.com/xiusu/Channel-Bench-Macro, then run 'lissnas data import {name} "
        f"{file}'"
    )
    return TableAdapter(
        name=name,
        title=f"CIFAR-10 accuracy of a {network} at all 16,384 widths of 7 layers, three seeds, with size and MACs",
        page="https://github.com/xiusu/Channel-Bench-Macro",
        license="none stated",
        paper="Su et al., BCNet: Searching for Network Width with Bilaterally Coupled Network, CVPR 2021",
        bibtex=_BIBTEX,
        space=channel_macro,
        files=(OfficialFile(file),),
        signs=(("1111111", '"acc"', '"mean"', '"flops"', '"params"'),),
        read=_reader(file, obtain),
        selects=Measure("accuracy", "test", seeds=(0,)),
        reports=Measure("accuracy", "test", seeds=(1, 2)),
        obtain=obtain,
        caveats=(
            "only test accuracies are published: the first run selects, and the mean of the other two reports",
            "what the file calls FLOPs are multiply-accumulates; here they are called MACs",
        ),
    )


ADAPTER = _benchmark("channel-bench-macro", "ResNet", "Results_ResNet.json")

MOBILENET = _benchmark("channel-bench-macro-mobilenet", "MobileNet", "Results_MobileNet.json")
