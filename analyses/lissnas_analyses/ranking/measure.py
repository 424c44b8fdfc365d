"""How well predictors rank a benchmark's networks: all of them, a sample, a shrunk space, the true top.

Every predictor is held against the same networks, those that all of them have scores of. A predictor that ranks the
whole space well may rank a narrow part of it badly without being worse there: its errors are as large as ever, and the
differences smaller (range restriction). So beside each stands a reference: the true scores with as much noise,
everywhere alike, as gives the same tau on the whole space.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.evaluation.noisy_evaluator import degraded
from lissnas.progress import ProgressCallback
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate
from lissnas.statistics.noise_ceiling import Choice, noise_ceiling
from lissnas.statistics.rank_correlation import kendall_tau, rank_agreement, tied_share
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas.storage.random_streams import RankingStream
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.predictor_file import Predictor
from numpy.typing import NDArray
from scipy.stats import kendalltau

from lissnas_analyses.ranking.evaluation_sets import WHOLE, EvaluationSet, standard_sets, true_top
from lissnas_analyses.ranking.trainings import Trainings, trainings_of

MEASURES = {
    "tau": (-1.0, 1.0),
    "weighted_tau": (-1.0, 1.0),
    "rho": (-1.0, 1.0),
    "precision": (0.0, 1.0),
    "regret": (0.0, np.inf),
}
"""What is measured, and the least and largest value it can have."""

SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Within which true top shares tau is drawn; 1 is the whole space."""

_FEWEST = 20
"""Fewer networks than this are no set to measure tau on (our own choice)."""

_REFERENCES = 10
"""Over how many draws of its noise a reference is averaged."""


@dataclass(frozen=True)
class TauSettings:
    """What is measured, and on which sets.

    Attributes
    ----------
    tops
        The true top shares that are sets of their own.
    sample
        How many networks a random sample holds.
    runs
        Over how many seeds samples are drawn and spaces shrunk.
    seed
        Of every random draw.
    draws
        How many bootstrap draws an interval rests on.
    share
        What counts as top for the precision.
    """

    tops: tuple[float, ...] = (0.2,)
    sample: int = 500
    runs: int = 3
    seed: int = 0
    draws: int = 1000
    share: float = 0.05


@dataclass(frozen=True)
class TauResult:
    """The numbers behind the figures of rank correlation.

    Attributes
    ----------
    agreement
        A row a set, seed, predictor and measure: networks, value, low, high, and, for tau, the reference's.
    means
        The same without the seed: the mean over seeds with Student's interval, or the one value with the bootstrap's.
    sets
        A row a set and seed: networks, true_ties, and the noise ceiling, retrained and perfect, null if not known.
    narrowing
        A row a predictor and true top share: networks, value, low, high, reference.
    ceiling
        A row a true top share: networks, true_ties, retrained, perfect.
    predictors
        A row a predictor: origin, how many scores are missing, the share of pairs that tie.
    networks
        How many networks have all scores.
    trainings
        What trainings the noise ceiling is known from, if it is.
    """

    agreement: pl.DataFrame
    means: pl.DataFrame
    sets: pl.DataFrame
    narrowing: pl.DataFrame
    ceiling: pl.DataFrame
    predictors: pl.DataFrame
    networks: int
    trainings: str | None


