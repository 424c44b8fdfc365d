"""The stage `search`: by a supernet as by a table, within limits, and resumed after a kill."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_loop as tiny
import torch
from lissnas.errors import JournalError
from lissnas.evaluation.evaluator import TableEvaluator
from lissnas.optimizers.local_search import LocalSearch
from lissnas.optimizers.optuna_samplers import Genetic, Tpe
from lissnas.optimizers.random_search import RandomSearch
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
from lissnas.optimizers.search import Optimizer, SearchTrace, search
from lissnas.spaces.limited import Limit, LimitedSpace
from lissnas.spaces.published.shufflenetv2 import shufflenetv2, shufflenetv2_chain
from lissnas.spaces.space import Floats, Rows
from lissnas.subspaces.box import Box
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.subspace import ExplicitSubspace, FullSpace, Subspace
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.scoring.scoring import use_ema_weights
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.stages.search import JOURNAL, search_by_supernet

OPTIMIZERS: tuple[Optimizer, ...] = (
    RandomSearch(),
    RegularizedEvolution(population=4, tournament=2),
    LocalSearch(starts=2),
    Tpe(),
    Genetic(population=4),
)
EACH = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> ChainNetwork:
    schedule = tiny.ShrinkingSchedule(steps_per_round=1, max_rounds=0)
    return tiny.loop(tmp_path_factory.mktemp("trained"), schedule=schedule)[0]


@pytest.fixture(scope="module")
def scores(network: ChainNetwork) -> Floats:
    with use_ema_weights(network, None):
        return tiny.SCORING.evaluator(network, tiny.source())(network.space.all_rows())


def _search(network: ChainNetwork, subspace: Subspace, folder: Path, **changed: Any) -> SearchTrace:
    settings: dict[str, Any] = {
        "average": None,
        "source": tiny.source(),
        "optimizer": RegularizedEvolution(population=4, tournament=2),
        "evaluations": 8,
        "scoring": tiny.SCORING,
        "rng": np.random.default_rng(2),
    }
    return search_by_supernet(network, subspace=subspace, folder=folder, **(settings | changed))


def _pocket(network: ChainNetwork) -> ExplicitSubspace:
    return ExplicitSubspace(network.space, np.arange(2, 26, 2))


@EACH
def test_every_optimizer_searches_by_a_supernet_as_by_a_table(
    network: ChainNetwork, scores: Floats, tmp_path: Path, optimizer: Optimizer
) -> None:
    subspace = _pocket(network)
    found = _search(network, subspace, tmp_path, optimizer=optimizer).evaluations.history
    seed = int(np.random.default_rng(2).integers(2**63))
    table = TableEvaluator(network.space, scores)
    expected = search(subspace, table, optimizer, np.random.default_rng(seed), 8).evaluations.history
    assert found[0].tolist() == expected[0].tolist()
    assert found[1].tolist() == expected[1].tolist()
    assert len(found[0]) == 8
    assert np.isin(found[0], subspace.index).all()


def test_a_killed_search_resumes_and_may_get_more_evaluations(
    network: ChainNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subspace = FullSpace(network.space)
    expected = _search(network, subspace, tmp_path / "at once", evaluations=12)
    score = SupernetEvaluator._score
    scored = 0

    def dying_score(self: SupernetEvaluator, paths: list[list[int]], *images: Any) -> torch.Tensor:
        nonlocal scored
        scored += len(paths)
        if scored == 6:
            raise KeyboardInterrupt
        return score(self, paths, *images)

    monkeypatch.setattr(SupernetEvaluator, "_score", dying_score)
    with pytest.raises(KeyboardInterrupt):
        _search(network, subspace, tmp_path / "again")
    assert (tmp_path / "again" / JOURNAL).exists()
    _search(network, subspace, tmp_path / "again")
    resumed = _search(network, subspace, tmp_path / "again", evaluations=12)
    assert resumed.evaluations.history[0].tolist() == expected.evaluations.history[0].tolist()
    assert resumed.evaluations.history[1].tolist() == expected.evaluations.history[1].tolist()
    assert scored < 6 + 12


def test_a_search_leaves_the_supernet_unchanged(network: ChainNetwork, tmp_path: Path) -> None:
    before = {name: values.clone() for name, values in network.state_dict().items()}
    average = {name: values.detach() + 0.1 for name, values in network.named_parameters()}
    plain, averaged = (
        _search(network, _pocket(network), tmp_path / name, average=weights)
        for name, weights in (("plain", None), ("averaged", average))
    )
    assert plain.evaluations.scores.tolist() != averaged.evaluations.scores.tolist()
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())


def test_the_journal_of_other_weights_is_refused(network: ChainNetwork, tmp_path: Path) -> None:
    _search(network, _pocket(network), tmp_path)
    other = {name: values.detach() + 0.1 for name, values in network.named_parameters()}
    with pytest.raises(JournalError, match=r"data.weights is .*; in this run it is"):
        _search(network, _pocket(network), tmp_path, average=other)
    with pytest.raises(JournalError, match="space is 12 networks"):
        _search(network, FullSpace(network.space), tmp_path)


def test_limits_hold_in_a_search(network: ChainNetwork, tmp_path: Path) -> None:
    costs = network.chain.multiply_accumulates
    limit = float(np.median(costs(network.space.all_rows())))
    limited = LimitedSpace(network.space, Limit("FLOPs", lambda rows: costs(rows).astype(float), limit))
    found = _search(network, LimitedSubspace(limited, _pocket(network)), tmp_path, evaluations=27).evaluations
    assert 2 < found.count < 12
    assert (costs(found.rows) <= limit).all()
    inside = network.space.rows(_pocket(network).index)
    assert found.count == (costs(inside) <= limit).sum()


@EACH
def test_every_optimizer_searches_in_a_box_of_any_size_within_limits(optimizer: Optimizer) -> None:
    """How many of its networks meet the limit nobody knows: 4^18 x 3^2 are in the box."""
    whole = shufflenetv2()
    costs = shufflenetv2_chain().multiply_accumulates
    space = LimitedSpace(whole, Limit("FLOPs", lambda rows: costs(rows).astype(float), 330e6))
    subspace = LimitedSubspace(space, Box.full(whole).without(0, 1).without(7, 3))
    seen: list[Rows] = []

    def evaluator(rows: Rows) -> Floats:
        seen.append(rows)
        return rows.sum(axis=1).astype(float)

    search(subspace, evaluator, optimizer, np.random.default_rng(0), 40)
    rows = np.concatenate(seen)
    assert len(np.unique(space.index(rows))) == 40
    assert (costs(rows) <= 330e6).all()
    assert (rows[:, 0] != 1).all()
    assert (rows[:, 7] != 3).all()
