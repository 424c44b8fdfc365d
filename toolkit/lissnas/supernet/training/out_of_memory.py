"""Where memory is too small, whoever says so: torch, a library beneath it, or Python; said once, with a way out."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lissnas.errors import LissnasError

_NO_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "could not create a primitive",
    "could not create a memory",
    "CUDA error: out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""What torch and its libraries say where they have no error of their own for it."""


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Tell whether an error says that memory is too small."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(message in str(error) for message in _NO_MEMORY)


@contextmanager
def memory_for(what: str, device: torch.device, advice: str) -> Iterator[None]:
    """Raise LissnasError, with the advice, where a device has not enough memory for what is done within."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0]
        raise LissnasError(f"not enough memory on {device} for {what} ({reason}): {advice}") from error
