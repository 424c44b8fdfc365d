"""Fuzzes one reader with atheris: python one.py READER FOLDER RUNS SEED. `run.py` starts it and reads its report."""

import json
import os
import random
import re
import resource
import sys
import traceback
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lissnas", "lissnas_benchmarks"]):
    import lissnas_benchmarks.catalog  # noqa: F401

import mutations
from lissnas.errors import LissnasError
from targets import TARGETS

MEMORY = 512 << 20
"""Maximum memory of a read in bytes, beyond the memory that the process has used before."""

SECONDS = 5
"""Maximum processor time of a read in seconds, that of its processes included; wall time depends on other programs."""

MAX_MESSAGE = 2000
"""Maximum length of an error message."""


class Run:
    """Runs one reader and counts its outcomes."""

    def __init__(self, name: str, folder: Path, runs: int) -> None:
        self.target = TARGETS[name]
        self.runs = runs
        self.folder = folder
        self.place = folder / f"input{self.target.suffix}"
        self.seeds: list[bytes] = self.target.inputs()
        self.inputs = 0
        self.touched = 0
        self.outcomes: Counter[str] = Counter()
        self.findings: dict[str, int] = {}

    def one(self, data: bytes) -> None:
        file = self.target.file(data)
        self.place.write_bytes(file)
        started = _processor_seconds()
        try:
            outcome = f"read: {self.target.read(self.place)}"
        except LissnasError as error:
            outcome = self._refused(error, file)
        except AssertionError as error:
            outcome = self._found(f"wrong: {str(error)[:60]}", file)
        except BaseException as error:
            last = [at for at in traceback.extract_tb(error.__traceback__) if "lissnas" in at.filename][-1:]
            where = ", ".join(f"{Path(at.filename).name}:{at.name}" for at in last)
            outcome = self._found(f"{type(error).__name__} in {where}", file)
        spent = _processor_seconds() - started
        touched = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        if touched > self.touched + MEMORY and self.touched:
            self._found("much memory", file)
        self.touched = max(touched, self.touched)
        if spent > SECONDS:
            self._found("slow", file)
        self.outcomes[outcome] += 1
        self.inputs += 1
        if self.inputs % 100 == 0 or self.inputs >= self.runs:  # atheris calls nothing when it ends
            self.report()

    def report(self) -> None:
        text = json.dumps({"inputs": self.inputs, "outcomes": self.outcomes, "findings": self.findings})
        (self.folder / "report.json.part").write_text(text)
        (self.folder / "report.json.part").replace(self.folder / "report.json")

    def mutate(self, data: bytes, largest: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            data = rng.choice(self.seeds)  # an input that is already broken is refused early
        wrapped = data[:1] == b"\0" and self.target.file(data) != data
        if rng.random() < 0.25:
            inside = atheris.Mutate(data[wrapped:], largest - 1)
        elif wrapped or (self.target.file(b"\0") == b"\0" and rng.random() < 0.7):
            inside = self.target.mutate(data[wrapped:], rng)
        else:
            inside = mutations.octets(data[wrapped:], rng)
        return (b"\0" * wrapped + inside)[:largest]

    def _refused(self, error: LissnasError, file: bytes) -> str:
        message = str(error)
        try:
            message.encode()
        except UnicodeEncodeError:
            return self._found("a message that cannot be printed", file)
        if len(message) > MAX_MESSAGE:
            return self._found("a message of more than 2,000 characters", file)
        if not message.replace("\n", " ").isprintable():
            return self._found("a message with control characters", file)
        words = re.sub(r"'[^']*'|\"[^\"]*\"|\d[\d,.]*|/\S*", "_", message)
        return f"{type(error).__name__}: {words[:120]}"

    def _found(self, what: str, file: bytes) -> str:
        if self.findings.get(what, 1 << 62) > len(file):
            self.findings[what] = len(file)
            name = re.sub(r"\W+", "-", what)[:80]
            (self.folder / f"{name}{self.target.suffix}").write_bytes(file)
            self.report()
        return what


def _processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    name, folder, runs, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    run = Run(name, folder, runs)
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(run.seeds):
        (corpus / str(number)).write_bytes(data)
    run.one(run.seeds[0])  # so that lazy imports are done
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    ceiling = pages * resource.getpagesize() + run.target.space
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, resource.RLIM_INFINITY))
    options = [
        f"-runs={runs}",
        f"-seed={seed}",
        "-timeout=20",
        "-max_len=65536",
        "-rss_limit_mb=0",
        "-print_final_stats=0",
    ]
    atheris.Setup(
        ["fuzz", str(corpus), f"-artifact_prefix={folder}/stopped-", "-len_control=0", "-verbosity=0", *options],
        run.one,
        custom_mutator=run.mutate,
    )
    run.report()
    import atexit

    atexit.register(run.report)
    atheris.Fuzz()


if __name__ == "__main__":
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    main()
