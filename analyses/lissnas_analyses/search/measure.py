"""Does shrinking pay? The same search inside a shrunk space and in the full one, at equal total evaluations.

Inside, what the shrinker scored is paid for first, known to the search, and a candidate for the network that is chosen.
The chosen network is the best so far by the scores that select; its regret is by how much the best network of the whole
space exceeds it in the scores that report.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.optimizers.search import SearchTrace, optimizer_class, search
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink
from lissnas.spaces.space import Floats, Indices
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas.storage.random_streams import named_generator
from lissnas.subspaces.subspace import WholeSpace
from lissnas_benchmarks.benchmark import Benchmark

from lissnas_analyses.grid.workers import BenchmarkKey, Workers

FULL = "full space"
"""How the search without shrinking is named."""

_POINTS = 100
"""At how many numbers of evaluations, evenly spaced, regret is recorded."""


@dataclass(frozen=True)
class SearchResult:
    """The numbers behind the figure of searches.

    Attributes
    ----------
    evaluations
        The total of every search.
    runs
        A row a run, place ("full space" or a method), optimizer and number of evaluations: the regret.
    means
        A row a place, optimizer and number of evaluations: the mean regret over the runs, its 95 % interval
        (Student's), and the same of the paired difference to the full space.
    shrinking
        A row a run and method: what shrinking spent, and how many networks it kept.
    """

    evaluations: int
    runs: pl.DataFrame
    means: pl.DataFrame
    shrinking: pl.DataFrame

    def end(self, place: str, optimizer: str) -> dict[str, float]:
        """Return the last row of `means` of a search."""
        own = self.means.filter((pl.col("place") == place) & (pl.col("optimizer") == optimizer))
        return own.sort("evaluations").row(-1, named=True)


@dataclass(frozen=True)
class _Run:
    """What a worker returns of one run: the regrets by place and optimizer, what shrinking spent and kept."""

    number: int
    regret: dict[tuple[str, str], Floats]
    shrinking: dict[str, tuple[int, int]]


def compare_searches(
    name: BenchmarkKey,
    methods: dict[str, Shrinker],
    optimizers: Sequence[str],
    evaluations: int,
    runs: int,
    seed: int,
    workers: Workers,
    report: Callable[[float], None] = lambda share: None,
) -> SearchResult:
    """Search in the full space and inside what each method keeps, with every optimizer and `runs` seeds.

    Raises SettingError if there are fewer than 1 run or 1 evaluation.
    """
    if runs < 1 or evaluations < 1:
        raise SettingError(f"at least 1 run and 1 evaluation are needed, not {runs} and {evaluations}")
    jobs = ((name, methods, tuple(optimizers), evaluations, seed, run) for run in range(runs))
    done: list[_Run] = []
    for found in workers.each(one_run, jobs):
        done.append(found)
        report(len(done) / runs)
    done.sort(key=lambda found: found.number)
    regret = {search: np.stack([found.regret[search] for found in done]) for search in done[0].regret}
    points = recorded_at(evaluations)
    shrinking = [
        {"run": found.number, "method": method, "evaluations": spent, "size": size}
        for found in done
        for method, (spent, size) in found.shrinking.items()
    ]
    return SearchResult(evaluations, _rows(regret, points), _means(regret, points), pl.DataFrame(shrinking))


def recorded_at(evaluations: int) -> Indices:
    """Return at which numbers of evaluations the regret is recorded, the last being the total."""
    return np.unique(np.linspace(1, evaluations, min(_POINTS, evaluations)).round().astype(np.int64))


def one_run(
    name: BenchmarkKey, methods: dict[str, Shrinker], optimizers: tuple[str, ...], evaluations: int, seed: int, run: int
) -> _Run:
    """Do all searches of one run: what a worker does."""
    benchmark = name.open()
    points = recorded_at(evaluations)
    regret: dict[tuple[str, str], Floats] = {}
    shrinking: dict[str, tuple[int, int]] = {}
    for which in optimizers:
        trace = search(
            WholeSpace(benchmark.space),
            benchmark.evaluator,
            optimizer_class(which)(),
            named_generator(f"search {which}", seed, run),
            evaluations,
        )
        regret[FULL, which] = regret_at(trace, benchmark, points)
    for method, shrinker in methods.items():
        for which in optimizers:
            shrunk = _shrunk(benchmark, shrinker, seed, run, method)  # anew for each: a search adds to its memory
            spent = shrunk.evaluations.count
            inside = search(
                shrunk.subspace,
                shrunk.evaluations,
                optimizer_class(which)(),
                named_generator(f"search {which}", seed, run),
                evaluations,
            )
            regret[method, which] = regret_at(inside, benchmark, points)
            shrinking[method] = spent, shrunk.subspace.size
    return _Run(run, regret, shrinking)


def _shrunk(benchmark: Benchmark, shrinker: Shrinker, seed: int, run: int, method: str) -> Trace:
    return shrink(benchmark.space, benchmark.evaluator, shrinker, named_generator(method, seed, run))


def regret_at(trace: SearchTrace, benchmark: Benchmark, points: Indices) -> Floats:
    """Return the regret after so many evaluations each, shape (points,); a search that ended early stays where it was.

    Before the first score it is that of the worst network.
    """
    incumbents = trace.incumbents[np.minimum(points, trace.evaluations.count) - 1]
    reported = np.where(incumbents >= 0, benchmark.report[incumbents], np.nan)
    return np.nanmax(benchmark.report) - np.where(np.isnan(reported), np.nanmin(benchmark.report), reported)


def regret_of_the_best_selected(benchmark: Benchmark) -> float:
    """Return the regret of what a search that saw everything would choose: the best by the selecting scores."""
    return float(np.nanmax(benchmark.report) - benchmark.report[np.nanargmax(benchmark.selection)])


def _rows(regret: dict[tuple[str, str], Floats], points: Indices) -> pl.DataFrame:
    frames = [
        pl.DataFrame(
            {
                "place": place,
                "optimizer": which,
                "run": np.repeat(np.arange(len(values)), len(points)),
                "evaluations": np.tile(points, len(values)),
                "regret": values.ravel(),
            }
        )
        for (place, which), values in regret.items()
    ]
    return pl.concat(frames)


def _means(regret: dict[tuple[str, str], Floats], points: Indices) -> pl.DataFrame:
    frames = []
    for (place, which), values in regret.items():
        mean, gain = mean_over_runs(values), mean_over_runs(values - regret[FULL, which])
        columns = {"regret": mean.value, "low": np.maximum(mean.low, 0), "high": mean.high}
        columns |= {"difference": gain.value, "difference_low": gain.low, "difference_high": gain.high}
        frames.append(pl.DataFrame({"place": place, "optimizer": which, "evaluations": points} | columns))
    return pl.concat(frames)


def sentences(result: SearchResult, benchmark: Benchmark) -> tuple[str, ...]:
    """Return whether shrinking pays, for each optimizer and method, in sentences."""
    places = [place for place in result.means["place"].unique(maintain_order=True) if place != FULL]
    found = []
    if floor := regret_of_the_best_selected(benchmark):
        found.append(f"the best network by the selecting scores has a regret of {floor:.3f} {benchmark.unit}")
    for method in places:
        own = result.shrinking.filter(pl.col("method") == method)
        over = int((own["evaluations"] >= result.evaluations).sum())
        scored, kept = (float(own[column].to_numpy().mean()) for column in ("evaluations", "size"))
        spent = f"{method} spends {scored:,.0f} evaluations and keeps {kept:,.0f} networks"
        warning = (
            f"; in {over} of {own.height} runs that is all of the {result.evaluations:,}: nothing is left to search"
        )
        found.append(spent + (warning if over else ""))
        for which in result.means["optimizer"].unique(maintain_order=True):
            inside, full = result.end(method, which), result.end(FULL, which)
            low, high = inside["difference_low"], inside["difference_high"]
            found.append(
                f"{which} inside {method}: regret {inside['regret']:.3f} [{inside['low']:.3f}, {inside['high']:.3f}] "
                f"{benchmark.unit} after {result.evaluations:,} evaluations, {full['regret']:.3f} in the full space; "
                f"difference {inside['difference']:+.3f} [{low:+.3f}, {high:+.3f}]: {_verdict(low, high)}"
                f"{_on_the_way(result, method, which)}"
            )
    return tuple(found)


def _verdict(low: float, high: float) -> str:
    if high < 0:
        return "shrinking pays"
    return "shrinking does not pay" if low > 0 else "no difference is shown"


def _on_the_way(result: SearchResult, method: str, which: str) -> str:
    """Say where on the way the difference to the full space was clear."""
    own = result.means.filter((pl.col("place") == method) & (pl.col("optimizer") == which)).sort("evaluations")
    parts = []
    for name, clear in (("behind", own["difference_low"] > 0), ("ahead", own["difference_high"] < 0)):
        reached = own["evaluations"].filter(clear)
        if len(reached):
            first, last = int(reached.item(0)), int(reached.item(-1))
            parts.append(
                f"clearly {name} at {len(reached) / own.height:.0%} of all counts, between {first:,} and {last:,}"
            )
    return f" ({'; '.join(parts)})" if parts else ""
