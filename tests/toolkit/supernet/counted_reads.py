"""Counts the operations that would make a program wait for its GPU, while it runs on the processor."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_READS = {"tolist", "item", "cpu", "numpy", "__bool__", "__int__", "__float__", "__index__", "__array__", "new_tensor"}
"""Methods of a tensor that read its values, or copy values to its device and wait."""

_WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "equal", "is_nonzero"}
"""Operations whose result has a size or a value that the processor needs."""


class CountedReads:
    """While its ``with`` runs, lists the name of each such operation of this thread in `names`."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(_Functions(self.names))
        self._stack.enter_context(_Operations(self.names))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()


class _Functions(TorchFunctionMode):
    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._names = names

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(function, "__name__", "")
        if name in _READS and isinstance(args[0], torch.Tensor):
            self._names.append(name)
        return function(*args, **(kwargs or {}))


class _Operations(TorchDispatchMode):
    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._names = names

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = operation.overloadpacket.__name__
        if name in _WAITING:
            self._names.append(name)
        return operation(*args, **(kwargs or {}))
