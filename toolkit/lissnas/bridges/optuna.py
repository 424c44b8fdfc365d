"""Optuna: run any of its samplers inside a subspace, and read a study as rows and scores.

Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019. A gene is a categorical
parameter "gene0", "gene1", ... with the choices of the box around the subspace. A proposal in that box but outside the
subspace is replaced by the nearest member before the trial sees it (our own choice). So a study has the architectures
that were evaluated.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lissnas.bridges.gene_values import gene_names, gene_values, named_values, rows_of
from lissnas.errors import ArchitectureError, LissnasError, SettingError
from lissnas.spaces.space import Floats, Rows, Space
from lissnas.subspaces.nearest_member import NearestMember
from lissnas.subspaces.subspace import Subspace

try:
    from optuna.distributions import BaseDistribution, CategoricalDistribution
    from optuna.samplers import BaseSampler, BruteForceSampler, GridSampler, RandomSampler
    from optuna.study import Study, StudyDirection
    from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
except ImportError as error:
    raise LissnasError("this bridge needs Optuna: run 'pip install lissnas[bridges]'") from error


class SubspaceSampler(BaseSampler):
    """An Optuna sampler that proposes only members of a subspace, uniformly or with any other sampler.

    The other sampler, or a uniform one, samples parameters that are not genes, such as a learning rate.

    Parameters
    ----------
    subspace
        The subspace, of any size.
    rng
        The source of every draw except those of `sampler`. Parallel trials draw from its children.
    sampler
        Proposes genes, for example ``optuna.samplers.TPESampler(seed=0)``. None samples members uniformly.

    Raises
    ------
    SettingError
        If `sampler` enumerates all combinations.

    Examples
    --------
    >>> import optuna
    >>> from lissnas.spaces.published.macro import macro
    >>> from lissnas.subspaces.subspace import ExplicitSubspace
    >>> pocket = ExplicitSubspace(macro(), np.arange(40))
    >>> sampler = SubspaceSampler(pocket, np.random.default_rng(0), optuna.samplers.TPESampler(seed=0))
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study(direction="maximize", sampler=sampler)
    >>> study.optimize(lambda trial: float(sampler.suggest(trial).sum()), n_trials=20)
    >>> rows, scores = trials(study, macro())
    >>> bool(pocket.contains(rows).all())
    True
    """

    def __init__(self, subspace: Subspace, rng: np.random.Generator, sampler: BaseSampler | None = None) -> None:
        if isinstance(sampler, BruteForceSampler | GridSampler):
            raise SettingError(
                f"{type(sampler).__name__} enumerates every combination of a box, and a subspace is not a box: to "
                f"evaluate all of its networks, iterate over subspace.index"
            )
        self.subspace = subspace
        self._rng = rng
        self._sampler = sampler
        self._independent = sampler or RandomSampler(seed=int(rng.integers(2**32)))
        self._nearest = NearestMember(subspace, rng)
        values = gene_values(subspace.space)
        self.distributions: dict[str, BaseDistribution] = {
            name: CategoricalDistribution([names[choice] for choice in choices])
            for name, names, choices in zip(gene_names(subspace.space), values, self._nearest.choices, strict=True)
        }
        self._inferred: dict[int, dict[str, BaseDistribution]] = {}

    def suggest(self, trial: Trial) -> Rows:
        """Return the row of a trial, shape (1, genes), and set its official string as user attribute "architecture".

        Raises SettingError if the row is not in the subspace: genes were fixed by hand, or the study uses another
        sampler.
        """
        for name, distribution in self.distributions.items():
            assert isinstance(distribution, CategoricalDistribution)
            trial.suggest_categorical(name, distribution.choices)
        try:
            row = rows_of([trial.params], self.subspace.space, "trial")
            is_member = bool(self.subspace.contains(row)[0])
        except ArchitectureError:
            is_member = False
        if not is_member:
            raise SettingError(
                f"trial {trial.number} is not in the subspace: give the study this sampler, and enqueue networks of "
                f"the subspace only, all genes of each"
            )
        [architecture] = self.subspace.space.write(row)
        trial.set_user_attr("architecture", architecture)
        return row

    def trials(self, rows: Rows, scores: Floats) -> list[FrozenTrial]:
        """Return known scores as finished trials for ``study.add_trials``; a row whose score is NaN is a failed trial.

        Raises SettingError for a row outside the subspace, which the study cannot represent.
        """
        if not self.subspace.contains(rows).all():
            [first, *_] = self.subspace.space.write(rows[~self.subspace.contains(rows)])
            raise SettingError(f"'{first}' is not in the subspace: pass only rows that it contains")
        known = zip(named_values(self.subspace.space.canonical(rows), self.subspace.space), scores, strict=True)
        return [
            create_trial(params=params, distributions=self.distributions, state=TrialState.FAIL)
            if np.isnan(score)
            else create_trial(params=params, distributions=self.distributions, value=float(score))
            for params, score in known
        ]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return all genes, which are sampled together, and the other parameters that the sampler samples together."""
        inferred = {} if self._sampler is None else self._sampler.infer_relative_search_space(study, trial)
        usable = {name: one for name, one in inferred.items() if self.distributions.get(name, one) == one}
        self._inferred[trial._trial_id] = usable
        return usable | self.distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the genes of a member of the subspace, and the other parameters that the sampler samples with them."""
        # A sampler around this one, such as PartialFixedSampler, may ask for fewer parameters than were inferred.
        inferred = self._inferred.pop(trial._trial_id, search_space)
        inferred = {name: one for name, one in inferred.items() if name in search_space}
        space = self.subspace.space
        if self._sampler is None:
            [member] = named_values(self.subspace.sample(1, self._rng), space)
            return {name: value for name, value in member.items() if name in search_space}
        drawn = self._sampler.sample_relative(study, trial, inferred)
        for name, distribution in self.distributions.items():
            assert isinstance(distribution, CategoricalDistribution)
            if distribution.single():
                drawn[name] = distribution.choices[0]
            elif name not in drawn:
                drawn[name] = self._sampler.sample_independent(study, trial, name, distribution)
        genes = zip(gene_names(space), gene_values(space), strict=True)
        proposed = np.array([choices.index(drawn[name]) for name, choices in genes], dtype=np.uint8)
        [member] = named_values(self._nearest(proposed, self._rng)[None], space)
        return {name: value for name, value in (drawn | member).items() if name in search_space}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a parameter that is not a gene, from the other sampler."""
        if param_name in self.distributions:
            raise SettingError(f"{param_name} is a gene: call 'sampler.suggest(trial)', which suggests all genes")
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._independent.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._inferred.pop(trial._trial_id, None)
        self._independent.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        [self._rng] = self._rng.spawn(1)
        self._independent.reseed_rng()


def trials(study: Study, space: Space) -> tuple[Rows, Floats]:
    """Return the rows of the finished trials of a study, in order, and their scores.

    Returns
    -------
    rows
        Shape (n, genes), one per trial. An architecture may occur several times.
    scores
        Shape (n,); a larger score is better, so a study that minimizes has its values negated. NaN where a trial failed
        or was pruned.

    Raises
    ------
    SettingError
        If the study has several objectives.
    ArchitectureError
        If a trial is not an architecture of the space.
    """
    if len(study.directions) != 1:
        raise SettingError(f"the study has {len(study.directions)} objectives: a score is one number")
    finished = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    # A trial that failed before all genes were suggested has no row. It is skipped, not an error.
    genes = {*gene_names(space)}
    with_row = [trial for trial in finished if trial.state == TrialState.COMPLETE or genes <= {*trial.params}]
    sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
    values = [trial.value if trial.state == TrialState.COMPLETE else None for trial in with_row]
    scores = np.array([np.nan if value is None else sign * value for value in values], dtype=np.float64)
    return rows_of([trial.params for trial in with_row], space, "finished trial"), scores
