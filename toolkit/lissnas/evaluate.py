"""Evaluator: architectures in, scores out; and Evaluations, the memory of one run, which counts what was spent."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import SettingError
from lissnas.space import Floats, Indices, Rows, Space


class Evaluator(Protocol):
    """Anything that scores rows; any function of this form is one."""

    def __call__(self, rows: Rows) -> Floats:
        """Return the score of each row, float64 of shape (n,), more being better; NaN where there is none."""


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


class Evaluations:
    """What one run has evaluated: each distinct architecture is scored once, and counted once.

    Attributes
    ----------
    index, scores
        Every architecture that has a score, in the order of its evaluation.
    count
        How many distinct architectures the evaluator was asked for: the budget that counts.
    """

    def __init__(self, space: Space, evaluator: Evaluator) -> None:
        self._space = space
        self._evaluator = evaluator
        self._known: Indices = np.empty(0, dtype=np.int64)
        self._known_scores: Floats = np.empty(0)
        self._asked: Indices = np.empty(0, dtype=np.int64)
        self._asked_scores: Floats = np.empty(0)

    def __call__(self, rows: Rows) -> Floats:
        """Return the score of each row, shape (n,); only those not seen before are evaluated."""
        index = self._space.index(rows)
        distinct, first = np.unique(index, return_index=True)
        unseen = np.sort(first[~np.isin(distinct, self._known, assume_unique=True)])
        if len(unseen):
            scores = np.asarray(self._evaluator(rows[unseen]), dtype=np.float64)
            self._asked = np.concatenate([self._asked, index[unseen]])
            self._asked_scores = np.concatenate([self._asked_scores, scores])
            order = np.argsort(self._asked)
            self._known, self._known_scores = self._asked[order], self._asked_scores[order]
        found: Floats = self._known_scores[np.searchsorted(self._known, index)]
        return found

    def asked(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell for each row whether its architecture was asked for, shape (n,)."""
        return np.isin(self._space.index(rows), self._known)

    @property
    def count(self) -> int:
        return len(self._asked)

    @property
    def index(self) -> Indices:
        return self._asked[~np.isnan(self._asked_scores)]

    @property
    def scores(self) -> Floats:
        return self._asked_scores[~np.isnan(self._asked_scores)]

    @property
    def rows(self) -> Rows:
        """The architectures of `index`, shape (n, genes)."""
        return self._space.rows(self.index)

    def best(self, count: int) -> Rows:
        """Return the `count` best architectures so far, best first; of equal ones the earlier."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        return self._space.rows(self.index[order])
