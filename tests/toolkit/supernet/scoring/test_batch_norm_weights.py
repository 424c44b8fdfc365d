"""BN-NAS: the scores are those of the last batch norms, and the operations of the lowest are dropped."""

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.shrinkers.bn_nas import BnNas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.published.macro import macro, macro_chain
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.spaces.space import Floats, Rows

torch = pytest.importorskip("torch")
from lissnas.supernet.networks.chain_network import ChainNetwork  # noqa: E402
from lissnas.supernet.scoring.batch_norm_weights import norm_weights, train_last_norms_alone  # noqa: E402


@pytest.fixture(scope="module")
def network() -> ChainNetwork:
    made = ChainNetwork(macro_chain(), np.random.default_rng(0))
    with torch.no_grad():
        for number, parameter in enumerate(made.parameters()):
            parameter.add_(0.01 * number)
    return made


def test_scores_are_the_scales_of_the_norm_after_each_blocks_last_convolution(network: ChainNetwork) -> None:
    weights = norm_weights(network)
    assert tuple(map(len, weights)) == macro().choices
    # The last two parameters of a block are its last norm's scale and shift; an identity has none.
    for layer, scores in zip(network.layers, weights, strict=True):
        for block, score in zip(layer, scores, strict=True):
            parameters = list(block.parameters())
            expected = float(parameters[-2].detach().abs().mean()) if parameters else np.nan
            assert score == pytest.approx(expected, nan_ok=True)
    assert np.isnan(weights[1][0])
    assert not np.isnan(weights[0][0])


def test_norms_that_do_not_scale_are_refused() -> None:
    plain = ChainNetwork(shufflenetv2_chain(10, 32), np.random.default_rng(0), affine=False)
    with pytest.raises(SettingError, match="affine=True"):
        norm_weights(plain)


def test_only_the_last_norms_learn() -> None:
    network = ChainNetwork(macro_chain(), np.random.default_rng(0))
    train_last_norms_alone(network)
    learning = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    blocks = [block for layer in network.layers for block in layer if list(block.parameters())]
    assert len(learning) == 2 * len(blocks)
    network(torch.zeros(2, 3, 32, 32), [2] * 8).sum().backward()
    assert network.classifier.weight.grad is None


def _never(rows: Rows) -> Floats:
    raise AssertionError("asked")


def test_the_lowest_are_dropped_without_an_evaluation() -> None:
    space = macro()
    weights = tuple((3.0, 1.0 + gene / 10, 2.0) for gene in range(8))
    trace = shrink(space, _never, BnNas(weights, size=2**8), np.random.default_rng(0))
    assert trace.evaluations.count == 0
    rows = space.rows(trace.subspace.index)
    assert len(rows) == 2**8
    assert (rows != 1).all()


def test_what_has_no_norm_stays() -> None:
    weights = tuple((np.nan, 1.0, 2.0) for _ in range(8))
    evaluations = Evaluations(macro(), _never)
    [kept] = BnNas(weights, size=1).rounds(macro(), evaluations, np.random.default_rng(0))
    assert (macro().rows(kept.index) == 0).all()


def test_weights_of_another_space_are_refused() -> None:
    with pytest.raises(SettingError, match="macro has"):
        shrink(macro(), _never, BnNas(((1.0, 2.0),) * 8), np.random.default_rng(0))
