"""Activations of many networks in one array of shape (images, height, width, networks, channels).

So laid out, a convolution with a group a network takes it as it is, and the networks of one group are a slice of it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Members = tuple[int, ...]
"""Which of the networks take part in something, ascending."""


def as_channels(value: Tensor) -> Tensor:
    """View a value as a convolution wants it: (images, networks x channels, height, width), channels last in memory."""
    return value.flatten(3).permute(0, 3, 1, 2)


def as_networks(value: Tensor, count: int) -> Tensor:
    """Reverse `_channels`."""
    apart: Tensor = value.permute(0, 2, 3, 1).unflatten(3, (count, -1))
    return apart


def spread(value: Tensor, wanted: Sequence[Members]) -> dict[Members, Tensor]:
    """Return the part of a value that belongs to each group of networks; a network may be in several."""
    parts: tuple[Tensor, ...] = _Spread.apply(value, wanted)  # type: ignore[no-untyped-call]
    return dict(zip(wanted, parts, strict=True))


def collected(arriving: Sequence[tuple[Members, Tensor]], like: Tensor) -> Tensor:
    """Return a value of the shape of `like` to which each part is added at its networks: the reverse of `spread`."""
    if not arriving:
        return torch.zeros_like(like)
    members, parts = zip(*arriving, strict=True)
    value: Tensor = _Collect.apply(like, members, *parts)  # type: ignore[no-untyped-call]
    return value


def pooled(value: Tensor, pool: nn.AvgPool2d) -> Tensor:
    """Return what a pooling makes of a value: a product with a fixed matrix over pixels, ten times as fast."""
    images, height, width, networks, channels = value.shape
    matrix = _pooling_matrix(pool.kernel_size, pool.stride, pool.padding, height, width).to(value)
    smaller = torch.bmm(matrix.expand(images, -1, -1), value.reshape(images, height * width, networks * channels))
    stride = pool.stride if isinstance(pool.stride, int) else pool.stride[0]
    return smaller.view(images, height // stride, width // stride, networks, channels)


@lru_cache
def _pooling_matrix(kernel: Any, stride: Any, padding: Any, height: int, width: int) -> Tensor:
    pixels = torch.eye(height * width, dtype=torch.float64).view(height * width, 1, height, width)
    return functional.avg_pool2d(pixels, kernel, stride, padding, count_include_pad=False).flatten(1).T.contiguous()


@lru_cache
def _selection(members: Members, count: int) -> slice | Tensor | None:
    """Return what selects some of `count` networks: None for all, a slice if they are evenly spaced."""
    if len(members) == count:
        return None
    steps = set(np.diff(members).tolist()) or {1}
    if len(steps) == 1:
        return slice(members[0], members[-1] + 1, steps.pop())
    return torch.tensor(members)


def _part(value: Tensor, members: Members) -> Tensor:
    chosen = _selection(members, value.shape[3])
    return value if chosen is None else value[..., chosen, :].contiguous()


def _sum_of_parts(parts: Sequence[tuple[Members, Tensor]], like: Tensor) -> Tensor:
    whole = [part for members, part in parts if len(members) == like.shape[3]]
    if len(whole) == len(parts) == 1:
        return whole[0]
    if len(whole) > 1:
        total, *more = torch.add(*whole[:2]), *whole[2:]
    else:
        total, *more = (whole[0].clone() if whole else torch.zeros_like(like),)
    for part in more:
        total += part
    for members, part in parts:
        chosen = _selection(members, like.shape[3])
        if isinstance(chosen, slice):
            total[..., chosen, :] += part
        elif chosen is not None:
            total.index_add_(3, chosen.to(part.device), part)
    return total


class _Spread(torch.autograd.Function):
    """Parts of a value; their gradients are summed in place, unlike those of slices."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, wanted: Sequence[Members]) -> tuple[Tensor, ...]:
        ctx.wanted, ctx.like = wanted, value
        return tuple(_part(value, members) for members in wanted)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _sum_of_parts(list(zip(ctx.wanted, gradients, strict=True)), ctx.like), None


class _Collect(torch.autograd.Function):
    """The reverse of `_Spread`."""

    @staticmethod
    def forward(ctx: Any, like: Tensor, members: Sequence[Members], *parts: Tensor) -> Tensor:
        ctx.members = members
        return _sum_of_parts(list(zip(members, parts, strict=True)), like)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gradient = gradient.contiguous()
        return None, None, *(_part(gradient, members) for members in ctx.members)
