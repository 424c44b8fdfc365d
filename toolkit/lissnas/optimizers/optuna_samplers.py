"""Optuna's samplers inside a subspace: TPE, and the genetic algorithm NSGA-II.

Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019. A gene is a categorical
parameter with the choices that occur in the subspace; together they span the smallest box around it. The rest is our
own choice. A proposal outside the subspace is replaced by the nearest member, at random among equally near ones, and
the sampler gets the score of that member. A known architecture costs nothing. After ten known proposals in a row, a
random new architecture is scored and added to the study.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lissnas.errors import LissnasError
from lissnas.evaluation.evaluations import Evaluations, score_unseen
from lissnas.optimizers.moves import PATIENCE, reachable_total
from lissnas.setting_checks import check_at_least_one
from lissnas.subspaces.nearest_member import NearestMember
from lissnas.subspaces.subspace import Subspace

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

_BIBTEX = """\
@inproceedings{akiba2019optuna,
  title     = {{Optuna}: A Next-generation Hyperparameter Optimization Framework},
  author    = {Akiba, Takuya and Sano, Shotaro and Yanase, Toshihiko and Ohta, Takeru and Koyama, Masanori},
  booktitle = {Proceedings of the 25th ACM SIGKDD International Conference on Knowledge Discovery and Data
    Mining},
  pages     = {2623--2631},
  year      = {2019},
  doi       = {10.1145/3292500.3330701},
}
"""


@dataclass(frozen=True)
class Tpe:
    """The tree-structured Parzen estimator (TPE) with Optuna's defaults.

    Choose it as a model-based baseline. Bergstra et al., NeurIPS 2011; Akiba et al., KDD 2019.

    Examples
    --------
    >>> Tpe()
    Tpe()
    """

    bibtex: ClassVar[str] = _BIBTEX

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        def make_sampler(seed: int) -> "BaseSampler":
            from optuna.samplers import TPESampler

            return TPESampler(seed=seed)

        _ask_and_tell(make_sampler, subspace, evaluations, total, rng)


@dataclass(frozen=True)
class Genetic:
    """NSGA-II with one objective: Optuna's genetic algorithm, with crossover and mutation.

    Choose it to compare with a genetic algorithm that another library maintains. Deb et al., IEEE Transactions on
    Evolutionary Computation 6, 2002; Akiba et al., KDD 2019.

    Examples
    --------
    >>> Genetic(population=20).population
    20
    """

    bibtex: ClassVar[str] = _BIBTEX

    population: int = 50
    """Number of architectures in a generation; the default is Optuna's."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "population")

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        def make_sampler(seed: int) -> "BaseSampler":
            from optuna.samplers import NSGAIISampler

            return NSGAIISampler(seed=seed, population_size=self.population)

        _ask_and_tell(make_sampler, subspace, evaluations, total, rng)


def _ask_and_tell(
    make_sampler: Callable[[int], "BaseSampler"],
    subspace: Subspace,
    evaluations: Evaluations,
    total: int,
    rng: np.random.Generator,
) -> None:
    try:
        import optuna
    except ImportError as error:
        raise LissnasError("this optimizer needs Optuna: run 'pip install lissnas[search]'") from error
    from optuna.distributions import BaseDistribution, CategoricalDistribution
    from optuna.trial import TrialState, create_trial

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=make_sampler(int(rng.integers(2**32))))
    optuna.logging.set_verbosity(verbosity)
    nearest = NearestMember(subspace, rng)
    box: dict[str, BaseDistribution] = {
        f"gene{gene}": CategoricalDistribution(choices) for gene, choices in enumerate(nearest.choices)
    }
    total = reachable_total(subspace, evaluations, total)
    repeats = 0
    while evaluations.count < total:
        trial = study.ask(box)
        proposed = np.array([trial.params[name] for name in box], dtype=np.uint8)
        row = nearest(proposed, rng)
        repeats = repeats + 1 if evaluations.are_evaluated(row[None])[0] else 0
        [score] = evaluations(row[None])
        if np.isnan(score):
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, float(score))
        if repeats > PATIENCE:
            repeats = 0
            score_unseen(subspace, evaluations, evaluations.count + 1, rng)
            index, scores = evaluations.history
            if not np.isnan(scores[-1]):
                [genes] = subspace.space.rows(index[-1:]).tolist()
                params = dict(zip(box, genes, strict=True))
                study.add_trial(create_trial(params=params, distributions=box, value=float(scores[-1])))
