"""Stop signals: SIGTERM and Ctrl-C end a training after a checkpoint, not in the middle of a step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_WATCHED = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Yield a list that gets the number of each SIGTERM and SIGINT; nothing else happens when one arrives.

    Only a main thread can receive signals: in any other thread the list stays empty.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    handlers = [signal.signal(each, lambda number, _frame: received.append(number)) for each in _WATCHED]
    try:
        yield received
    finally:
        for each, handler in zip(_WATCHED, handlers, strict=True):
            signal.signal(each, handler)
