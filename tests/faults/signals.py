"""Signals end a command in one sentence, with its workers, and the same command then ends as if undisturbed.

    python tests/faults/signals.py [CLAIM ...] [--count N] [--rows FILE]

Cases cycle through Ctrl-C, SIGTERM and SIGHUP, and through moments of the run.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from claims import CannotRunError, Case, main
from folders import contents, difference
from processes import hear_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

BENCHMARK = "nas-bench-graph-proteins"

LISSNAS = (sys.executable, "-m", "lissnas_analyses.cli.start")

TRAINING = ("supernet", "train", "digits", "--out", "run", "--set", "training.steps=60")

Moment = Callable[[int, float], float]


def _early(number: int, seconds: float) -> float:
    """Return a moment of the first half second."""
    return float(np.random.default_rng(number).uniform(0.12, 0.6))


def _anywhere(number: int, seconds: float) -> float:
    """Return a moment in one of three thirds of the run."""
    third = number // len(SIGNALS) % 3
    return float(np.random.default_rng(number).uniform(third, third + 1)) * seconds / 3


def _members(group: int) -> list[int]:
    """Return the processes of a group that are not zombies."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


class Interrupted:
    """A command that is interrupted by a signal and run again, in a folder of its own."""

    def __init__(self, folder: Path, words: tuple[str, ...], moment: Moment, compare: bool = True) -> None:
        self.folder, self.words, self.moment, self.compare = folder, words, moment, compare
        self.environment = os.environ | {"LISSNAS_CACHE": str(folder / "cache"), "POLARS_MAX_THREADS": "1"}
        started = time.monotonic()
        self.run(folder / "first")  # fills the cache
        started = time.monotonic()
        self.run(folder / "undisturbed")
        self.seconds = time.monotonic() - started
        self.expected = contents(folder / "undisturbed")

    def start(self, place: Path) -> subprocess.Popen[str]:
        place.mkdir(exist_ok=True)
        return subprocess.Popen(
            [*LISSNAS, *self.words],
            cwd=place,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hear_signals,
        )

    def run(self, place: Path) -> None:
        running = self.start(place)
        _, errors = running.communicate(timeout=300)
        if running.returncode:
            raise RuntimeError(f"the undisturbed run ended with status {running.returncode}: {errors[-2000:]}")

    def __call__(self, number: int) -> str:
        place, sent = self.folder / "place", SIGNALS[number % len(SIGNALS)]
        shutil.rmtree(place, ignore_errors=True)
        moment = self.moment(number, self.seconds)
        where = f"{sent.name} after {moment:.2f} s"
        running = self.start(place)
        time.sleep(moment)
        running.send_signal(sent)
        try:
            _, errors = running.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return f"{where}: did not end within a minute"
        ended = running.returncode
        # Python ends itself by SIGINT if Ctrl-C came while a library was running text as code, even if it was caught.
        if ended == -signal.SIGINT and "lissnas: stopped" in errors:
            ended = 128 + signal.SIGINT
        # Python itself may have been starting: it knows neither signal yet.
        starting = moment < 1 and ended == -sent
        if ended not in (0, 128 + sent) and not starting:
            return f"{where}: ended with status {ended}: {errors[-500:]}"
        if "Traceback" in errors and "lissnas" in errors:
            return f"{where}: {errors[-800:]}"
        if ended == 128 + sent and len([line for line in errors.splitlines() if line.startswith("lissnas: ")]) != 1:
            return f"{where}: printed no sentence: {errors[-500:]}"
        deadline = time.monotonic() + 5
        while left := _members(running.pid):
            if time.monotonic() > deadline:
                os.killpg(running.pid, signal.SIGKILL)
                return f"{where}: {len(left)} processes were left"
            time.sleep(0.05)
        self.run(place)
        wrong = difference(contents(place), self.expected) if self.compare else ""
        return f"{where}: {wrong}" if wrong else ""


def command(*words: str, moment: Moment = _anywhere) -> Callable[[Path], Case]:
    """Return a claim on a command."""
    return lambda folder: Interrupted(folder, words, moment)


def training(folder: Path) -> Case:
    """Interrupt a training, which writes a checkpoint first."""
    if find_spec("torch") is None:
        raise CannotRunError("PyTorch is not installed")
    return Interrupted(folder, TRAINING, _anywhere, compare=False)


GRID = ("ablate", BENCHMARK, "--runs", "30", "--workers", "2", "--seeds", "3", "5")

CLAIMS: dict[str, Callable[[Path], Case]] = {
    "a signal in the first half second is answered at once": command("benchmarks", moment=_early),
    "a signal ends lissnas locality in a sentence": command("locality", BENCHMARK),
    "a signal ends a grid and its workers, and finished rows are kept": command(*GRID),
    "a signal ends a training in a sentence, and it resumes": training,
}
"""What is checked, by what it promises."""

if __name__ == "__main__":
    main(CLAIMS, count=27)
