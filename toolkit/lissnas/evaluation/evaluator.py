"""Evaluator: a function from architectures to scores; TableEvaluator looks the scores up in a table."""

from typing import Protocol

import numpy as np

from lissnas.errors import SettingError
from lissnas.spaces.space import Floats, Indices, Rows, Space


class Evaluator(Protocol):
    """Anything that scores rows; every function with this signature is an Evaluator.

    A run with a journal passes it eight rows at a time, or as many as its attribute `rows_at_once` says. A killed run
    evaluates at most that many again: set it to 1 if an architecture takes minutes.
    """

    def __call__(self, rows: Rows) -> Floats:
        """Return the score of each row, float64 of shape (n,); higher is better, in any unit.

        Rows are a uint8 array of shape (n, genes). Return NaN for an architecture without a score: the run continues
        without it. An infinite score counts as NaN. An exception ends the run: a LissnasError is raised unchanged, any
        other exception as an EvaluatorError.
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
        For a table of a sample: the places in the space of the scores, ascending. All other rows score NaN.

    Raises
    ------
    SettingError
        If the number of scores differs from the number of places.
    ArchitectureError
        If a place, or a row to score, is not in the space.

    Examples
    --------
    >>> from lissnas.spaces.categorical import CategoricalSpace
    >>> space = CategoricalSpace("two layers", (("skip", "conv"),) * 2, "{}-{}")
    >>> evaluator = TableEvaluator(space, np.array([90.1, 91.2, 92.3, 93.4]))
    >>> evaluator(space.read(["conv-skip"])).tolist()
    [92.3]
    """

    rows_at_once = 256
    """Number of rows in a line of a journal: looking them up again takes less than writing a line."""

    def __init__(self, space: Space, scores: Floats, index: Indices | None = None) -> None:
        if index is None and scores.shape != (space.size,):
            raise SettingError(f"{space.name} has {space.size} architectures, but the scores have shape {scores.shape}")
        if index is not None:
            index = space.checked_index(index)
            if scores.shape != index.shape or (np.diff(index) <= 0).any():
                raise SettingError(
                    f"scores of shape {scores.shape} for places of shape {index.shape}: "
                    "give one score for each place, ascending"
                )

        self._space = space
        self._scores = scores
        self._index = index

    def __call__(self, rows: Rows) -> Floats:
        """Return the score of each row, float64 of shape (n,), from the table; NaN where it is missing."""
        place = self._space.index(rows)
        if self._index is None:
            scores: Floats = self._scores[place]
            return scores
        if not len(self._index):
            return np.full(len(place), np.nan)
        nearest = np.minimum(np.searchsorted(self._index, place), len(self._index) - 1)
        return np.where(self._index[nearest] == place, self._scores[nearest], np.nan)
