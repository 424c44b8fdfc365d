"""The whole of `lissnas reproduce`, with an empty cache and with a filled one."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    environment = os.environ | {"LISSNAS_CACHE": f"{folder}/cache"}
    command = [str(Path(sys.executable).parent / "lissnas"), "reproduce", "--out", f"{folder}/results"]
    times = []
    for cache in ("empty", "filled"):
        started = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
        print(f"{cache} cache: {times[-1]:.1f} s")
    print(f"reading the packages' files takes {1 - times[1] / times[0]:.0%} of the first run")
