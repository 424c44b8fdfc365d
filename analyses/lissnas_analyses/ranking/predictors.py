"""Predictors to compare with a benchmark's reported scores: from files and from the benchmark's own columns."""

from collections.abc import Sequence
from dataclasses import replace

from lissnas.bridges.dialects import OFFICIAL
from lissnas.errors import SettingError
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.predictor_file import PredictedScores

from lissnas_analyses.ranking.score_sources import column_predictor, read_scores


def collect_predictors(
    benchmark: Benchmark, files: Sequence[str], columns: Sequence[str], form: str = OFFICIAL
) -> list[PredictedScores]:
    """Return the predictors of files and columns; if you name none, the measure that selects.

    Parameters
    ----------
    files
        Each in the form that `read_scores` takes.
    columns
        Each in the form that `column_predictor` takes.
    form
        The format of the architectures in files.

    Raises
    ------
    SettingError
        If you name none and the selecting measure is also the reported one.
    """
    predictors = [predictor for file in files for predictor in read_scores(file, benchmark, form)]
    predictors += [column_predictor(benchmark, column) for column in columns]
    if not predictors and benchmark.selects == benchmark.reports:
        raise SettingError(
            f"{benchmark.name} has no measure to compare with {benchmark.reports.describe()}: name a "
            f"predictor with --cheap FILE:COLUMN or --column METRIC/SPLIT/EPOCHS/SEED"
        )
    if not predictors:
        return [PredictedScores(benchmark.selects.describe(), benchmark.name, benchmark.selection)]
    names = [predictor.name for predictor in predictors]
    return [
        predictor
        if names.count(predictor.name) == 1
        else replace(predictor, name=f"{predictor.name} of {predictor.origin}")
        for predictor in predictors
    ]
