"""Supernet: one network that shares its weights among all architectures of a space."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from lissnas.spaces.space import Rows, Space


class Supernet(nn.Module, ABC):
    """A network of which each architecture is a path.

    Attributes
    ----------
    space
        The architectures that it holds.
    """

    space: Space

    @abstractmethod
    def forward(self, images: Tensor, path: Sequence[int]) -> Tensor:
        """Return logits of shape (images, classes).

        Parameters
        ----------
        images
            Shape (images, channels, height, width).
        path
            The genes of one architecture.
        """

    @abstractmethod
    def stand_alone(self, row: Rows) -> nn.Module:
        """Return the network of one architecture, shape (genes,), with copies of its weights."""

    @abstractmethod
    def fixed_parts(self) -> Iterator[nn.Module]:
        """Yield the parts that compute the same whatever the path is: torch.compile takes each for itself."""


class CompilableSequential(nn.Sequential):
    """As nn.Sequential, which torch.compile leaves as it is: it captures no method of torch's own modules."""

    def forward(self, received: Tensor) -> Tensor:
        """Return what the last module makes of what the others made."""
        for module in self:
            received = module(received)
        return received
