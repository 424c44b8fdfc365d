"""Faults of the machine end in one sentence that says what to do, and lose nothing: full disks, limits, closed outputs.

    python tests/faults/faults.py [CLAIM ...] [--count N] [--rows FILE]

Each case is one command under one fault. Afterwards the same command without the fault ends with the bytes of an
undisturbed run, and with no other file.
"""

import errno
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from claims import CannotRunError, Case, main
from folders import contents, difference
from lissnas_analyses.cli import ablate, compare, data, locality, tau  # noqa: F401
from lissnas_analyses.cli import search as search_command  # noqa: F401
from lissnas_analyses.cli import shrink as shrink_command  # noqa: F401
from lissnas_analyses.cli.results import report  # noqa: F401
from lissnas_analyses.results import folder as results_folder  # noqa: F401
from matplotlib import pyplot  # noqa: F401
from processes import Ended, at_file_operation, lissnas, run

ROOT = Path(__file__).parents[2]

BENCHMARK = "nas-bench-graph-proteins"

SMALL = ("--runs", "2", "--workers", "1")

COMMANDS: dict[str, tuple[str, ...]] = {
    "locality": ("locality", BENCHMARK),
    "shrink": ("shrink", BENCHMARK, "--method", "progressive"),
    "compare": ("compare", BENCHMARK, *SMALL, "--methods", "lissnas", "angle", "--no-figures"),
    "ablate": ("ablate", BENCHMARK, *SMALL, "--seeds", "3", "5"),
    "search": ("search", BENCHMARK, *SMALL, "--method", "lissnas", "--optimizer", "random"),
    "import": ("data", "import", "digits-cells", str(ROOT / "data" / "digits-cells.parquet")),
}
"""The commands that are disturbed, in a folder with results of another seed."""

NAMES = tuple(COMMANDS)


class Workplace:
    """A folder in which a command runs, and what an undisturbed run leaves there; the cache is a part of it."""

    def __init__(self, folder: Path) -> None:
        self.place, self.log, self._before = folder / "place", folder / "log", folder / "before"
        self.place.mkdir()
        self._expect(self.run(partial(lissnas, "locality", BENCHMARK, "--seed", "1")))
        shutil.copytree(self.place, self._before)
        self._expected: dict[str, dict[str, bytes]] = {}

    def run(self, work: Callable[[], object]) -> Ended:
        return run(work, self.log, self.place, LISSNAS_CACHE=str(self.place / "cache"), LOKY_MAX_CPU_COUNT="1")

    def renew(self) -> None:
        shutil.rmtree(self.place)
        shutil.copytree(self._before, self.place)

    def expected(self, name: str) -> dict[str, bytes]:
        if name not in self._expected:
            self.renew()
            self._expect(self.run(partial(lissnas, *COMMANDS[name])))
            self._expected[name] = contents(self.place)
        return self._expected[name]

    def disturbed(self, name: str, fault: Callable[[], object], harmless: bool = False) -> str:
        """Run a command under a fault, then without; return what was wrong."""
        expected = self.expected(name)
        self.renew()

        def work() -> None:
            fault()
            lissnas(*COMMANDS[name])

        ended = self.run(work)
        printed = [line for line in ended.output.splitlines() if line.startswith("lissnas: ")]
        if ended.status not in ((0, 2) if harmless else (2,)) or "Traceback" in ended.output:
            return f"{name}: ended with status {ended.status}: {ended.output[-600:]}"
        if ended.status == 2 and len(printed) != 1:
            return f"{name}: printed {len(printed)} sentences: {ended.output[-600:]}"
        again = self.run(partial(lissnas, *COMMANDS[name]))
        if again.status:
            return f"{name}: the next run ended with status {again.status}: {again.output[-300:]}"
        wrong = difference(contents(self.place), expected)
        return f"{name}: {wrong}" if wrong else ""

    def _expect(self, ended: Ended) -> None:
        if ended.status:
            raise RuntimeError(f"the undisturbed run ended with status {ended.status}: {ended.output[-3000:]}")


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))


