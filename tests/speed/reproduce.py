"""All of `lissnas reproduce`, with an empty cache, with a filled one, and without the two slowest methods.

It prints wall time, first table and processor time.

On a machine that does other work the processor time of all processes, divided by the number of idle cores that it
would have, is a lower bound of the wall time.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_WITHOUT = """
from functools import partial
from lissnas_analyses import reproduce
reproduce.compare = partial(reproduce.compare, methods=("lissnas", "operation-pruning", "random-subset"))
from lissnas_analyses.cli.start import main
main()
"""

with tempfile.TemporaryDirectory() as folder:
    environment = os.environ | {"LISSNAS_CACHE": f"{folder}/cache", "PYTHONUNBUFFERED": "1"}
    lissnas = [str(Path(sys.executable).parent / "lissnas")]
    without = [sys.executable, "-c", _WITHOUT]
    for place, command in {"empty cache": lissnas, "filled cache": lissnas, "without the slowest": without}.items():
        started, used = time.perf_counter(), _processor_seconds()
        with subprocess.Popen(
            [*command, "reproduce", *sys.argv[1:], "--out", f"{folder}/{place}"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            header = process.stdout.readline()
            first = time.perf_counter() - started
            process.stdout.read()
        if process.returncode:
            sys.exit(f"lissnas reproduce ended with exit status {process.returncode}")
        wall, used = time.perf_counter() - started, _processor_seconds() - used
        print(f"{place}: {wall:.1f} s, first table ({header.split(',')[0]}) after {first:.1f} s; ", end="")
        print(f"{used:.1f} s of processor time, {used / 2:.1f} s on two idle cores")
