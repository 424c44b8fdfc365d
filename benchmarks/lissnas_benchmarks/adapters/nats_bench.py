"""NATS-Bench: 15,625 cells (topology) and 32,768 choices of widths (size), trained on three image data sets.

Dong, Liu, Musial and Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size", TPAMI 2021.
"""

import bz2
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.channels import channels
from lissnas.spaces.space import Floats, Space

from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.exact_costs import CostsOf, cell_costs, width_costs
from lissnas_benchmarks.readers.pickles.fast_float_dicts import FloatDictReader
from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError
from lissnas_benchmarks.readers.pickles.pickle_stream import PickleStream
from lissnas_benchmarks.readers.trained_runs import MARKER, TrainedRuns, check_archive, check_complete, check_order


@dataclass(frozen=True)
class NatsSpace:
    """One of the two search spaces of NATS-Bench.

    Attributes
    ----------
    file
        The authors' name of its files, without the suffix.
    space
        Makes the search space.
    lengths
        The number of epochs of each training of an architecture, by the authors' names.
    costs_of
        Computes the parameters and FLOPs of its networks.
    example
        A part of every official string of its networks.
    """

    file: str
    space: Callable[[], Space]
    lengths: Mapping[str, int]
    costs_of: CostsOf
    example: str = ""


TOPOLOGY_SPACE = NatsSpace("NATS-tss-v1_0-3ffb9", cell201, {"12": 12, "200": 200}, cell_costs, "|nor_conv_3x3~0|")

SIZE_SPACE = NatsSpace("NATS-sss-v1_0-50262", channels, {"01": 1, "12": 12, "90": 90}, width_costs, "64:64:64:64:64")


class ArchitectureFolder:
    """Reads the official folder, which has one file per architecture.

    Parameters
    ----------
    path
        The folder.
    nats_space
        The search space.
    source
        The import, in whose folder the curves are written.
    """

    def __init__(self, path: Path, nats_space: NatsSpace, source: Import) -> None:
        self._path, self._nats_space, self._source = path, nats_space, source
        self._float_dicts = FloatDictReader()
        self.runs = TrainedRuns(source, nats_space.space(), tuple(nats_space.lengths.values()), nats_space.costs_of)

    def read_all(self) -> None:
        """Read every architecture; raises BenchmarkFileError at the first that is missing or damaged."""
        size = len(self.runs.rows)
        present = {path.name for path in self._path.iterdir()}
        missing = [index for index in range(size) if _member(index) not in present]
        if missing:
            raise BenchmarkFileError(
                f"{self._path.name}: {len(missing):,} of {size:,} architectures are missing "
                f"(first: {_member(missing[0])})"
            )
        for index in range(size):
            self.read(index)
            self._source.progress((index + 1) / size)
        self.check_order()

    def read(self, index: int) -> None:
        """Read the architecture of an official index; raises BenchmarkFileError if it is missing or damaged."""
        trainings = self._load(_member(index), self.runs.add)
        if trainings != {name: (index, epochs) for name, epochs in self._nats_space.lengths.items()}:
            raise BenchmarkFileError(
                f"{_member(index)}: not in the official layout (it lacks one of "
                f"{', '.join(self._nats_space.lengths)} of architecture {index})"
            )

    def check_order(self) -> None:
        """Raise BenchmarkFileError if the list of all architectures gives another index to one that was read."""
        meta = self._load("meta.pickle.pbz2", None)
        try:
            check_order(meta, self.runs)
        except RefusedError as error:
            raise BenchmarkFileError(f"meta.pickle.pbz2: not in the official layout ({error})") from error

    def _load(self, name: str, finish: Callable[[dict[Any, Any]], Any] | None) -> Any:
        try:
            with bz2.open(self._path / name) as file:
                stream = PickleStream(file, name, MARKER, finish, self._float_dicts)
                value = stream.load()
                stream.check_ended()
        except OSError as error:
            raise BenchmarkFileError(f"{self._path.name}/{name}: missing, or cannot be read ({error})") from error
        return value


