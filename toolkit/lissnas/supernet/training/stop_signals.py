"""Stop signals end a training after a checkpoint, not in the middle of a step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lissnas.stop_signals import STOP_SIGNALS

_HANG_UP = getattr(signal, "SIGHUP", None)

_received: list[int] = []
"""The signals that arrived since the innermost `stop_signals` began."""


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Yield a list that gets the number of each stop signal; nothing else happens when one arrives.

    A SIGHUP that the caller ignores, as nohup does, stays ignored. Only a main thread can receive signals: in any other
    thread the list stays empty.
    """
    _received.clear()
    if threading.current_thread() is not threading.main_thread():
        yield _received
        return
    before = {each: signal.getsignal(each) for each in STOP_SIGNALS}
    watched = [each for each in STOP_SIGNALS if each != _HANG_UP or before[each] is not signal.SIG_IGN]
    for each in watched:
        signal.signal(each, lambda number, _frame: _received.append(number))
    try:
        yield _received
    finally:
        for each in watched:
            signal.signal(each, before[each])


def stop_if_asked() -> None:
    """Raise SystemExit if a stop signal arrived during a training, where it waits for the end of the step."""
    if _received:
        raise SystemExit(128 + _received[0])
