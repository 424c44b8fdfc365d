"""Out-of-memory errors of torch, of the libraries below it and of Python, as one error that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lissnas.errors import LissnasError

_MESSAGES = (
    "DefaultCPUAllocator: can't allocate memory",
    "could not create a primitive",
    "could not create a memory",
    "CUDA error: out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""Messages of plain RuntimeErrors that torch and its libraries raise when memory is too small."""


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Return whether an error means that memory is too small."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(message in str(error) for message in _MESSAGES)


@contextmanager
def memory_for(purpose: str, device: torch.device, advice: str) -> Iterator[None]:
    """Turn an out-of-memory error inside the ``with`` into a LissnasError that names the purpose and gives advice."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0]
        raise LissnasError(f"not enough memory on {device} for {purpose} ({reason}): {advice}") from error