def measure(
    benchmark: Benchmark,
    predictors: Sequence[Predictor],
    shrunk: Sequence[EvaluationSet],
    settings: TauSettings,
    report: ProgressCallback,
) -> TauResult:
    """Measure every predictor on every set.

    Parameters
    ----------
    shrunk
        The shrunk spaces; see `evaluation_sets`.

    Raises
    ------
    SettingError
        If fewer than 20 networks have all scores, or a set cannot be made.
    """
    there = ~np.isnan(benchmark.report)
    for predictor in predictors:
        there &= ~np.isnan(predictor.scores)
    networks = int(np.count_nonzero(there))
    if networks < _FEWEST:
        names = ", ".join(predictor.name for predictor in predictors)
        raise SettingError(f"only {networks} networks have scores of {names} and a reported one: too few")
    truth = np.where(there, benchmark.report, np.nan)
    trainings = trainings_of(benchmark, np.random.default_rng([settings.seed, RankingStream.TRAININGS]))
    sets = [*standard_sets(there, settings.sample, settings.runs, settings.tops, settings.seed), *shrunk]
    steps, done = len(predictors) * (len(sets) + 1), 0
    agreement: list[dict[str, object]] = []
    narrowing: list[dict[str, object]] = []
    for predictor in predictors:
        whole = float(kendalltau(truth[there], predictor.scores[there]).statistic)
        references = _references(truth, whole, np.random.default_rng([settings.seed, RankingStream.CONSTANT_NOISE]))
        agreed: list[dict[str, object]] = []
        for one in sets:
            agreed += _agreement(predictor, truth, references, one, settings)
            done += 1
            report("rank correlation", done / steps)
        narrowing += _narrowing(predictor, truth, references, agreed, settings)
        done += 1
        report("rank correlation", done / steps)
        agreement += agreed
    frame = pl.DataFrame(agreement)
    return TauResult(
        agreement=frame,
        means=_means(frame),
        sets=pl.DataFrame(
            [{"set": one.name, "seed": one.seed} | _ceiling(trainings, truth, one.choose) for one in sets],
            schema_overrides={"retrained": pl.Float64, "perfect": pl.Float64},
        ),
        narrowing=pl.DataFrame(narrowing),
        ceiling=pl.DataFrame(
            [{"share": share} | _ceiling(trainings, truth, true_top(share).choose) for share in _shares(truth)],
            schema_overrides={"retrained": pl.Float64, "perfect": pl.Float64},
        ),
        predictors=pl.DataFrame(
            [
                {
                    "predictor": predictor.name,
                    "origin": predictor.origin,
                    "missing": int(np.isnan(predictor.scores).sum()),
                    "ties": tied_share(predictor.scores[there]),
                }
                for predictor in predictors
            ]
        ),
        networks=networks,
        trainings=None if trainings is None else trainings.words,
    )


def _references(truth: Floats, tau: float, rng: np.random.Generator) -> list[Floats]:
    """Return the true scores with constant noise that leaves this tau; turned round if it is negative."""
    sign = -1 if tau < 0 else 1
    return [sign * degraded(truth, abs(tau), rng) for _ in range(_REFERENCES)]


def _reference(truth: Floats, references: Sequence[Floats], chosen: NDArray[np.bool_]) -> float:
    return float(np.mean([kendalltau(truth[chosen], reference[chosen]).statistic for reference in references]))


def _agreement(
    predictor: Predictor, truth: Floats, references: Sequence[Floats], one: EvaluationSet, settings: TauSettings
) -> list[dict[str, object]]:
    chosen = one.choose(truth)
    if np.count_nonzero(chosen) < _FEWEST:
        raise SettingError(
            f"{one.name}: {np.count_nonzero(chosen)} networks with all scores, fewer than {_FEWEST}: too few to rank"
        )
    rng = np.random.default_rng([settings.seed, one.seed, RankingStream.BOOTSTRAP])
    found = rank_agreement(truth[chosen], predictor.scores[chosen], rng, settings.draws, settings.share)
    named = {"set": one.name, "seed": one.seed, "predictor": predictor.name}
    return [
        {**named, "measure": name, "networks": found.networks, **_numbers(getattr(found, name))}
        | {"reference": _reference(truth, references, chosen) if name == "tau" else None}
        for name in MEASURES
    ]


def _numbers(estimate: Estimate) -> dict[str, float]:
    return {field.name: float(getattr(estimate, field.name)) for field in fields(estimate)}


def _narrowing(
    predictor: Predictor,
    truth: Floats,
    references: Sequence[Floats],
    agreed: Sequence[dict[str, object]],
    settings: TauSettings,
) -> Iterator[dict[str, object]]:
    """Yield tau in each true top share, as far as it stands in a row of the agreement already from there."""
    known = {row["set"]: row for row in agreed if row["measure"] == "tau"}
    for share in _shares(truth):
        one = true_top(share)
        row = {"predictor": predictor.name, "share": share}
        if one.name in known:
            yield row | {name: known[one.name][name] for name in ("networks", "value", "low", "high", "reference")}
            continue
        chosen = one.choose(truth)
        rng = np.random.default_rng([settings.seed, one.seed, RankingStream.BOOTSTRAP])
        tau = kendall_tau(truth[chosen], predictor.scores[chosen], rng, settings.draws)
        yield row | {
            "networks": int(np.count_nonzero(chosen)),
            **_numbers(tau),
            "reference": _reference(truth, references, chosen),
        }


