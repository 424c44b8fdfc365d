"""Published rank correlations of predictors, to print next to ours where space, data set and training size agree.

They are shown only for a benchmark with the same trained networks, and for the same number of training networks. Their
test sets differ from ours: these papers judge all networks of the space, those that trained the predictor included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lissnas_benchmarks.benchmark import Benchmark

PINAT_TABLE = "Table 1 of PINAT"
"""Source of all figures here: Lu et al., "PINAT", AAAI 2023, `assets/pinat_table1.jpg` of its repository."""


@dataclass(frozen=True)
class PublishedTau:
    """Kendall's tau of a predictor of a paper.

    Attributes
    ----------
    predictor
        The name of the predictor.
    train
        Number of networks that it was trained on.
    tau
        Kendall's tau with the test accuracies of all networks of the space.
    source
        Where the figure was printed.
    """

    predictor: str
    train: int
    tau: float
    source: str = PINAT_TABLE


_TAUS: dict[tuple[str, str], tuple[PublishedTau, ...]] = {
    ("nas-bench-101", "cifar10"): tuple(
        PublishedTau(predictor, train, tau)
        for predictor, taus in {
            "arch2vec": (0.435, 0.511, 0.547, 0.596),
            "GATES": (0.605, 0.659, 0.691, 0.822),
            "TNASP": (0.600, 0.669, 0.705, 0.820),
            "PINAT": (0.679, 0.715, 0.772, 0.846),
        }.items()
        for train, tau in zip((100, 172, 424, 4236), taus, strict=True)
    ),
    ("nas-bench-201", "cifar10"): tuple(
        PublishedTau(predictor, train, tau)
        for predictor, taus in {
            "arch2vec": (0.542, 0.573, 0.601, 0.606, 0.605),
            "TNASP": (0.539, 0.589, 0.640, 0.689, 0.724),
            "PINAT": (0.549, 0.631, 0.706, 0.761, 0.784),
        }.items()
        for train, tau in zip((78, 156, 469, 781, 1563), taus, strict=True)
    ),
}
"""The figures by benchmark and data set. All train on validation accuracies and are judged by test accuracies."""


def published_taus(benchmark: Benchmark, train: Sequence[int]) -> tuple[PublishedTau, ...]:
    """Return the published figures for this benchmark, data set and metric with these numbers of training networks."""
    known = _TAUS.get((benchmark.name, benchmark.dataset), ())
    if benchmark.reports != benchmark.adapter.reports or benchmark.selects != benchmark.adapter.selects:
        return ()
    return tuple(figure for figure in known if figure.train in train)
