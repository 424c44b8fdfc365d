"""Predictor: a model that is fitted to a few scores and predicts the score of any architecture.

The class chooses the model. Each model has its own file; the ensembles of trees share one.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from lissnas.spaces.space import Floats, Rows, Space
from lissnas.storage.register import Register, class_fault

Prediction = Callable[[Rows], Floats]
"""Predicts the score of each row, shape (n,); higher is better. Only the order of the predictions has a meaning."""

PREDICTORS = Register(
    "predictor",
    "lissnas.predictors",
    {
        "gp": "lissnas.predictors.gaussian_process_predictor:GaussianProcessPredictor",
        "extra-trees": "lissnas.predictors.trees:ExtraTrees",
        "boosted-trees": "lissnas.predictors.trees:BoostedTrees",
    },
    lambda name, found: class_fault("fit", found),
)
"""Class of each predictor by its name on the command line; plug-ins add theirs."""


class Predictor(Protocol):
    """A model of scores: a frozen dataclass whose fields are the settings, each with a default.

    The class may have an attribute `bibtex`: the BibTeX entry of its paper.
    """

    def fit(self, space: Space, rows: Rows, scores: Floats, rng: np.random.Generator) -> Prediction:
        """Return a function that predicts the score of each row.

        Parameters
        ----------
        space
            The search space.
        rows, scores
            Different architectures and their scores, shapes (n, genes) and (n,).
        rng
            The source of every random draw: the same state gives the same predictions.

        Raises
        ------
        SettingError
            If the model cannot learn from these scores: too few, all equal, or NaN.
        """


def predictor_names() -> tuple[str, ...]:
    """Return the names of all predictors, the project's own first.

    Examples
    --------
    >>> import lissnas as ln
    >>> ln.predictor_names()[:3]
    ('gp', 'extra-trees', 'boosted-trees')
    """
    return PREDICTORS.names()


def predictor_class(name: str) -> type[Predictor]:
    """Return the class of a predictor by its name, such as "extra-trees".

    Raises UnknownNameError, which suggests the nearest name, or PluginError if the predictor of a plug-in is unusable.

    Examples
    --------
    >>> import lissnas as ln
    >>> space = ln.make_space("macro")
    >>> rng = np.random.default_rng(0)
    >>> rows = space.sample(60, rng)
    >>> predict = ln.predictor_class("extra-trees")().fit(space, rows, rows.sum(axis=1).astype(float), rng)
    >>> best, worst = predict(space.read(["22222222", "00000000"]))
    >>> bool(best > worst)
    True
    """
    predictor: type[Predictor] = PREDICTORS.find(name)
    return predictor
