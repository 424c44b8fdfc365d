"""Optuna's samplers inside a subspace, by the library itself: TPE, and its genetic algorithm.

Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019. A gene is a categorical
parameter with the choices that occur in the subspace: the smallest box around it. What a sampler proposes in that box
but outside the subspace stands for the network of the subspace in which the fewest genes differ, drawn by lot where
several do; its score is what the sampler is told. That is our own choice, and so is that a network known before is told
again for nothing, and that after ten of these in a row a random unknown one is scored and told instead.
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
    """The tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) with Optuna's own defaults."""

    bibtex: ClassVar[str] = _BIBTEX

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        def made(seed: int) -> "BaseSampler":
            from optuna.samplers import TPESampler

            return TPESampler(seed=seed)

        _ask_and_tell(made, subspace, evaluations, total, rng)


@dataclass(frozen=True)
class Genetic:
    """NSGA-II (Deb et al., 2002) with one objective: Optuna's genetic algorithm, with crossover and mutation."""

    bibtex: ClassVar[str] = _BIBTEX

    population: int = 50
    """How many networks a generation has, as in Optuna."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "population")

    def visit(self, subspace: Subspace, evaluations: Evaluations, total: int, rng: np.random.Generator) -> None:
        def made(seed: int) -> "BaseSampler":
            from optuna.samplers import NSGAIISampler

            return NSGAIISampler(seed=seed, population_size=self.population)

        _ask_and_tell(made, subspace, evaluations, total, rng)


def _ask_and_tell(
    made: Callable[[int], "BaseSampler"],
    subspace: Subspace,
    evaluations: Evaluations,
    total: int,
    rng: np.random.Generator,
) -> None:
    try:
        import optuna
    except ImportError as error:
        raise LissnasError("this optimizer is Optuna's: install it with 'pip install lissnas[search]'") from error
    from optuna.distributions import BaseDistribution, CategoricalDistribution
    from optuna.trial import TrialState, create_trial

    said = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=made(int(rng.integers(2**32))))
    optuna.logging.set_verbosity(said)
    nearest = NearestMember(subspace, rng)
    box: dict[str, BaseDistribution] = {
        f"gene{gene}": CategoricalDistribution(choices) for gene, choices in enumerate(nearest.choices)
    }
    total = reachable_total(subspace, evaluations, total)
    repeats = 0
    while evaluations.count < total:
        trial = study.ask(box)
        proposed = np.array([trial.params[name] for name in box], dtype=np.uint8)
        network = nearest(proposed, rng)
        repeats = repeats + 1 if evaluations.are_evaluated(network[None])[0] else 0
        [score] = evaluations(network[None])
        if np.isnan(score):
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, float(score))
        if repeats > PATIENCE:
            repeats = 0
            score_unseen(subspace, evaluations, evaluations.count + 1, rng)
            index, scores = evaluations.history
            if not np.isnan(scores[-1]):
                [row] = subspace.space.rows(index[-1:]).tolist()
                params = dict(zip(box, row, strict=True))
                study.add_trial(create_trial(params=params, distributions=box, value=float(scores[-1])))
