"""BenchmarkKey: the small, picklable name by which every worker opens the same benchmark."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version

from lissnas.errors import LissnasError
from lissnas.statistics.quality import Quality, quality
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.subspace import FullSpace
from lissnas_benchmarks.benchmark import Benchmark, open_benchmark
from lissnas_benchmarks.predictor_file import PredictedScores


@dataclass(frozen=True)
class BenchmarkKey:
    """What opens the same benchmark in every process.

    Attributes
    ----------
    benchmark, dataset, metric
        As `open_benchmark` takes them.
    checksums
        Checksums of the columns of the table; a machine that has other data is refused.
    predictor
        The predictor whose scores a method sees in place of the benchmark's; None for the benchmark's own.
    predictor_checksum
        CRC-32 of its scores; 0 without a predictor.
    reopen
        Opens a benchmark that is not in the catalog; None for one that its name opens.
    cheap
        The cheap scores that a method may use.
    cheap_checksum
        CRC-32 of them; 0 without any.
    reduced
        Whether the benchmark was reduced to the architectures that have scores.
    """

    benchmark: str
    dataset: str | None
    metric: str | None
    checksums: tuple[int, ...]
    predictor: PredictedScores | None = field(default=None, compare=False, repr=False)
    predictor_checksum: int = 0
    reopen: Callable[[], Benchmark] | None = field(default=None, compare=False, repr=False)
    cheap: tuple[PredictedScores, ...] = field(default=(), compare=False, repr=False)
    cheap_checksum: int = 0
    reduced: bool = False

    @classmethod
    def of(cls, benchmark: Benchmark) -> "BenchmarkKey":
        """Return the key of an opened benchmark, which this process need not open again."""
        predictor = benchmark.selects if isinstance(benchmark.selects, PredictedScores) else None
        key = cls(
            benchmark.name,
            benchmark.dataset,
            benchmark.reports.metric if benchmark.reports.metric != benchmark.adapter.reports.metric else None,
            benchmark.table.provenance.checksums,
            predictor,
            0 if predictor is None else zlib.crc32(predictor.scores.tobytes()),
            benchmark.reopen,
            benchmark.cheap,
            zlib.crc32(b"".join(cheap.scores.tobytes() for cheap in benchmark.cheap)),
            benchmark.scored is not None,
        )
        _last_opened.clear()
        _last_opened[key] = benchmark
        return key

    def open(self) -> Benchmark:
        """Return the benchmark, opened once in a process; raises LissnasError if its data differ on this machine."""
        if self not in _last_opened:
            opened = open_benchmark(self.benchmark, self.dataset, self.metric) if self.reopen is None else self.reopen()
            if opened.table.provenance.checksums != self.checksums:
                raise LissnasError(
                    f"{self.benchmark}: the data of a worker differ; import the same files on every machine"
                )
            _last_opened.clear()
            opened = opened.reduced_to_scored() if self.reduced else opened
            selecting = opened if self.predictor is None else opened.selected_by(self.predictor)
            _last_opened[self] = selecting.with_cheap_scores(self.cheap)
        return _last_opened[self]

    def identity(self) -> RunIdentity:
        """Return what the rows of a benchmark depend on, in addition to the grid."""
        opened = self.open()
        predicted = {} if self.predictor is None else {"predicted_scores": self.predictor_checksum}
        cheap = {"cheap_scores": self.cheap_checksum} if self.cheap else {}
        data = {
            "benchmark": opened.name,
            "dataset": opened.dataset,
            "selected_by": opened.selects.describe(),
            "reported_by": opened.reports.describe(),
            "checksums": zlib.crc32(repr(self.checksums).encode()),
        }
        return RunIdentity(data=data | predicted | cheap, version=version("lissnas"))


_last_opened: dict[BenchmarkKey, Benchmark] = {}
"""The benchmark that this process opened last: workers get many jobs on the same one, and tables are large."""


@lru_cache(maxsize=1)
def full_space_quality(key: BenchmarkKey) -> Quality:
    """Return the statistics of the full space, computed once in a process: runs that keep all of it share them."""
    benchmark = key.open()
    return quality(FullSpace(benchmark.space), benchmark.report)
