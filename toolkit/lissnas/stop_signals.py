"""The signals that ask a process to stop."""

import signal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
"""Ctrl-C, SIGTERM, and SIGHUP, which a closed terminal sends."""
