"""Measure how well predictors rank a benchmark's networks: all of them, a sample, a shrunk space, the true top.

Every predictor is compared on the same networks: those for which all predictors have a score. A predictor that ranks
the full space well can rank a narrow part of it badly without being worse there: its errors are equally large, but the
differences between scores are smaller (range restriction). Each tau therefore comes with a reference: the tau of the
true scores plus noise of constant variance that gives the same tau on the full space.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from lissnas.errors import SettingError
from lissnas.evaluation.noisy_evaluator import degrade
from lissnas.progress import ProgressCallback
from lissnas.spaces.space import Floats
from lissnas.statistics.estimate import Estimate
from lissnas.statistics.noise_ceiling import Choice, noise_ceiling
from lissnas.statistics.rank_correlation import kendall_tau, rank_agreement, tied_share
from lissnas.statistics.repeated_runs import mean_over_runs
from lissnas.storage.random_streams import RankingStream
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.predictor_file import PredictedScores
from numpy.typing import NDArray

from lissnas_analyses.ranking.evaluation_sets import EvaluationSet, standard_sets, true_top
from lissnas_analyses.ranking.trainings import Trainings, trainings_of

MEASURES = {
    "tau": (-1.0, 1.0),
    "weighted_tau": (-1.0, 1.0),
    "rho": (-1.0, 1.0),
    "precision": (0.0, 1.0),
    "regret": (0.0, np.inf),
}
"""The measures, each with its smallest and largest possible value."""

NARROWING_SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""True top shares in which tau is drawn; 1 is the full space."""

SAMPLE = 500
"""Default number of networks in a random sample (our own choice)."""

MIN_NETWORKS = 20
"""Minimum number of networks in a set on which tau is measured (our own choice)."""

_REFERENCE_DRAWS = 10
"""Number of noise draws over which a reference is averaged."""


@dataclass(frozen=True)
class TauSettings:
    """The settings of `lissnas tau`.

    Attributes
    ----------
    tops
        True top shares, each of which is a set.
    sample
        Number of networks in a random sample; None for no sample.
    runs
        Number of seeds with which samples are drawn and spaces are shrunk.
    seed
        Seed of every random draw.
    draws
        Number of bootstrap draws of an interval.
    share
        Top share for the precision.
    """

    tops: tuple[float, ...] = (0.2,)
    sample: int | None = SAMPLE
    runs: int = 3
    seed: int = 0
    draws: int = 1000
    share: float = 0.05


@dataclass(frozen=True)
class TauResult:
    """The data of the rank-correlation figures.

    Attributes
    ----------
    agreement
        One row per set, seed, predictor and measure: networks, value, low, high, and for tau the reference.
    means
        The same without the seed: the mean over seeds with its interval, or the only value with the bootstrap's.
    sets
        One row per set and seed: networks, true_ties, and the noise ceiling (retrained, perfect), null if unknown.
    narrowing
        One row per predictor and true top share: networks, value, low, high, reference.
    ceiling
        One row per true top share: networks, true_ties, retrained, perfect.
    predictors
        One row per predictor: origin, number of missing scores, share of tied pairs.
    networks
        Number of networks that have all scores.
    trainings
        The trainings from which the noise ceiling is estimated; None if it is unknown.
    """

    agreement: pl.DataFrame
    means: pl.DataFrame
    sets: pl.DataFrame
    narrowing: pl.DataFrame
    ceiling: pl.DataFrame
    predictors: pl.DataFrame
    networks: int
    trainings: str | None


def have_all_scores(benchmark: Benchmark, predictors: Sequence[PredictedScores]) -> NDArray[np.bool_]:
    """Return which networks have a reported score and one of every predictor, shape (size,)."""
    has_all = ~np.isnan(benchmark.report)
    for predictor in predictors:
        has_all &= ~np.isnan(predictor.scores)
    return has_all


def measure(
    benchmark: Benchmark,
    predictors: Sequence[PredictedScores],
    shrunk: Sequence[EvaluationSet],
    settings: TauSettings,
    report: ProgressCallback,
) -> TauResult:
    """Return every measure of every predictor on every set.

    Parameters
    ----------
    shrunk
        The shrunk spaces as sets, from `evaluation_sets`.

    Raises
    ------
    SettingError
        If fewer than 20 networks have all scores, or a set cannot be made.
    """
    from scipy.stats import kendalltau

    has_all_scores = have_all_scores(benchmark, predictors)
    networks = int(np.count_nonzero(has_all_scores))
    if networks < MIN_NETWORKS:
        names = ", ".join(predictor.name for predictor in predictors)
        raise SettingError(
            f"only {networks} networks have a reported score and scores of {names}, but tau needs at least "
            f"{MIN_NETWORKS}: give scores of more networks"
        )
    truth = np.where(has_all_scores, benchmark.report, np.nan)
    trainings = trainings_of(benchmark, np.random.default_rng([settings.seed, RankingStream.TRAININGS]))
    sets = [*standard_sets(has_all_scores, settings.sample, settings.runs, settings.tops, settings.seed), *shrunk]
    steps, done = len(predictors) * (len(sets) + 1), 0
    agreement: list[dict[str, object]] = []
    narrowing: list[dict[str, object]] = []
    for predictor in predictors:
        tau = float(kendalltau(truth[has_all_scores], predictor.scores[has_all_scores]).statistic)
        references = _references(truth, tau, np.random.default_rng([settings.seed, RankingStream.CONSTANT_NOISE]))
        rows: list[dict[str, object]] = []
        for evaluation_set in sets:
            rows += _agreement(predictor, truth, references, evaluation_set, settings)
            done += 1
            report("rank correlation", done / steps)
        narrowing += _narrowing(predictor, truth, references, rows, settings)
        done += 1
        report("rank correlation", done / steps)
        agreement += rows
    frame = pl.DataFrame(agreement)
    return TauResult(
        agreement=frame,
        means=_means(frame),
        sets=pl.DataFrame(
            [{"set": each.name, "seed": each.seed} | _ceiling(trainings, truth, each.choose) for each in sets],
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
                    "ties": tied_share(predictor.scores[has_all_scores]),
                }
                for predictor in predictors
            ]
        ),
        networks=networks,
        trainings=None if trainings is None else trainings.description,
    )


