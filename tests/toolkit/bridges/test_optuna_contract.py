"""Optuna's own tests of samplers, for a sampler that is restricted to a subspace, plain and around TPE."""

import warnings
from collections.abc import Callable

import numpy as np
import optuna
import pytest
from lissnas.bridges.optuna import SubspaceSampler
from lissnas.spaces.published.macro import macro
from lissnas.subspaces.subspace import ExplicitSubspace
from optuna.samplers import BaseSampler, PartialFixedSampler, TPESampler

samplers = pytest.importorskip("optuna.testing.pytest_samplers", reason="this version of Optuna has no tests to share")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]

POCKET = ExplicitSubspace(macro(), np.arange(40))


def _plain() -> BaseSampler:
    return SubspaceSampler(POCKET, np.random.default_rng(0))


def _around_tpe() -> BaseSampler:
    """Return a sampler around TPE, which samples together from the first trial on."""
    tpe = TPESampler(n_startup_trials=0, multivariate=True, seed=0)
    return SubspaceSampler(POCKET, np.random.default_rng(0), tpe)


class TestPlainSampler(samplers.BasicSamplerTestCase):
    """Parameters that are not genes are sampled as by any sampler."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return _plain


class TestSamplerAroundTpe(samplers.BasicSamplerTestCase, samplers.RelativeSamplerTestCase):
    """Parameters that are not genes are sampled as by TPE, also together."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return _around_tpe


def test_a_gene_that_is_fixed_by_hand_keeps_its_value() -> None:
    for sampler in (_plain(), _around_tpe()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            fixed = PartialFixedSampler({"gene0": "0"}, sampler)
        study = optuna.create_study(sampler=fixed)
        trial = study.ask(fixed_distributions=sampler.distributions)  # type: ignore[attr-defined]
        assert trial.params["gene0"] == "0"
