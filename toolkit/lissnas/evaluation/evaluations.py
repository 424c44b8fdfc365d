"""Evaluations: the memory of one run. It scores each architecture once and counts the budget."""

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import EvaluatorError, LissnasError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.evaluation.journal import ROWS_PER_LINE, Journal
from lissnas.spaces.space import Floats, Indices, Rows, Space
from lissnas.subspaces.subspace import Subspace


class Evaluations:
    """The evaluations of one run: each distinct architecture is scored once and counts once.

    Parameters
    ----------
    space, evaluator
        The space of the architectures, and what scores them.
    journal
        Records all scores. Scores that it already has are not evaluated again; all others are evaluated in small
        batches.

    Attributes
    ----------
    index, scores
        Place and score of each architecture with a score, in the order of evaluation, each of shape (n,).
    missing
        Places of the evaluated architectures without a score, in the order of evaluation.
    count
        Number of distinct architectures evaluated, which is the budget spent.
    notes
        Sentences that the method adds: what it measured, why it stopped.

    Examples
    --------
    >>> from lissnas.spaces.published.macro import macro
    >>> evaluations = Evaluations(macro(), lambda rows: rows.sum(axis=1))
    >>> scores = evaluations(macro().sample(10, np.random.default_rng(0)))
    >>> evaluations.count
    10
    """

    def __init__(self, space: Space, evaluator: Evaluator, journal: Journal | None = None) -> None:
        self._space = space
        self._evaluator = evaluator
        self._journal = journal
        self._at_once: int = getattr(evaluator, "rows_at_once", ROWS_PER_LINE)
        self._order: dict[int, int] = {}
        self._places: Indices = np.empty(0, dtype=np.int64)
        self._values: Floats = np.empty(0)
        self.notes: list[object] = []

    def __call__(self, rows: Rows) -> Floats:
        """Return the score of each row, shape (n,), NaN if it has none; only new architectures are evaluated.

        Raises EvaluatorError if the evaluator fails or does not return one number for each row. A LissnasError of the
        evaluator is raised unchanged.
        """
        index = self._space.index(rows)
        for batch in self._batches(index):
            try:
                returned = self._evaluator(rows[batch])
            except LissnasError:
                raise
            except Exception as error:
                raise EvaluatorError(
                    f"the evaluator failed after {self.count:,} evaluations, on the next {len(batch):,}: "
                    f"{type(error).__name__}: {error}"
                ) from error
            scores = _checked_scores(returned, len(batch))
            self._remember(index[batch], scores)
            if self._journal is not None:
                self._journal.record(index[batch], scores)
        scores = self._values[list(map(self._order.__getitem__, index.tolist()))]
        return np.where(np.isfinite(scores), scores, np.nan)

    def _batches(self, index: Indices) -> list[Indices]:
        """Return which rows to evaluate, in batches: each new architecture once, except those that the journal has."""
        first: dict[int, int] = {}
        for row, place in enumerate(index.tolist()):
            if place not in self._order:
                first.setdefault(place, row)
        unseen = np.fromiter(first.values(), dtype=np.int64, count=len(first))
        if self._journal is None:
            return [unseen] if first else []
        recorded = self._journal.replay(index[unseen])
        self._remember(index[unseen[: len(recorded)]], recorded)
        left = unseen[len(recorded) :]
        return [left[start : start + self._at_once] for start in range(0, len(left), self._at_once)]

    def _remember(self, index: Indices, scores: Floats) -> None:
        start, stop = self.count, self.count + len(index)
        if stop > len(self._places):
            self._places = np.concatenate([self._places[:start], np.empty(stop, dtype=np.int64)])
            self._values = np.concatenate([self._values[:start], np.empty(stop)])
        self._places[start:stop], self._values[start:stop] = index, scores
        self._order.update(zip(index.tolist(), range(start, stop), strict=True))

    def copy(self) -> "Evaluations":
        """Return an independent copy with the same scores, without the journal."""
        other = Evaluations(self._space, self._evaluator)
        other._remember(self._places[: self.count], self._values[: self.count])
        other.notes = list(self.notes)
        return other

    def are_evaluated(self, rows: Rows) -> NDArray[np.bool_]:
        """Return whether the architecture of each row was evaluated, shape (n,)."""
        return np.array([place in self._order for place in self._space.index(rows).tolist()], dtype=np.bool_)

    @property
    def count(self) -> int:
        return len(self._order)

    @property
    def _scored(self) -> NDArray[np.bool_]:
        return np.isfinite(self._values[: self.count])

    @property
    def index(self) -> Indices:
        return self._places[: self.count][self._scored]

    @property
    def scores(self) -> Floats:
        return self._values[: self.count][self._scored]

    @property
    def history(self) -> tuple[Indices, Floats]:
        """Place and score of every evaluated architecture, in the order of evaluation; NaN without a score."""
        scores = self._values[: self.count]
        return self._places[: self.count].copy(), np.where(self._scored, scores, np.nan)

    @property
    def missing(self) -> Indices:
        return self._places[: self.count][~self._scored]

    @property
    def rows(self) -> Rows:
        """The architectures of `index`, shape (n, genes)."""
        return self._space.rows(self.index)

    def describe_missing(self) -> str:
        """Return a sentence on the architectures without a score: how many, why, and the first three; "" if none."""
        missing = self.missing
        if not len(missing):
            return ""
        infinite = int(np.isinf(self._values[: self.count]).sum())
        first = ", ".join(self._space.write(self._space.rows(missing[:3])))
        return (
            f"{len(missing):,} of {self.count:,} networks have no score and were left out "
            f"({len(missing) - infinite:,} NaN, {infinite:,} infinite), the first: {first}"
        )

    def check_that_scores_differ(self) -> None:
        """Raise EvaluatorError if networks were evaluated, but none has a score or all scores are equal."""
        scores = self.scores
        if self.count and not len(scores):
            raise EvaluatorError(self.describe_missing())
        if len(scores) > 1 and (scores == scores[0]).all():
            raise EvaluatorError(
                f"all {len(scores):,} networks have the score {scores[0]:g}: a method needs scores that differ"
            )

    def best(self, count: int) -> Rows:
        """Return the `count` best architectures so far, best first; of equal scores the earlier one first."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        return self._space.rows(self.index[order])


def _checked_scores(returned: object, count: int) -> Floats:
    """Return what an evaluator returned as an array; raises EvaluatorError unless it is one number for each row."""
    try:
        scores = np.asarray(returned, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EvaluatorError(f"the evaluator must return numbers, not {type(returned).__name__}: {error}") from error
    if scores.shape != (count,):
        raise EvaluatorError(
            f"the evaluator returned scores of shape {scores.shape} for {count:,} rows: return one for each row"
        )
    return scores


def score_unseen(subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
    """Evaluate new networks of a subspace, drawn uniformly, until `total` are evaluated in all or none is left."""
    if (remaining := total - evaluations.count) > 0:
        drawn = subspace.sample(min(subspace.size_bounds[1], 2 * remaining + evaluations.count), rng)
        evaluations(drawn[~evaluations.are_evaluated(drawn)][:remaining])
