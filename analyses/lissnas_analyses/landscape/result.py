"""What an analysis of landscapes comes to: frames, the same for exact and for sampled figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, SupportsFloat

import numpy as np
import polars as pl
from lissnas.locality.exact_locality import PairLocality
from lissnas.locality.local_optima_network import Funnels, LocalOptimaNetwork
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate

SHARES = (0.01, 0.05, 0.10)
"""The best shares that are followed."""

FEWEST_PAIRS = 100
"""Of how many ordered pairs a figure must be to be drawn or told; the numbers hold all (our own choice)."""


@dataclass(frozen=True)
class Landscapes:
    """The landscapes of one benchmark, its data sets one after the other.

    Attributes
    ----------
    summary
        A row a figure: figure, value, low, high.
    by_distance
        A row a measure and distance: neighborhood ("architectures" or "functions"), measure, distance, pairs, value,
        low, high, without_noise. At distance 0 the correlation of architectures is the reliability of their
        scores, that of functions the correlation of two architectures of one function.
    regret
        A row an edit: edits, regret, low, high, left, left_low, left_high, reached (share of starts).
    neutral
        A row a difference: difference, share (of the neighbors that differ by no more).
    optima
        A row a local optimum, best first: number, index, architecture, score, basin (share of starts).
    edges
        A row an edge of the monotonic network of local optima: edits, source, target, weight.
    funnels
        A row a funnel: edits, sink (number of its best optimum), score, size (share of starts), reach (of optima).

    Each has a column `dataset`. A frame of what cannot be measured has no rows.
    """

    summary: pl.DataFrame
    by_distance: pl.DataFrame
    regret: pl.DataFrame
    neutral: pl.DataFrame
    optima: pl.DataFrame
    edges: pl.DataFrame
    funnels: pl.DataFrame

    def figure(self, dataset: str, name: str) -> dict[str, Any]:
        """Return value, low and high of one figure of the summary."""
        chosen = (pl.col("dataset") == dataset) & (pl.col("figure") == name)
        row = self.summary.row(by_predicate=chosen, named=True)
        return {key: row[key] for key in ("value", "low", "high")}

    def has(self, dataset: str, name: str) -> bool:
        """Tell whether the summary holds a figure."""
        return not self.summary.filter((pl.col("dataset") == dataset) & (pl.col("figure") == name)).is_empty()


def dataset_names(found: Landscapes) -> list[str]:
    """Return the data sets, in the order they were asked for."""
    return [str(name) for name in found.summary["dataset"].unique(maintain_order=True)]


_SCHEMAS: dict[str, dict[str, type[pl.DataType]]] = {
    "summary": {"figure": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    "by_distance": {"neighborhood": pl.String, "measure": pl.String, "distance": pl.Int64, "pairs": pl.Int64}
    | dict.fromkeys(("value", "low", "high", "without_noise"), pl.Float64),
    "regret": {"edits": pl.Int64}
    | dict.fromkeys(("regret", "low", "high", "left", "left_low", "left_high", "reached"), pl.Float64),
    "neutral": {"difference": pl.Float64, "share": pl.Float64},
    "optima": {"number": pl.Int64, "index": pl.Int64, "architecture": pl.String}
    | {"score": pl.Float64, "basin": pl.Float64},
    "edges": {"edits": pl.Int64, "source": pl.Int64, "target": pl.Int64, "weight": pl.Float64},
    "funnels": {"edits": pl.Int64, "sink": pl.Int64} | dict.fromkeys(("score", "size", "reach"), pl.Float64),
}


@dataclass
class LandscapeRows:
    """The rows of one data set's frames, as they are found."""

    summary: list[Mapping[str, object]]
    by_distance: list[Mapping[str, object]]
    regret: list[Mapping[str, object]]
    neutral: list[Mapping[str, object]]
    optima: list[Mapping[str, object]]
    edges: list[pl.DataFrame]
    funnels: list[Mapping[str, object]]

    @classmethod
    def empty(cls) -> "LandscapeRows":
        """Return no rows yet."""
        return cls(*([] for _ in fields(cls)))

    def add(self, name: str, value: SupportsFloat | Estimate) -> None:
        """Add a figure to the summary."""
        if isinstance(value, Estimate):
            low, high = float(value.low), float(value.high)
            self.summary.append({"figure": name, "value": float(value.value), "low": low, "high": high})
        else:
            self.summary.append({"figure": name, "value": float(value), "low": None, "high": None})

    def add_locality(self, neighborhood: str, found: PairLocality, without_noise: Floats | None = None) -> None:
        """Add what pairs at each distance have in common, and their correlations without noise."""
        unknown = [None] * len(found.distance)
        clean = unknown if without_noise is None else without_noise.tolist()
        measures = [("difference", found.difference, unknown), ("correlation", found.correlation, clean)]
        rates = found.top_rate
        for number, share in enumerate(found.shares):
            estimate = Estimate(rates.value[number], rates.low[number], rates.high[number])
            measures.append((f"P(top {100 * share:g} %)", estimate, unknown))
        for measure, estimate, noiseless in measures:
            self.by_distance += [
                {"neighborhood": neighborhood, "measure": measure, "distance": int(distance), "pairs": int(pairs)}
                | {"value": float(value), "low": float(low), "high": float(high), "without_noise": other}
                for distance, pairs, value, low, high, other in zip(
                    found.distance, found.pairs, estimate.value, estimate.low, estimate.high, noiseless, strict=True
                )
            ]

    def add_at_zero(self, neighborhood: str, measure: str, networks: int, value: Estimate) -> None:
        """Add what different trainings of one network, or of one function, have in common."""
        figures = {"value": float(value.value), "low": float(value.low), "high": float(value.high)}
        pair = {"neighborhood": neighborhood, "measure": measure, "distance": 0, "pairs": networks}
        self.by_distance.append(pair | figures | {"without_noise": None})

    def add_regret(self, edits: int, regret: Estimate, left: Estimate, reached: float) -> None:
        """Add what is left of the gap to the best network within so many edits."""
        self.regret.append(
            {"edits": edits, "regret": float(regret.value), "low": float(regret.low), "high": float(regret.high)}
            | {"left": float(left.value), "left_low": float(left.low), "left_high": float(left.high)}
            | {"reached": reached}
        )

    def add_network(self, edits: int, network: LocalOptimaNetwork, found: Funnels) -> None:
        """Add a network's edges and its funnels."""
        ends = {"source": network.source, "target": network.target, "weight": network.weight}
        self.edges.append(pl.DataFrame({"edits": np.full(len(network.weight), edits), **ends}))
        first = np.unique(found.node, return_index=True)[1][found.sinks]
        described = zip(
            first.tolist(), found.sink_scores.tolist(), found.size.tolist(), found.reach.tolist(), strict=True
        )
        self.funnels += [
            {"edits": edits, "sink": sink, "score": score, "size": size, "reach": reach}
            for sink, score, size, reach in described
        ]

    def add_optima(self, network: LocalOptimaNetwork, written: Sequence[str]) -> None:
        """Add the local optima."""
        described = zip(network.optima.tolist(), written, network.scores.tolist(), network.basins.tolist(), strict=True)
        self.optima += [
            {"number": number, "index": index, "architecture": name, "score": score, "basin": basin}
            for number, (index, name, score, basin) in enumerate(described)
        ]


def joined(by_dataset: Iterable[tuple[str, LandscapeRows]]) -> Landscapes:
    """Return the frames of all data sets, one after the other."""
    found = list(by_dataset)
    frames = {
        name: pl.concat(_with_dataset(dataset, _frame(getattr(rows, name), schema)) for dataset, rows in found)
        for name, schema in _SCHEMAS.items()
    }
    return Landscapes(**frames)


def _frame(rows: list[Any], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    """Return rows as a frame; many of them are given as frames."""
    if rows and isinstance(rows[0], pl.DataFrame):
        return pl.concat(rows).cast(pl.Schema(schema))
    return pl.DataFrame(rows, schema=schema, orient="row")


def _with_dataset(dataset: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.insert_column(0, pl.Series("dataset", [dataset] * frame.height, dtype=pl.String))
