"""Evaluations: the memory of one run, which scores each architecture once and counts the budget."""

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import EvaluatorError, LissnasError
from lissnas.evaluation.evaluator import Evaluator
from lissnas.evaluation.journal import ROWS_PER_LINE, Journal
from lissnas.spaces.space import Floats, Indices, Rows, Space
from lissnas.subspaces.subspace import Subspace


class Evaluations:
    """What one run has evaluated: each distinct architecture is scored once, and counted once.

    Parameters
    ----------
    space, evaluator
        What is asked for, and who is asked.
    journal
        Answers what it holds already, and gets the rest, which is then evaluated a few at a time.

    Attributes
    ----------
    index, scores
        The place of every architecture that has a score, and the score, in the order of evaluation, each of shape (n,).
    missing
        The places of those that were asked for in vain, in the order of asking.
    count
        How many distinct architectures the evaluator was asked for: the budget that counts.
    notes
        What the method had to tell: what it measured, why it stopped. Each reads as a sentence.
    """

    def __init__(self, space: Space, evaluator: Evaluator, journal: Journal | None = None) -> None:
        self._space = space
        self._evaluator = evaluator
        self._journal = journal
        self._at_once: int = getattr(evaluator, "rows_at_once", ROWS_PER_LINE)
        self._order: dict[int, int] = {}
        self._asked: Indices = np.empty(64, dtype=np.int64)
        self._answers: Floats = np.empty(64)
        self.notes: list[object] = []

    def __call__(self, rows: Rows) -> Floats:
        """Return the score of each row, shape (n,), NaN where there is none; only those not seen before are evaluated.

        Raises EvaluatorError if the evaluator fails or does not answer with a number for each row; a LissnasError of
        the evaluator's own is raised as it is.
        """
        index = self._space.index(rows)
        places = index.tolist()
        first: dict[int, int] = {}
        for row, place in enumerate(places):
            if place not in self._order:
                first.setdefault(place, row)
        if first:
            unseen = np.fromiter(first.values(), dtype=np.int64, count=len(first))
            self._evaluate(rows[unseen], index[unseen])
        answers = self._answers[list(map(self._order.__getitem__, places))]
        return np.where(np.isfinite(answers), answers, np.nan)

    def _evaluate(self, rows: Rows, index: Indices) -> None:
        """Score different architectures that were never asked for."""
        if self._journal is None:
            self._remember(index, self._answer(rows))
            return
        recorded = self._journal.replay(index)
        self._remember(index[: len(recorded)], recorded)
        for first in range(len(recorded), len(rows), self._at_once):
            piece = slice(first, first + self._at_once)
            self._remember(index[piece], self._answer(rows[piece]))
            self._journal.record(index[piece], self._answers[self.count - len(index[piece]) : self.count])

    def _answer(self, rows: Rows) -> Floats:
        try:
            answer = self._evaluator(rows)
        except LissnasError:
            raise
        except Exception as error:
            raise EvaluatorError(
                f"the evaluator failed after {self.count:,} evaluations, on the next {len(rows):,}: "
                f"{type(error).__name__}: {error}"
            ) from error
        try:
            scores = np.asarray(answer, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise EvaluatorError(
                f"the evaluator must answer with numbers, not with {type(answer).__name__}: {error}"
            ) from error
        if scores.shape != (len(rows),):
            raise EvaluatorError(f"the evaluator answered {len(rows):,} rows with scores of shape {scores.shape}")
        return scores

    def _remember(self, index: Indices, answers: Floats) -> None:
        start, stop = self.count, self.count + len(index)
        if stop > len(self._asked):
            self._asked = np.concatenate([self._asked[:start], np.empty(stop, dtype=np.int64)])
            self._answers = np.concatenate([self._answers[:start], np.empty(stop)])
        self._asked[start:stop], self._answers[start:stop] = index, answers
        self._order.update(zip(index.tolist(), range(start, stop), strict=True))

    def copy(self) -> "Evaluations":
        """Return a memory with the same scores that grows on its own, without the journal."""
        other = Evaluations(self._space, self._evaluator)
        other._remember(self._asked[: self.count], self._answers[: self.count])
        other.notes = list(self.notes)
        return other

    def are_evaluated(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell for each row whether its architecture was asked for, shape (n,)."""
        return np.array([place in self._order for place in self._space.index(rows).tolist()], dtype=np.bool_)

    @property
    def count(self) -> int:
        return len(self._order)

    @property
    def _scored(self) -> NDArray[np.bool_]:
        return np.isfinite(self._answers[: self.count])

    @property
    def index(self) -> Indices:
        return self._asked[: self.count][self._scored]

    @property
    def scores(self) -> Floats:
        return self._answers[: self.count][self._scored]

    @property
    def history(self) -> tuple[Indices, Floats]:
        """Everything that was asked for, in the order of asking, and its score, NaN where there is none."""
        answers = self._answers[: self.count]
        return self._asked[: self.count].copy(), np.where(self._scored, answers, np.nan)

    @property
    def missing(self) -> Indices:
        return self._asked[: self.count][~self._scored]

    @property
    def rows(self) -> Rows:
        """The architectures of `index`, shape (n, genes)."""
        return self._space.rows(self.index)

    def describe_missing(self) -> str:
        """Say how many architectures have no score, why, and which they are, the first three by name; or nothing."""
        missing = self.missing
        if not len(missing):
            return ""
        infinite = int(np.isinf(self._answers[: self.count]).sum())
        first = ", ".join(self._space.write(self._space.rows(missing[:3])))
        return (
            f"{len(missing):,} of {self.count:,} networks have no score and were left out "
            f"({len(missing) - infinite:,} NaN, {infinite:,} infinite), the first: {first}"
        )

    def check_that_scores_differ(self) -> None:
        """Raise EvaluatorError if networks were asked for, and none has a score or all have the same one."""
        scores = self.scores
        if self.count and not len(scores):
            raise EvaluatorError(self.describe_missing())
        if len(scores) > 1 and (scores == scores[0]).all():
            raise EvaluatorError(
                f"all {len(scores):,} networks have the score {scores[0]:g}: nothing tells good ones from bad"
            )

    def best(self, count: int) -> Rows:
        """Return the `count` best architectures so far, best first; of equal ones the earlier."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        return self._space.rows(self.index[order])


def score_unseen(subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
    """Score networks of a subspace drawn uniformly, none twice, until `total` are scored in all or none is left."""
    while (missing := total - evaluations.count) > 0:
        drawn = subspace.sample(min(subspace.size_bounds[1], 2 * missing + evaluations.count), rng)
        unseen = drawn[~evaluations.are_evaluated(drawn)][:missing]
        evaluations(unseen)
        if len(unseen) < missing and len(drawn) == subspace.size_bounds[1]:
            return
