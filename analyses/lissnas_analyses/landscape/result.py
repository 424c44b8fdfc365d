"""The tables of a landscape analysis, the same for exact and for sampled landscapes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, SupportsFloat

import numpy as np
import polars as pl
from lissnas.locality.exact_locality import PairLocality
from lissnas.locality.local_optima_network import Funnels, LocalOptimaNetwork
from lissnas.spaces.space import INDEX_COLUMN, Floats
from lissnas.statistics.estimate import Estimate

SHARES = (0.01, 0.05, 0.10)
"""Top shares for which P(top) is measured."""

MIN_PAIRS = 100
"""Minimum number of ordered pairs of a value that is drawn or put in a sentence; tables have all (our own choice)."""


@dataclass(frozen=True)
class Landscapes:
    """The landscapes of one benchmark on one or more data sets.

    Attributes
    ----------
    summary
        One row per statistic: statistic, value, low, high.
    by_distance
        One row per measure and distance: neighborhood ("architectures" or "functions"), measure, distance, pairs,
        value, low, high, without_noise. At distance 0 the correlation of architectures is the reliability of their
        scores, and that of functions is the correlation of two architectures of one function.
    regret
        One row per number of edits: edits, regret, low, high, relative_regret, relative_low, relative_high, reached
        (share of starts).
    neutral
        One row per difference: difference, share (of neighbors whose scores differ by at most this).
    optima
        One row per local optimum, best first: number, index, architecture, score, basin (share of starts).
    edges
        One row per edge of the monotonic network of local optima: edits, source, target, weight.
    funnels
        One row per funnel: edits, sink (number of its best optimum), score, size (share of starts), reach (share of
        optima).

    Each table has a column `dataset`. A table of something that cannot be measured has no rows.
    """

    summary: pl.DataFrame
    by_distance: pl.DataFrame
    regret: pl.DataFrame
    neutral: pl.DataFrame
    optima: pl.DataFrame
    edges: pl.DataFrame
    funnels: pl.DataFrame

    def statistic(self, dataset: str, name: str) -> dict[str, Any]:
        """Return value, low and high of one statistic of the summary."""
        is_row = (pl.col("dataset") == dataset) & (pl.col("statistic") == name)
        row = self.summary.row(by_predicate=is_row, named=True)
        return {key: row[key] for key in ("value", "low", "high")}

    def has(self, dataset: str, name: str) -> bool:
        """Return whether the summary has a statistic."""
        return not self.summary.filter((pl.col("dataset") == dataset) & (pl.col("statistic") == name)).is_empty()


def dataset_names(landscapes: Landscapes) -> list[str]:
    """Return the names of the data sets, in the requested order."""
    return [str(name) for name in landscapes.summary["dataset"].unique(maintain_order=True)]


_SCHEMAS: dict[str, dict[str, type[pl.DataType]]] = {
    "summary": {"statistic": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    "by_distance": {"neighborhood": pl.String, "measure": pl.String, "distance": pl.Int64, "pairs": pl.Int64}
    | dict.fromkeys(("value", "low", "high", "without_noise"), pl.Float64),
    "regret": {"edits": pl.Int64}
    | dict.fromkeys(
        ("regret", "low", "high", "relative_regret", "relative_low", "relative_high", "reached"), pl.Float64
    ),
    "neutral": {"difference": pl.Float64, "share": pl.Float64},
    "optima": {"number": pl.Int64, INDEX_COLUMN: pl.Int64, "architecture": pl.String}
    | {"score": pl.Float64, "basin": pl.Float64},
    "edges": {"edits": pl.Int64, "source": pl.Int64, "target": pl.Int64, "weight": pl.Float64},
    "funnels": {"edits": pl.Int64, "sink": pl.Int64} | dict.fromkeys(("score", "size", "reach"), pl.Float64),
}


@dataclass
class LandscapeRows:
    """Collects the rows of the tables of one data set."""

    summary: list[Mapping[str, object]]
    by_distance: list[Mapping[str, object]]
    regret: list[Mapping[str, object]]
    neutral: list[Mapping[str, object]]
    optima: list[Mapping[str, object]]
    edges: list[pl.DataFrame]
    funnels: list[Mapping[str, object]]

    @classmethod
    def empty(cls) -> "LandscapeRows":
        """Return a collector without rows."""
        return cls(*([] for _ in fields(cls)))

    def add(self, name: str, value: SupportsFloat | Estimate) -> None:
        """Add a statistic to the summary."""
        if isinstance(value, Estimate):
            low, high = float(value.low), float(value.high)
            self.summary.append({"statistic": name, "value": float(value.value), "low": low, "high": high})
        else:
            self.summary.append({"statistic": name, "value": float(value), "low": None, "high": None})

    def add_locality(self, neighborhood: str, locality: PairLocality, without_noise: Floats | None = None) -> None:
        """Add the locality measures at each distance, and the correlations without noise if they are known."""
        unknown = [None] * len(locality.distance)
        clean = unknown if without_noise is None else without_noise.tolist()
        measures = [("difference", locality.difference, unknown), ("correlation", locality.correlation, clean)]
        rates = locality.top_rate
        for number, share in enumerate(locality.shares):
            estimate = Estimate(rates.value[number], rates.low[number], rates.high[number])
            measures.append((f"P(top {100 * share:g} %)", estimate, unknown))
        for measure, estimate, cleaned in measures:
            self.by_distance += [
                {"neighborhood": neighborhood, "measure": measure, "distance": int(distance), "pairs": int(pairs)}
                | {"value": float(value), "low": float(low), "high": float(high), "without_noise": noiseless}
                for distance, pairs, value, low, high, noiseless in zip(
                    locality.distance, locality.pairs, estimate.value, estimate.low, estimate.high, cleaned, strict=True
                )
            ]

    def add_at_distance_0(self, neighborhood: str, measure: str, networks: int, value: Estimate) -> None:
        """Add a measure of different trainings of one network, or of different networks of one function."""
        figures = {"value": float(value.value), "low": float(value.low), "high": float(value.high)}
        pair = {"neighborhood": neighborhood, "measure": measure, "distance": 0, "pairs": networks}
        self.by_distance.append(pair | figures | {"without_noise": None})

    def add_regret(self, edits: int, regret: Estimate, relative: Estimate, reached: float) -> None:
        """Add the regret after the best of `edits` edits, and the regret relative to that of zero edits."""
        self.regret.append(
            {"edits": edits, "regret": float(regret.value), "low": float(regret.low), "high": float(regret.high)}
            | {
                "relative_regret": float(relative.value),
                "relative_low": float(relative.low),
                "relative_high": float(relative.high),
            }
            | {"reached": reached}
        )

    def add_network(self, edits: int, network: LocalOptimaNetwork, funnels: Funnels) -> None:
        """Add the edges and the funnels of a network of local optima."""
        ends = {"source": network.source, "target": network.target, "weight": network.weight}
        self.edges.append(pl.DataFrame({"edits": np.full(len(network.weight), edits), **ends}))
        first = np.unique(funnels.node, return_index=True)[1][funnels.sinks]
        described = zip(
            first.tolist(), funnels.sink_scores.tolist(), funnels.size.tolist(), funnels.reach.tolist(), strict=True
        )
        self.funnels += [
            {"edits": edits, "sink": sink, "score": score, "size": size, "reach": reach}
            for sink, score, size, reach in described
        ]

    def add_optima(self, network: LocalOptimaNetwork, architectures: Sequence[str]) -> None:
        """Add the local optima."""
        described = zip(
            network.optima.tolist(), architectures, network.scores.tolist(), network.basins.tolist(), strict=True
        )
        self.optima += [
            {"number": number, INDEX_COLUMN: index, "architecture": name, "score": score, "basin": basin}
            for number, (index, name, score, basin) in enumerate(described)
        ]


def joined(by_dataset: Iterable[tuple[str, LandscapeRows]]) -> Landscapes:
    """Return the tables of all data sets, concatenated."""
    collected = list(by_dataset)
    frames = {
        name: pl.concat(_with_dataset(dataset, _frame(getattr(rows, name), schema)) for dataset, rows in collected)
        for name, schema in _SCHEMAS.items()
    }
    return Landscapes(**frames)


def _frame(rows: list[Any], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    """Return a table from its rows, which are dictionaries or tables."""
    if rows and isinstance(rows[0], pl.DataFrame):
        return pl.concat(rows).cast(pl.Schema(schema))
    return pl.DataFrame(rows, schema=schema, orient="row")


def _with_dataset(dataset: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.insert_column(0, pl.Series("dataset", [dataset] * frame.height, dtype=pl.String))