def read_packed(path: Path, nats_space: NatsSpace, source: Import) -> TrainedRuns:
    """Return the runs in the official single file, or in a file of fewer architectures with the same layout.

    Raises BenchmarkFileError if the file is damaged or in another layout. Architectures may be missing.
    """
    runs = TrainedRuns(source, nats_space.space(), tuple(nats_space.lengths.values()), nats_space.costs_of)
    size = max(1, path.stat().st_size)
    try:
        with path.open("rb") as packed, bz2.open(packed) as file:
            stream = PickleStream(
                file, path.name, MARKER, runs.add, progress=lambda _: source.progress(min(1.0, packed.tell() / size))
            )
            archive = stream.load()
            stream.check_ended()
        check_archive(archive, runs, nats_space.lengths)
    except OSError as error:
        raise BenchmarkFileError(f"{path.name}: cannot be read ({error})") from error
    except RefusedError as error:
        raise BenchmarkFileError(f"{path.name}: not in the official layout ({error})") from error
    return runs


def _member(index: int) -> str:
    """Return the name of an architecture's file."""
    return f"{index:06d}.pickle.pbz2"


def reader(nats_space: NatsSpace, remedy: str) -> Callable[[Import], Mapping[Column, Floats]]:
    """Return the function that reads an official folder or single file of all architectures of a space."""

    def read(source: Import) -> Mapping[Column, Floats]:
        [path] = source.files
        try:
            if path.is_dir():
                folder = ArchitectureFolder(path, nats_space, source)
                folder.read_all()
                runs = folder.runs
            else:
                runs = read_packed(path, nats_space, source)
            check_complete(runs, path.name)
            return runs.columns()
        except RefusedError as error:
            raise BenchmarkFileError(f"{path.name}: not in the official layout ({error}); {remedy}") from error
        except BenchmarkFileError as error:
            raise BenchmarkFileError(f"{error}; {remedy}") from error

    return read


def _obtain(name: str, nats_space: NatsSpace) -> str:
    return (
        f"download {nats_space.file}-simple.tar (https://github.com/D-X-Y/NATS-Bench has the links), then run "
        f"'lissnas data import {name} {nats_space.file}-simple.tar' (or import the unpacked folder, or the packed "
        f"{nats_space.file}.pickle.pbz2)"
    )


_PAPER = "Dong et al., NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size, TPAMI 2021"

_BIBTEX = """\
@article{dong2021nats,
  title   = {{NATS-Bench}: Benchmarking {NAS} Algorithms for Architecture Topology and Size},
  author  = {Dong, Xuanyi and Liu, Lu and Musial, Katarzyna and Gabrys, Bogdan},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence (TPAMI)},
  year    = {2021},
  doi     = {10.1109/TPAMI.2021.3054824},
}
"""

_CAVEATS = (
    "cifar10: validation is from other training runs than test, on half of the training set (cifar10-valid)",
    "cifar100 and ImageNet16-120: validation and test are halves of the original test set ('validation+test')",
    "times are one constant per epoch, not measured for each run",
    "parameters and FLOPs are computed from the architecture, because some runs state those of another one; the import "
    "says how many",
)


def _benchmark(name: str, nats_space: NatsSpace, title: str, epochs: int, *caveats: str) -> TableAdapter:
    return TableAdapter(
        name=name,
        title=title,
        page="https://github.com/D-X-Y/NATS-Bench",
        license="MIT",
        paper=_PAPER,
        bibtex=_BIBTEX,
        space=nats_space.space,
        files=(OfficialFile(f"{nats_space.file}-simple"),),
        read=reader(nats_space, _obtain(name, nats_space)),
        selects=Measure("accuracy", "validation", epochs=epochs),
        reports=Measure("accuracy", "test", epochs=epochs),
        obtain=_obtain(name, nats_space),
        signs=((nats_space.file,), ("meta_archs", "arch2infos", "all_results", nats_space.example)),
        caveats=(*_CAVEATS, *caveats),
    )


TOPOLOGY = _benchmark(
    "nats-bench-topology",
    TOPOLOGY_SPACE,
    "CIFAR-10, CIFAR-100 and ImageNet16-120 accuracy of 15,625 cells, up to three seeds, with learning curves",
    200,
    "the same cells, order and trainings as nas-bench-201, some of them trained and recorded again",
    "after 200 epochs only 'validation+test' of cifar100 and ImageNet16-120 has a learning curve, so stopping early by "
    "it uses the test half",
    "12 epochs: one seed (111), with the learning rate annealed within them; cifar10-valid has seed 777 too",
    "15,625 cells were trained separately, but many compute the same function: 6,466 are distinct by the official "
    "string",
)

SIZE = _benchmark(
    "nats-bench-size",
    SIZE_SPACE,
    "CIFAR-10, CIFAR-100 and ImageNet16-120 accuracy of 32,768 choices of five widths, with learning curves",
    90,
    "90 epochs: one seed (777); 12 epochs: three; each length has its own learning-rate schedule",
)
