"""Supernet: one network that shares its weights among all architectures of a search space."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from lissnas.spaces.space import Rows, Space


class Supernet(nn.Module, ABC):
    """A network in which each architecture of a space is a path.

    Attributes
    ----------
    space
        The search space.
    """

    space: Space

    @abstractmethod
    def forward(self, images: Tensor, path: Sequence[int]) -> Tensor:
        """Return logits of shape (images, classes).

        Parameters
        ----------
        images
            float32 of shape (images, channels, height, width).
        path
            The genes of one architecture.
        """

    @abstractmethod
    def stand_alone(self, row: Rows) -> nn.Module:
        """Return the network of one architecture, shape (genes,), with copies of its weights."""

    @abstractmethod
    def fixed_parts(self) -> Iterator[nn.Module]:
        """Yield the parts whose computation does not depend on the path: torch.compile compiles each of them."""


class CompilableSequential(nn.Sequential):
    """An nn.Sequential that torch.compile captures; it does not capture the methods of torch's own modules."""

    def forward(self, features: Tensor) -> Tensor:
        """Return the output of the last module."""
        for module in self:
            features = module(features)
        return features


def compile_fixed_parts(network: Supernet) -> None:
    """Compile every fixed part of a supernet on its own.

    The parts share their code, and torch limits recompilations per function, so the limit grows with the parts.
    """
    parts = list(network.fixed_parts())
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 8 * len(parts))
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    for part in parts:
        part.compile(dynamic=False)  # shapes are fixed; torch fails on some shapes that it believes to change
