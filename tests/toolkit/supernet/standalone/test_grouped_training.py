"""The training loop: each network's curves are those of training it alone, and scores count what they say."""

import numpy as np
import pytest
import torch
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.images.small_tasks import ImageTask, digits
from lissnas.supernet.networks.cell_network import CellNetwork, Skeleton
from lissnas.supernet.standalone.grouped_training import StandaloneRecipe, Training, train, train_grouped

CELLS = np.array([15_624, 4_321, 9_876, 0])

RECIPE = StandaloneRecipe(epochs=2)


class Alone(torch.nn.Module):
    """A network with the axis of networks that the loop expects."""

    def __init__(self, network: CellNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)[None]


def _networks() -> list[CellNetwork]:
    rows = cell201().rows(CELLS)
    return [CellNetwork(row, Skeleton(), np.random.default_rng(k)) for k, row in enumerate(rows)]


def _few(task: ImageTask) -> ImageTask:
    first = np.arange(260)
    return ImageTask("few", task.train.take(first), task.validation.take(first[:150]), task.test.take(first[:130]))


@pytest.fixture(scope="module")
def grouped() -> Training:
    return train_grouped(_networks(), _few(digits()), RECIPE, np.random.default_rng(5))


def test_each_network_has_the_curves_of_training_it_alone(grouped: Training) -> None:
    for place, network in enumerate(_networks()):
        alone = train(Alone(network), _few(digits()), RECIPE, np.random.default_rng(5))
        for epoch in range(RECIPE.epochs):
            # Sums of single precision in another order; eight steps do not carry that far.
            assert grouped.train[epoch].loss[place] == pytest.approx(alone.train[epoch].loss[0], rel=1e-3)
            assert grouped.validation[epoch].loss[place] == pytest.approx(alone.validation[epoch].loss[0], rel=1e-2)
        assert grouped.test.loss[place] == pytest.approx(alone.test.loss[0], rel=1e-2)
        assert abs(grouped.test.correct[place] - alone.test.correct[0]) <= 1


def test_the_same_generators_give_the_same_bits(grouped: Training) -> None:
    again = train_grouped(_networks(), _few(digits()), RECIPE, np.random.default_rng(5))
    np.testing.assert_array_equal(again.test.loss, grouped.test.loss)
    np.testing.assert_array_equal(again.train[1].loss, grouped.train[1].loss)


def test_another_order_of_the_images_gives_other_results(grouped: Training) -> None:
    other = train_grouped(_networks(), _few(digits()), RECIPE, np.random.default_rng(6))
    assert (other.train[0].loss[:3] != grouped.train[0].loss[:3]).all()


def test_a_network_that_cannot_learn_says_one_class_of_everything(grouped: Training) -> None:
    labels = _few(digits()).test.labels
    assert grouped.test.correct[3] in np.bincount(labels)


def test_training_scores_count_the_images_of_whole_batches(grouped: Training) -> None:
    assert grouped.train[0].correct.max() <= 260 // RECIPE.batch_size * RECIPE.batch_size


def test_networks_are_left_as_they_are() -> None:
    networks = _networks()
    before = [weights.clone() for network in networks for weights in network.state_dict().values()]
    train_grouped(networks, _few(digits()), StandaloneRecipe(epochs=1), np.random.default_rng(0))
    after = [weights for network in networks for weights in network.state_dict().values()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
