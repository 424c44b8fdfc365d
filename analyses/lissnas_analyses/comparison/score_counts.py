"""What a comparison counts: networks without a score, networks that tie for the best, and the size of the top 1 %."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from lissnas.statistics.quality import is_top
from lissnas.subspaces.pockets import pockets
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks.benchmark import Benchmark

_TOP = 0.01


@dataclass(frozen=True)
class ScoreCounts:
    """The counts behind the recall of one benchmark.

    Attributes
    ----------
    networks
        Number of networks in the space.
    without_selection_score, without_report_score
        Number of networks without the score that methods see, and without the one that judges.
    tied_optima
        Number of networks with the best report score: each is an optimum.
    optimum_plateaus
        The same if tied networks that are connected by single edits are one optimum.
    top_1
        Number of networks in the top 1 % by report score, with all that tie with the last.
    top_1_share
        Their share of the networks with a report score: above 0.01 because of ties.
    """

    networks: int
    without_selection_score: int
    without_report_score: int
    tied_optima: int
    optimum_plateaus: int
    top_1: int
    top_1_share: float

    @classmethod
    def of(cls, benchmark: Benchmark) -> "ScoreCounts":
        """Count the scores of a benchmark."""
        report = benchmark.report
        best = np.flatnonzero(report == np.nanmax(report))
        scored = int(np.count_nonzero(~np.isnan(report)))
        top = int(np.count_nonzero(is_top(report, _TOP)))
        return cls(
            networks=len(report),
            without_selection_score=int(np.count_nonzero(np.isnan(benchmark.selection))),
            without_report_score=len(report) - scored,
            tied_optima=len(best),
            optimum_plateaus=int(pockets(ExplicitSubspace(benchmark.space, best)).max()) + 1,
            top_1=top,
            top_1_share=top / scored,
        )

    @property
    def row(self) -> dict[str, Any]:
        """The counts as the columns of a row."""
        return asdict(self)

    def __str__(self) -> str:
        scored = self.networks - self.without_report_score
        rounded = round(_TOP * scored)
        tied = self.top_1 - max(1, rounded)
        if tied:
            reason = f"because {tied:,} more {'ties' if tied == 1 else 'tie'} with the last"
        else:
            reason = "" if rounded else "because at least one counts"
        ties = f", {100 * self.top_1_share:.2f} %, {reason}" if reason else ""
        top = f"counted: the top 1 % are {self.top_1:,} of {scored:,} networks{ties}"
        optima = "one network has the best score"
        if self.tied_optima > 1:
            plateaus = "1 plateau" if self.optimum_plateaus == 1 else f"{self.optimum_plateaus:,} plateaus"
            optima = (
                f"{self.tied_optima:,} networks tie for the best score: {self.tied_optima:,} optima, or {plateaus} if "
                "tied neighbors count as one"
            )
        missing = "every network has both scores"
        if self.without_selection_score or self.without_report_score:
            missing = (
                f"{self.without_selection_score:,} networks have no score that selects and "
                f"{self.without_report_score:,} none that reports, and are never in the top"
            )
        return f"{top}; {optima}; {missing}"
