"""Optuna: any of its samplers inside a subspace, and what a study found as rows and scores.

Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019. A gene is a categorical
parameter "gene0", "gene1", ... with the choices of the box around the subspace. What a sampler proposes in that box but
outside the subspace is exchanged for the nearest network inside before a trial sees it (our own choice), so that a
study holds what was evaluated.
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
    raise LissnasError("this bridge leads to Optuna: install it with 'pip install lissnas[bridges]'") from error


class SubspaceSampler(BaseSampler):
    """Samples networks of a subspace, uniformly or around any sampler of Optuna.

    Parameters that are no genes, such as a learning rate, are left to that sampler.

    Parameters
    ----------
    subspace
        Where; of any size.
    rng
        The source of every draw that is not `sampler`'s own. Trials in parallel draw from children of it.
    sampler
        Proposes genes, as ``optuna.samplers.TPESampler(seed=0)``; if there is none, all networks are equally likely.

    Raises
    ------
    SettingError
        If `sampler` is one that lists all combinations.

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
                f"{type(sampler).__name__} goes through every combination of a box, and a subspace is none: for all of "
                f"its networks go through subspace.index"
            )
        self.subspace = subspace
        self._rng = rng
        self._sampler = sampler
        self._others = sampler or RandomSampler(seed=int(rng.integers(2**32)))
        self._nearest = NearestMember(subspace, rng)
        values = gene_values(subspace.space)
        self.distributions: dict[str, BaseDistribution] = {
            name: CategoricalDistribution([own[choice] for choice in choices])
            for name, own, choices in zip(gene_names(subspace.space), values, self._nearest.choices, strict=True)
        }
        self._inferred: dict[int, dict[str, BaseDistribution]] = {}

    def suggest(self, trial: Trial) -> Rows:
        """Return the network of a trial, shape (1, genes), and keep its official string as the trial's "architecture".

        Raises SettingError if it is not in the subspace: genes were fixed by hand, or the study has another sampler.
        """
        for name, own in self.distributions.items():
            assert isinstance(own, CategoricalDistribution)
            trial.suggest_categorical(name, own.choices)
        try:
            row = rows_of([trial.params], self.subspace.space, "trial")
            inside = bool(self.subspace.contains(row)[0])
        except ArchitectureError:
            inside = False
        if not inside:
            raise SettingError(
                f"trial {trial.number} is not in the subspace: give the study this sampler, and enqueue networks of "
                f"the subspace only, all genes of each"
            )
        [architecture] = self.subspace.space.write(row)
        trial.set_user_attr("architecture", architecture)
        return row

    def trials(self, rows: Rows, scores: Floats) -> list[FrozenTrial]:
        """Return what is known already as finished trials, for ``study.add_trials``; those without a score failed.

        Raises SettingError for a network outside the subspace, of which its study cannot know.
        """
        if not self.subspace.contains(rows).all():
            [first, *_] = self.subspace.space.write(rows[~self.subspace.contains(rows)])
            raise SettingError(f"'{first}' is not in the subspace: keep the rows that it contains")
        known = zip(named_values(self.subspace.space.canonical(rows), self.subspace.space), scores, strict=True)
        return [
            create_trial(params=params, distributions=self.distributions, state=TrialState.FAIL)
            if np.isnan(score)
            else create_trial(params=params, distributions=self.distributions, value=float(score))
            for params, score in known
        ]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return all genes, which are drawn together, and what else the sampler draws together."""
        inferred = {} if self._sampler is None else self._sampler.infer_relative_search_space(study, trial)
        usable = {name: own for name, own in inferred.items() if self.distributions.get(name, own) == own}
        self._inferred[trial._trial_id] = usable
        return usable | self.distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the genes of a network of the subspace, and what else the sampler draws with them."""
        inferred = self._inferred.pop(trial._trial_id)
        space = self.subspace.space
        if self._sampler is None:
            [member] = named_values(self.subspace.sample(1, self._rng), space)
            return dict(member)
        drawn = self._sampler.sample_relative(study, trial, inferred)
        for name, own in self.distributions.items():
            assert isinstance(own, CategoricalDistribution)
            if own.single():
                drawn[name] = own.choices[0]
            elif name not in drawn:
                drawn[name] = self._sampler.sample_independent(study, trial, name, own)
        names, values = gene_names(space), gene_values(space)
        proposed = np.array([own.index(drawn[name]) for name, own in zip(names, values, strict=True)], dtype=np.uint8)
        [member] = named_values(self._nearest(proposed, self._rng)[None], space)
        return drawn | member

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a parameter that is no gene, as the sampler draws it."""
        if param_name in self.distributions:
            raise SettingError(f"{param_name} is a gene: have all genes suggested by 'sampler.suggest(trial)'")
        return self._others.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._others.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._inferred.pop(trial._trial_id, None)
        self._others.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        [self._rng] = self._rng.spawn(1)
        self._others.reseed_rng()


def trials(study: Study, space: Space) -> tuple[Rows, Floats]:
    """Return the networks of a study's ended trials, in their order, and their scores.

    Returns
    -------
    rows
        Shape (n, genes), one a trial, so that a network may be there several times.
    scores
        Shape (n,), more being better: of a study that minimizes, the values with their signs changed. NaN where a trial
        failed or was pruned.

    Raises
    ------
    SettingError
        If the study has several objectives.
    ArchitectureError
        If a trial holds no network of the space.
    """
    if len(study.directions) != 1:
        raise SettingError(f"the study has {len(study.directions)} objectives: a score is one number")
    finished = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    # A trial that failed before it had all its genes is no network, and no mistake either.
    genes = {*gene_names(space)}
    ended = [trial for trial in finished if trial.state == TrialState.COMPLETE or genes <= {*trial.params}]
    sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
    values = [trial.value if trial.state == TrialState.COMPLETE else None for trial in ended]
    scores = np.array([np.nan if value is None else sign * value for value in values], dtype=np.float64)
    return rows_of([trial.params for trial in ended], space, "ended trial"), scores
