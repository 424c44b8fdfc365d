"""Evaluator: architectures in, scores out; TableEvaluator answers from a table."""

from typing import Protocol

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats, Indices, Rows, Space


class Evaluator(Protocol):
    """Anything that scores rows; any function of this form is one.

    With a journal it gets eight rows at a time, or as many as its attribute `rows_at_once` says, if it has one.
    """

    def __call__(self, rows: Rows) -> Floats:
        """Return the score of each row, float64 of shape (n,), more being better, in any unit.

        Rows are a uint8 array of shape (n, genes). NaN where there is none, or where scoring failed: that architecture
        is left out, and the run goes on. An infinite score counts as none. An error raised here ends the run: a
        LissnasError as it is, any other as an EvaluatorError.
        """


class TableEvaluator:
    """Scores architectures by a column of a table.

    Parameters
    ----------
    space
        The space of the table.
    scores
        Shape (size,), in the order of the space's index; NaN where missing.
    index
        Of a sampled table, the places in the space that the scores belong to, ascending: any other row has no score.

    Raises
    ------
    SettingError
        If there is not one score for each place.
    ArchitectureError
        If a row that is to be scored, or a place, is not in the space.
    """

    def __init__(self, space: Space, scores: Floats, index: Indices | None = None) -> None:
        if index is None and scores.shape != (space.size,):
            raise SettingError(f"{space.name} has {space.size} architectures, but {scores.shape} scores were given")
        if index is not None:
            index = space.checked_index(index)
            if scores.shape != index.shape or (np.diff(index) <= 0).any():
                raise SettingError(f"{scores.shape} scores for {index.shape} places: give one for each, ascending")
        self._space = space
        self._scores = scores
        self._index = index

    def __call__(self, rows: Rows) -> Floats:
        place = self._space.index(rows)
        if self._index is None:
            scores: Floats = self._scores[place]
            return scores
        if not len(self._index):
            return np.full(len(place), np.nan)
        nearest = np.minimum(np.searchsorted(self._index, place), len(self._index) - 1)
        return np.where(self._index[nearest] == place, self._scores[nearest], np.nan)