def _shares(truth: Floats) -> list[float]:
    networks = np.count_nonzero(~np.isnan(truth))
    return [share for share in SHARES if round(share * networks) >= _FEWEST]


def _means(agreement: pl.DataFrame) -> pl.DataFrame:
    rows = []
    keys = ["set", "predictor", "measure"]
    for (name, predictor, measured), group in agreement.group_by(keys, maintain_order=True):
        row = group.row(0, named=True)
        if group.height > 1:
            over_seeds = _numbers(mean_over_runs(group["value"].to_numpy()))
            least, largest = MEASURES[str(measured)]
            row |= over_seeds | {"low": max(over_seeds["low"], least), "high": min(over_seeds["high"], largest)}
            row |= {"networks": round(float(group["networks"].to_numpy().mean()))}
            if measured == "tau":
                row |= {"reference": float(group["reference"].to_numpy().mean())}
        rows.append({"set": name, "seeds": group.height, "predictor": predictor, "measure": measured} | row)
    return pl.DataFrame(rows).drop("seed")


def _ceiling(trainings: Trainings | None, truth: Floats, choose: Choice) -> dict[str, object]:
    """Return how large a set is, how many of its true scores tie, and its noise ceiling."""
    chosen = choose(truth)
    found: dict[str, object] = {"networks": int(np.count_nonzero(chosen)), "true_ties": tied_share(truth[chosen])}
    if trainings is None:
        return found | {"retrained": None, "perfect": None}
    runs = np.where(np.isnan(truth)[:, None], np.nan, trainings.runs)
    ceiling = noise_ceiling(runs, truth, trainings.counts, choose, np.random.default_rng(0))
    return found | {"retrained": ceiling.retrained, "perfect": ceiling.perfect}


def sentences(result: TauResult) -> tuple[str, ...]:
    """Return what was measured, in sentences."""
    said = [f"{result.networks:,} networks have all scores: every predictor is measured on the same ones"]
    for row in result.predictors.iter_rows(named=True):
        name = row["predictor"]
        of = {
            (one["set"], one["measure"]): one
            for one in result.means.filter(pl.col("predictor") == name).iter_rows(named=True)
        }
        missing = f"; {row['missing']:,} scores are missing" if row["missing"] else ""
        weighted, rho, precision, regret = (of[WHOLE, measured] for measured in list(MEASURES)[1:])
        said.append(
            f"{name}: tau {_with_interval(of[WHOLE, 'tau'])}, weighted {weighted['value']:.2f}, "
            f"rho {rho['value']:.2f}, precision {precision['value']:.2f}, regret {regret['value']:.2f}{missing}"
        )
        said += [
            f"  {one}: tau {_with_interval(row)}, where constant noise would have {row['reference']:.2f}"
            for (one, measured), row in of.items()
            if measured == "tau" and one != WHOLE
        ]
    whole = result.sets.row(0, named=True)
    ties = f"{whole['true_ties']:.2%} of the pairs of true scores tie"
    if result.trainings is None:
        return (*said, f"noise ceiling: not known, as the table tells no two trainings of a network apart; {ties}")
    said += [
        f"noise ceiling, {row['set']}: {_ceiling_told(row['retrained'], row['perfect'])}"
        for row in result.sets.group_by("set", maintain_order=True).mean().iter_rows(named=True)
    ]
    return (*said, f"the noise ceiling is from {result.trainings}; {ties}")


def _ceiling_told(retrained: float, perfect: float) -> str:
    if np.isnan(perfect):
        return "not known of so few networks"
    one = f"one training ranks another with tau {retrained:.3f}"
    if np.isnan(retrained):
        one = "too few of its networks are trained twice to say how one training ranks another"
    return f"{one}, a perfect predictor would reach {perfect:.3f}"


def _with_interval(row: dict[str, float]) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
