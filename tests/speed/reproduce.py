"""The whole of `lissnas reproduce`, with an empty cache and with a filled one: wall time, first table, processor time.

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


with tempfile.TemporaryDirectory() as folder:
    environment = os.environ | {"LISSNAS_CACHE": f"{folder}/cache", "PYTHONUNBUFFERED": "1"}
    command = [str(Path(sys.executable).parent / "lissnas"), "reproduce", *sys.argv[1:]]
    for cache in ("empty", "filled"):
        started, used = time.perf_counter(), _processor_seconds()
        with subprocess.Popen(
            [*command, "--out", f"{folder}/{cache}"], env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            header = process.stdout.readline()
            first = time.perf_counter() - started
            process.stdout.read()
        if process.returncode:
            sys.exit(f"lissnas reproduce ended with exit status {process.returncode}")
        wall, used = time.perf_counter() - started, _processor_seconds() - used
        print(f"{cache} cache: {wall:.1f} s, first table ({header.split(',')[0]}) after {first:.1f} s; ", end="")
        print(f"{used:.1f} s of processor time, {used / 2:.1f} s on two idle cores")
