"""The optimizer: stochastic gradient descent whose weight decay may leave out batch norms, biases or the classifier."""

import torch
from torch import nn

from lissnas.supernet.training.training_recipe import TrainingRecipe


def make_optimizer(network: nn.Module, recipe: TrainingRecipe) -> torch.optim.SGD:
    """Return the optimizer of a training; in each step it updates only the weights that have a gradient.

    It updates all weights in one fused call. That call needs a momentum for every weight, also for a weight whose first
    gradient comes late, so all momenta are set to zero here.

    Parameters
    ----------
    network
        The network, already on its device.
    recipe
        Gives momentum and weight decay. The loop sets the learning rate of each step.
    """
    flips = _changes_sides(network, recipe)
    kernels = [weights for weights in network.parameters() if (weights.ndim > 1) != (weights is flips)]
    norms_and_biases = [weights for weights in network.parameters() if (weights.ndim > 1) == (weights is flips)]
    decays = (recipe.weight_decay, recipe.weight_decay if recipe.weight_decay_on_norms else 0.0)
    groups = [
        {"params": weights, "weight_decay": decay}
        for weights, decay in zip((kernels, norms_and_biases), decays, strict=True)
        if weights
    ]
    optimizer = torch.optim.SGD(groups, recipe.learning_rate, recipe.momentum, nesterov=recipe.nesterov, fused=True)
    for weights in (*kernels, *norms_and_biases):
        optimizer.state[weights]["momentum_buffer"] = torch.zeros_like(weights)
    return optimizer


def _changes_sides(network: nn.Module, recipe: TrainingRecipe) -> torch.Tensor | None:
    """Return the parameter of the classifier that decays although it is a bias, or does not although it is a weight."""
    if recipe.classifier_decay == "weight":
        return None
    *_, classifier = (module for module in network.modules() if isinstance(module, nn.Linear))
    return classifier.bias if recipe.classifier_decay == "weight and bias" else classifier.weight