def file_sizes(folder: Path) -> Case:
    """Limit the size of files, as 'ulimit -f' does: a full disk refuses to write in the same way."""
    workplace = Workplace(folder)
    sizes = (100, 300, 1000, 5000, 20_000, 60_000)

    def case(number: int) -> str:
        name = NAMES[number % len(NAMES)]
        size = sizes[number // len(NAMES) % len(sizes)]
        failure = workplace.disturbed(name, partial(_limit, resource.RLIMIT_FSIZE, size), harmless=True)
        return f"{size} bytes: {failure}" if failure else ""

    return case


def operations(number: int) -> Callable[[Path], Case]:
    """Let an operation on files fail with an error of the system, each in turn."""

    def make(folder: Path) -> Case:
        workplace = Workplace(folder)

        def fail() -> None:
            raise OSError(number, os.strerror(number))

        def case(each: int) -> str:
            name, operation = NAMES[each % len(NAMES)], 1 + each // len(NAMES)
            fault = partial(at_file_operation, operation, fail, workplace.place)
            failure = workplace.disturbed(name, fault, harmless=True)
            return f"operation {operation}: {failure}" if failure else ""

        return case

    return make


def full_disk(folder: Path) -> Case:
    """Run in a file system of 1 MB that is nearly full."""
    workplace = Workplace(folder)
    mounted = folder / "small"
    mounted.mkdir()

    def case(number: int) -> str:
        name, free = NAMES[number % len(NAMES)], (0, 4, 16, 64)[number // len(NAMES) % 4]
        command = ["mount", "-t", "tmpfs", "-o", f"size={4096 + free}k", "tmpfs", str(mounted)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            raise CannotRunError("this user may not mount a file system in memory")
        try:
            (mounted / "filler").write_bytes(bytes(4096 * 1024 - 8192))

            def fault() -> None:
                if name == "import":
                    os.environ["LISSNAS_CACHE"] = str(mounted / "cache")
                (workplace.place / "results").rename(workplace.place / "old")
                (workplace.place / "results").symlink_to(mounted)

            ended = workplace.run(lambda: (fault(), lissnas(*COMMANDS[name])))
            workplace.renew()
        finally:
            subprocess.run(["umount", "-l", str(mounted)], check=True)
        if ended.status not in (0, 2) or "Traceback" in ended.output:
            return f"{name}, {free} kB: ended with status {ended.status}: {ended.output[-600:]}"
        return ""

    return case


def descriptors(folder: Path) -> Case:
    """Limit the number of open files."""
    workplace = Workplace(folder)

    def case(number: int) -> str:
        name, count = NAMES[number % len(NAMES)], 8 + 2 * (number // len(NAMES) % 12)
        failure = workplace.disturbed(name, partial(_limit, resource.RLIMIT_NOFILE, count), harmless=True)
        return f"{count} descriptors: {failure}" if failure else ""

    return case


def _output(target: str) -> None:
    """Replace standard output."""
    if target == "closed":
        os.close(1)
        return
    if target == "broken":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(target, os.O_WRONLY)
    os.dup2(writer, 1)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115


def outputs(folder: Path) -> Case:
    """Print to a full device, to a closed output and to a pipe that nobody reads."""
    workplace = Workplace(folder)
    targets = ("/dev/full", "closed", "broken")

    def case(number: int) -> str:
        name, target = NAMES[number % len(NAMES)], targets[number // len(NAMES) % 3]
        workplace.renew()
        ended = workplace.run(lambda: (_output(target), lissnas(*COMMANDS[name])))
        if (
            ended.status not in {"/dev/full": (2,), "closed": (0, 2), "broken": (0, 1)}[target]
            or "Traceback" in ended.output
        ):
            return f"{name} to {target}: ended with status {ended.status}: {ended.output[-600:]}"
        return ""

    return case


def at_once(folder: Path) -> Case:
    """Run a command twice at once in the same folder: both end well, or one refuses with a sentence."""
    workplace = Workplace(folder)

    def case(number: int) -> str:
        from processes import start, wait

        name = NAMES[number % len(NAMES)]
        expected = workplace.expected(name)
        workplace.renew()
        environment = {"LISSNAS_CACHE": str(workplace.place / "cache"), "LOKY_MAX_CPU_COUNT": "1"}
        logs = [folder / f"log-{each}" for each in range(2)]
        work = partial(lissnas, *COMMANDS[name])
        children = [start(work, log, workplace.place, **environment) for log in logs]
        ended = [wait(child, log) for child, log in zip(children, logs, strict=True)]
        statuses = sorted(each.status for each in ended)
        if statuses not in ([0, 0], [0, 2]) or any("Traceback" in each.output for each in ended):
            return f"{name}: ended with {statuses}: {''.join(each.output[-600:] for each in ended)}"
        workplace.run(work)
        wrong = difference(contents(workplace.place), expected)
        return f"{name}: {wrong}" if wrong else ""

    return case


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long calls;
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, now);
    if (id == CLOCK_REALTIME && ++calls > atol(getenv("CLOCK_CALLS"))) now->tv_sec -= 31536000;
    return failed;
}
time_t time(time_t *found) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found) *found = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *found, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""
"""A library whose clock is a year behind after some calls."""


def clocks(folder: Path) -> Case:
    """Set the clock back by a year during a command; then its files are a year in the future, and it runs again."""
    workplace, library = Workplace(folder), folder / "clock.so"
    (folder / "clock.c").write_text(CLOCK)
    built = ("cc", "-shared", "-fPIC", "-o", str(library), str(folder / "clock.c"), "-ldl")
    if shutil.which("cc") is None or subprocess.run(built, capture_output=True, check=False).returncode:
        raise CannotRunError("there is no C compiler cc, which builds a clock")
    variables = os.environ | {"LISSNAS_CACHE": str(workplace.place / "cache"), "LOKY_MAX_CPU_COUNT": "1"}

    def behind(calls: int, *command: str) -> subprocess.CompletedProcess[str]:
        clock = {"LD_PRELOAD": str(library), "CLOCK_CALLS": str(calls)}
        return subprocess.run(
            [sys.executable, *command],
            cwd=workplace.place,
            env=variables | clock,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    year = float(behind(0, "-c", "import time; print(time.time())").stdout)
    if not 364 < (time.time() - year) / 86_400 < 366:
        raise CannotRunError("this system does not let a library replace the clock")

    def case(number: int) -> str:
        name, calls = NAMES[number % len(NAMES)], (0, 1, 2, 5, 10, 50)[number // len(NAMES) % 6]
        expected = workplace.expected(name)
        workplace.renew()
        ended = behind(calls, "-m", "lissnas_analyses.cli.start", *COMMANDS[name])
        for path in workplace.place.rglob("*"):
            os.utime(path, (time.time() + 31_536_000,) * 2)
        again = workplace.run(partial(lissnas, *COMMANDS[name]))
        if ended.returncode or again.status:
            printed = f"{ended.stdout}{ended.stderr}{again.output}"[-600:]
            return f"{name}, call {calls}: ended with status {ended.returncode}, then {again.status}: {printed}"
        wrong = difference(contents(workplace.place), expected)
        return f"{name}, call {calls}: {wrong}" if wrong else ""

    return case


STARTS: dict[str, tuple[dict[str, str], str, tuple[int, ...]]] = {
    "ASCII output": ({"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}, "{lissnas} locality BENCH", (0,)),
    "a name that is no UTF-8": ({}, "{lissnas} locality BENCH --out $'o\\xff'", (0,)),
    "a name that is no UTF-8, as JSON": ({}, "{lissnas} locality BENCH --json --out $'o\\xff'", (0,)),
    "a command that is no UTF-8": ({}, "{lissnas} $'l\\xffcality' BENCH", (2,)),
    "all outputs closed": ({}, "{lissnas} locality BENCH <&- >&- 2>&-", (0,)),
    "standard output closed": ({}, "{lissnas} locality BENCH >&-", (0,)),
    "little memory": ({}, "ulimit -v 400000; {lissnas} locality BENCH", (2,)),
    "less memory": ({}, "ulimit -v 900000; {lissnas} locality BENCH", (2,)),
    "few descriptors": ({}, "ulimit -n 12; {lissnas} locality BENCH", (0, 2)),
    "very few descriptors": ({}, "ulimit -n 5; {lissnas} locality BENCH", (2,)),
    "a file in the place of a folder": ({}, "touch file; {lissnas} locality BENCH --out file/o", (2,)),
    "a folder in the place of a file": ({}, "mkdir -p o/locality.csv; {lissnas} locality BENCH --out o", (2,)),
    "a folder as a table": ({}, "mkdir d.csv; {lissnas} locality d.csv --space 4x4 --select x", (2,)),
    "a folder as a report": (
        {},
        "{lissnas} locality BENCH --out o; mkdir r.html; {lissnas} report o --out r.html",
        (2,),
    ),
}
"""Situations that a shell makes: variables of the environment, the command, and the exit statuses that are right."""


def starts(folder: Path) -> Case:
    """Start the command line in situations that only a new process can have."""
    cache = folder / "cache"

    def case(number: int) -> str:
        name, (environment, command, statuses) = list(STARTS.items())[number % len(STARTS)]
        place = folder / f"place-{number}"
        place.mkdir()
        command = command.replace("BENCH", BENCHMARK).format(lissnas=f"{sys.executable} -m lissnas_analyses.cli.start")
        variables = os.environ | {"LISSNAS_CACHE": str(cache), "POLARS_MAX_THREADS": "1"} | environment
        try:
            ended = subprocess.run(
                ["bash", "-c", command], cwd=place, env=variables, capture_output=True, timeout=120, check=False
            )
        except subprocess.TimeoutExpired:
            return f"{name}: does not end"
        printed = (ended.stdout + ended.stderr).decode(errors="replace")
        if ended.returncode not in statuses or "Traceback" in printed or "Error" in printed.partition("lissnas:")[0]:
            return f"{name}: ended with status {ended.returncode}: {printed[-600:]}"
        return ""

    return case


CLAIMS: dict[str, Callable[[Path], Case]] = {
    "a new process in an odd situation works or says in a sentence what is wrong": starts,
    "a limit of file sizes ends a command in a sentence and loses nothing": file_sizes,
    "a full disk at any operation ends a command in a sentence and loses nothing": operations(errno.ENOSPC),
    "a small full disk ends a command in a sentence": full_disk,
    "a read-only disk at any operation ends a command in a sentence and loses nothing": operations(errno.EROFS),
    "a failing disk at any operation ends a command in a sentence and loses nothing": operations(errno.EIO),
    "too few descriptors end a command in a sentence and lose nothing": descriptors,
    "an output that takes nothing ends a command in a sentence": outputs,
    "a clock that is set back by a year changes no result": clocks,
    "two processes at once in a folder both end well, or one says that it waits": at_once,
}
"""What is checked, by what it promises."""

if __name__ == "__main__":
    main(CLAIMS, count=100)
