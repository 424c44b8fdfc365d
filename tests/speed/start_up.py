"""How long `lissnas --help` takes, beside a bare interpreter and an interpreter that imports numpy."""

import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "bare interpreter": [sys.executable, "-c", "pass"],
    "import numpy": [sys.executable, "-c", "import numpy"],
    "lissnas --help": [str(Path(sys.executable).parent / "lissnas"), "--help"],
}
RUNS = 11


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


medians = {}
for name, command in COMMANDS.items():
    seconds(command)
    medians[name] = sorted(seconds(command) for _ in range(RUNS))[RUNS // 2]
    print(f"{name:20} {medians[name]:.3f} s")
ratio = medians["lissnas --help"] / medians["import numpy"]
print(f"lissnas --help takes {ratio:.2f} times as long as importing numpy")
