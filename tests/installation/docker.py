"""Run the steps of the Dockerfile in an empty environment: continuous integration has no Docker.

The RUN steps run in their order, with the variables of the Dockerfile, in a copy of the tracked files. Then the entry
point is called in another folder. This cannot check the base image: here Python is the one that runs this program.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Do it all in a folder that is gone in the end."""
    instructions = [
        line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")
    ]
    with tempfile.TemporaryDirectory(prefix="lissnas-docker-") as name:
        folder = Path(name)
        venv.create(folder / "image", with_pip=True)
        _copy_tracked_files(folder / "lissnas")
        environment = _environment(instructions, folder)
        for step in _arguments(instructions, "RUN"):
            print(f"RUN {step}", flush=True)
            subprocess.run(("sh", "-ec", step), cwd=folder / "lissnas", env=environment, check=True)
        [entry_point] = map(json.loads, _arguments(instructions, "ENTRYPOINT"))
        [command] = map(json.loads, _arguments(instructions, "CMD"))
        words = [str(folder / "results") if word == "/results" else word for word in command]
        program = shutil.which(entry_point[0], path=environment["PATH"])
        assert program is not None, f"{entry_point[0]} is not installed"
        subprocess.run((program, *words, "--help"), cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        subprocess.run((program, "locality", "digits-cells", "--out", "found"), cwd=folder, env=environment, check=True)
        assert (folder / "found" / "locality.png").exists()
    print("the steps of the Dockerfile install lissnas, and its entry point runs")


def _arguments(instructions: list[str], kind: str) -> list[str]:
    """Return what follows an instruction, for each of its kind."""
    return [line.removeprefix(f"{kind} ") for line in instructions if line.startswith(f"{kind} ")]


def _environment(instructions: list[str], folder: Path) -> dict[str, str]:
    """Return the variables of a container: those of the Dockerfile, and the programs of the new environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LISSNAS", "PYTHON", "VIRTUAL"))}
    declared = dict(pair.split("=", 1) for line in _arguments(instructions, "ENV") for pair in line.split())
    inside = {name: value.replace("/var/cache", str(folder / "cache")) for name, value in declared.items()}
    return kept | inside | {"HOME": str(folder), "PATH": f"{folder / 'image' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def _copy_tracked_files(folder: Path) -> None:
    listed = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


if __name__ == "__main__":
    sys.exit(main())
