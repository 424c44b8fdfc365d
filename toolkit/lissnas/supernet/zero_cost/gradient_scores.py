"""Scores from the gradients of an untrained network: grad_norm, snip, grasp, fisher, synflow, ZiCo.

Sums run over the weights of all convolutions and of the classifier, without biases and batch norms. The loss is the
mean cross-entropy of one batch in train mode. A layer that the loss does not depend on has gradient zero.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from lissnas.supernet.images.image_batches import LabeledBatch
from lissnas.supernet.zero_cost.scored_network import ScoredNetwork


def grad_norm(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return the sum over layers of the norm of the gradient. Abdelfattah et al., ICLR 2021."""
    return sum(gradient.norm().item() for gradient in _gradients(network, batch))


def snip(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return the sum of |weight x gradient|. Lee, Ajanthan and Torr, ICLR 2019."""
    gradients = zip(_weights(network), _gradients(network, batch), strict=True)
    return sum((weight * gradient).detach().abs().sum().item() for weight, gradient in gradients)


def grasp(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return minus the sum of weight x (Hessian x gradient). Wang, Zhang and Grosse, ICLR 2020."""
    weights = _weights(network)
    gradients = _gradients(network, batch, create_graph=True)
    product = torch.stack([(gradient.detach() * gradient).sum() for gradient in gradients]).sum()
    if not product.requires_grad:
        return 0.0
    curvatures = torch.autograd.grad(product, weights, allow_unused=True, materialize_grads=True)
    return -sum(
        (weight * curvature).detach().sum().item() for weight, curvature in zip(weights, curvatures, strict=True)
    )


def fisher(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return the sum over channels of the Fisher information of the channel, times its number of weights.

    The information is half the mean over images of (sum over pixels of activation x gradient) squared. Turner et al.,
    ICLR 2020; the factor is that of the program of Abdelfattah et al., ICLR 2021.
    """
    layers, outputs = network.weighted_layers, dict[nn.Module, Tensor]()
    hooks = [layer.register_forward_hook(lambda layer, _, output: outputs.update({layer: output})) for layer in layers]
    loss = _loss(network, batch)
    for hook in hooks:
        hook.remove()
    reached = [layer for layer in layers if layer in outputs]
    gradients = torch.autograd.grad(
        loss, [outputs[layer] for layer in reached], allow_unused=True, materialize_grads=True
    )
    total = 0.0
    for layer, gradient in zip(reached, gradients, strict=True):
        per_image = (outputs[layer] * gradient).flatten(2).sum(2) if gradient.ndim > 2 else outputs[layer] * gradient
        total += per_image.detach().square().mean(0).sum().item() / 2 * layer.weight[0].numel()
    return total


def synflow(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return the natural logarithm of the synaptic flow; NaN if no path connects input and output.

    All weights are replaced by their absolute values and all batch norms by the identity. The input is one image of
    ones, and the flow is the sum of |weight x gradient of the sum of the logits|, in float64. Tanaka et al., NeurIPS
    2020.
    """
    positive = {
        name: parameter.detach().double().abs().requires_grad_() for name, parameter in network.named_parameters()
    }
    with _WithoutBatchNorms():
        ones = torch.ones_like(batch[0][:1], dtype=torch.float64)
        total = functional_call(network, positive, (ones,)).sum()
    layers = {layer.weight: None for layer in network.weighted_layers}
    weights = [positive[name] for name, parameter in network.named_parameters() if parameter in layers]
    gradients = torch.autograd.grad(total, weights, allow_unused=True, materialize_grads=True)
    flow = sum((weight * gradient).detach().sum().item() for weight, gradient in zip(weights, gradients, strict=True))
    return math.log(flow) if flow > 0 else math.nan


def zico(network: ScoredNetwork, batch: LabeledBatch) -> float:
    """Return the sum over layers of ln(sum over weights of mean |gradient| / standard deviation of the gradient).

    Mean and deviation are over the two halves of the batch. Weights with a deviation of zero are left out, and layers
    without any other. Li et al., "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients", ICLR 2023.
    """
    images, labels = batch
    half = len(images) // 2
    first = _gradients(network, (images[:half], labels[:half]))
    second = _gradients(network, (images[half:], labels[half:]))
    total = 0.0
    for pair in zip(first, second, strict=True):
        gradients = torch.stack(pair)
        deviation = gradients.std(0, correction=0)
        varies = deviation > 0
        ratio = (gradients.abs().mean(0)[varies] / deviation[varies]).sum().item()
        total += math.log(ratio) if ratio > 0 else 0.0
    return total


class _WithoutBatchNorms(TorchFunctionMode):
    """Makes every batch norm the identity."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        return args[0] if function is functional.batch_norm else function(*args, **(kwargs or {}))


def _weights(network: ScoredNetwork) -> list[Tensor]:
    return [layer.weight for layer in network.weighted_layers]


def _loss(network: ScoredNetwork, batch: LabeledBatch) -> Tensor:
    images, labels = batch
    return functional.cross_entropy(network(images), labels)


def _gradients(network: ScoredNetwork, batch: LabeledBatch, create_graph: bool = False) -> tuple[Tensor, ...]:
    """Return the gradient of the loss for the weights of each layer."""
    return torch.autograd.grad(
        _loss(network, batch),
        _weights(network),
        create_graph=create_graph,
        allow_unused=True,
        materialize_grads=True,
    )
