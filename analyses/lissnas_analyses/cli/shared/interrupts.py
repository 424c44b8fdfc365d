"""Ctrl-C while the program starts: it ends at once, because an interrupted import can raise errors of any kind.

A signal after the command has ended changes nothing any more.
"""

import os
import signal

from lissnas.stop_signals import STOP_SIGNALS


def end_at_interrupts() -> None:
    """Let Ctrl-C end this process with one sentence, until `allow_interrupts`; an ignored Ctrl-C stays ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def allow_interrupts() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, because there is work that has to end well."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore_stop_signals() -> None:
    """Let this process end by itself: its work is done, and a signal would only replace its exit status."""
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)


def _end(number: int, _frame: object) -> None:
    os.write(2, b"lissnas: stopped before it began\n")
    os._exit(128 + number)
