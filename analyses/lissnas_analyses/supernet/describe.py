"""Findings of the study of supernets in sentences: tau on each set, what changes it, and what shrinking keeps."""

from collections.abc import Mapping

import polars as pl

from lissnas_analyses.supernet.measure import RECALIBRATED, SETS, SupernetStudyResult


def study_sentences(result: SupernetStudyResult) -> tuple[str, ...]:
    """Return the findings of a study, with their intervals."""
    sentences = [_tau_sentence(result, name) for name in SETS]
    for row in result.comparisons.iter_rows(named=True):
        comparison = f"{row['set']}: {row['predictor']} vs {row['baseline']}: tau {row['value']:+.3f}"
        if row["supernets"] > 1:
            interval = f"[{row['low']:+.3f}, {row['high']:+.3f}] over {row['supernets']} supernets"
            sentences.append(f"{comparison} {interval}: {_verdict(row['low'], row['high'])}")
        else:
            sentences.append(f"{comparison} for one supernet, so without an interval")
    for (method, selected_by), group in result.shrinking_means.group_by(["method", "selected_by"], maintain_order=True):
        metrics = {row["statistic"]: row for row in group.iter_rows(named=True)}
        sentences.append(
            f"{method} by the {selected_by}: recall of the true top 1 % {_interval(metrics['recall_1'])}, of the top "
            f"5 % {_interval(metrics['recall_5'])}, mean {_interval(metrics['mean'], 2)}, in "
            f"{metrics['size']['value']:,.0f} cells, {metrics['evaluations']['value']:,.0f} scored; chance "
            f"{metrics['size_ratio']['value']:.3f}"
        )
    return tuple(sentences)


def _tau_sentence(result: SupernetStudyResult, name: str) -> str:
    rows = result.means.filter(pl.col("set") == name)
    ceiling = result.ceilings.filter(pl.col("set") == name).row(0, named=True)
    taus = ", ".join(f"{row['predictor']} {_interval(row)}" for row in rows.iter_rows(named=True))
    reference = rows.filter(pl.col("predictor") == RECALIBRATED)["reference"][0]
    noise = "" if reference is None else f"; constant noise as on the full space would give {reference:.3f}"
    return (
        f"{name}, {rows['networks'][0]:,.0f} cells: tau with test accuracy: {taus}{noise}; tau between two trainings "
        f"{ceiling['retrained_isomorphic']:.3f}, of a perfect predictor {ceiling['perfect_isomorphic']:.3f}"
    )


def _interval(row: Mapping[str, float], digits: int = 3) -> str:
    return f"{row['value']:.{digits}f} [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no significant difference"
