"""Ctrl-C while the program starts: it ends at once, because an interrupted import can raise errors of any kind."""

import os
import signal


def end_at_interrupts() -> None:
    """Let Ctrl-C end this process with one sentence, until `allow_interrupts`; an ignored Ctrl-C stays ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def allow_interrupts() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, because there is work that has to end well."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, _frame: object) -> None:
    os.write(2, b"lissnas: stopped before it began\n")
    os._exit(128 + number)