def _references(truth: Floats, tau: float, rng: np.random.Generator) -> list[Floats]:
    """Return true scores with noise of constant variance that leaves this tau; negated if tau is negative."""
    sign = -1 if tau < 0 else 1
    return [sign * degrade(truth, abs(tau), rng) for _ in range(_REFERENCE_DRAWS)]


def _reference(truth: Floats, references: Sequence[Floats], chosen: NDArray[np.bool_]) -> float:
    from scipy.stats import kendalltau

    return float(np.mean([kendalltau(truth[chosen], reference[chosen]).statistic for reference in references]))


def _agreement(
    predictor: PredictedScores,
    truth: Floats,
    references: Sequence[Floats],
    evaluation_set: EvaluationSet,
    settings: TauSettings,
) -> list[dict[str, object]]:
    chosen = evaluation_set.choose(truth)
    if np.count_nonzero(chosen) < MIN_NETWORKS:
        raise SettingError(
            f"{evaluation_set.name}: only {np.count_nonzero(chosen)} networks have all scores, fewer than "
            f"{MIN_NETWORKS}: choose a larger set"
        )
    rng = np.random.default_rng([settings.seed, evaluation_set.seed, RankingStream.BOOTSTRAP])
    agreement = rank_agreement(truth[chosen], predictor.scores[chosen], rng, settings.draws, settings.share)
    keys = {"set": evaluation_set.name, "seed": evaluation_set.seed, "predictor": predictor.name}
    return [
        {**keys, "measure": name, "networks": agreement.networks, **_numbers(getattr(agreement, name))}
        | {"reference": _reference(truth, references, chosen) if name == "tau" else None}
        for name in MEASURES
    ]


def _numbers(estimate: Estimate) -> dict[str, float]:
    return {field.name: float(getattr(estimate, field.name)) for field in fields(estimate)}


def _narrowing(
    predictor: PredictedScores,
    truth: Floats,
    references: Sequence[Floats],
    agreement: Sequence[dict[str, object]],
    settings: TauSettings,
) -> Iterator[dict[str, object]]:
    """Yield tau in each true top share; a share that is also a set takes its row of the agreement."""
    known = {row["set"]: row for row in agreement if row["measure"] == "tau"}
    for share in _shares(truth):
        top = true_top(share)
        row = {"predictor": predictor.name, "share": share}
        if top.name in known:
            yield row | {name: known[top.name][name] for name in ("networks", "value", "low", "high", "reference")}
            continue
        chosen = top.choose(truth)
        rng = np.random.default_rng([settings.seed, top.seed, RankingStream.BOOTSTRAP])
        tau = kendall_tau(truth[chosen], predictor.scores[chosen], rng, settings.draws)
        yield row | {
            "networks": int(np.count_nonzero(chosen)),
            **_numbers(tau),
            "reference": _reference(truth, references, chosen),
        }


def _shares(truth: Floats) -> list[float]:
    networks = np.count_nonzero(~np.isnan(truth))
    return [share for share in NARROWING_SHARES if round(share * networks) >= MIN_NETWORKS]


def _means(agreement: pl.DataFrame) -> pl.DataFrame:
    rows = []
    keys = ["set", "predictor", "measure"]
    for (name, predictor, measured), group in agreement.group_by(keys, maintain_order=True):
        row = group.row(0, named=True)
        if group.height > 1:
            over_seeds = _numbers(mean_over_runs(group["value"].to_numpy()))
            smallest, largest = MEASURES[str(measured)]
            row |= over_seeds | {"low": max(over_seeds["low"], smallest), "high": min(over_seeds["high"], largest)}
            row |= {"networks": round(float(group["networks"].to_numpy().mean()))}
            if measured == "tau":
                row |= {"reference": float(group["reference"].to_numpy().mean())}
        rows.append({"set": name, "seeds": group.height, "predictor": predictor, "measure": measured} | row)
    return pl.DataFrame(rows).drop("seed")


def _ceiling(trainings: Trainings | None, truth: Floats, choose: Choice) -> dict[str, object]:
    """Return the size of a set, the share of its true scores that tie, and its noise ceiling."""
    chosen = choose(truth)
    described: dict[str, object] = {"networks": int(np.count_nonzero(chosen)), "true_ties": tied_share(truth[chosen])}
    if trainings is None:
        return described | {"retrained": None, "perfect": None}
    runs = np.where(np.isnan(truth)[:, None], np.nan, trainings.runs)
    ceiling = noise_ceiling(runs, truth, trainings.counts, choose, np.random.default_rng(0))
    return described | {"retrained": ceiling.retrained, "perfect": ceiling.perfect}
