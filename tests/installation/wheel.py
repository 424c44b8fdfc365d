"""Build the wheel, install it into an empty environment outside the repository, and run the main job there.

    python tests/installation/wheel.py

Fails unless `lissnas reproduce` runs there without torch and prints the block of docs/reproduce.md, word for word. It
takes the network, to install what lissnas needs, and about two minutes; `make wheel` calls it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]

_ELSEWHERE = re.compile(r"figures, tables and manifests: |.* was left out, its data is not here: ")
"""What `lissnas reproduce` prints beside the block."""


def main() -> None:
    """Do it all in a folder that is gone in the end."""
    with tempfile.TemporaryDirectory(prefix="lissnas-wheel-") as name:
        folder = Path(name)
        lissnas = _install(_build(folder), folder)
        assert not list(folder.rglob("site-packages/torch")), "what lissnas needs brings torch"
        started = time.monotonic()
        printed = _run(lissnas, "reproduce", folder=folder)
        print(f"lissnas reproduce took {time.monotonic() - started:.0f} s")
        _check_block(printed)
        _check_results(folder)
        _run(lissnas, "doctor", folder=folder)
        cited = _run(lissnas, "cite", "results", folder=folder)
        assert "10.24963/ijcai.2023/86" in cited, cited
    print("the wheel works in an empty environment, and prints what docs/reproduce.md shows")


def _build(folder: Path) -> Path:
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT))
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    [wheel] = (folder / "dist").glob("*.whl")
    return wheel


def _install(wheel: Path, folder: Path) -> Path:
    venv.create(folder / "empty", with_pip=True)
    binaries = folder / "empty" / ("Scripts" if os.name == "nt" else "bin")
    pip = (str(binaries / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run((*pip, "--require-hashes", "--requirement", str(ROOT / "requirements/reproduce.txt")), check=True)
    subprocess.run((*pip, "--no-deps", str(wheel)), check=True)
    subprocess.run((str(binaries / "python"), "-m", "pip", "check"), check=True, stdout=subprocess.DEVNULL)
    return binaries / "lissnas"


def _run(lissnas: Path, *words: str, folder: Path) -> str:
    """Run a command as a newcomer would: in another folder, without a variable or cache of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LISSNAS", "PYTHON", "XDG"))}
    home = kept | {"HOME": str(folder), "LISSNAS_CACHE": str(folder / "cache")}
    called = subprocess.run((str(lissnas), *words), cwd=folder, env=home, stdout=subprocess.PIPE, text=True)
    if called.returncode:
        sys.exit(f"lissnas {' '.join(words)} ended with {called.returncode}:\n{called.stdout}")
    return called.stdout


def _check_block(printed: str) -> None:
    """Exit unless docs/reproduce.md shows what was printed."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", (ROOT / "docs" / "reproduce.md").read_text(), re.MULTILINE | re.DOTALL)
    [shown] = [block for block in blocks if block.startswith("analog-nasbench, ")]
    found = "".join(line for line in printed.splitlines(keepends=True) if not _ELSEWHERE.match(line))
    if found != shown:
        sys.exit(f"docs/reproduce.md shows\n{shown}\nbut lissnas reproduce prints\n{found}")


def _check_results(folder: Path) -> None:
    for benchmark in ("analog-nasbench", "digits-cells", "fashion-cells", "nas-bench-graph"):
        manifest = json.loads((folder / "results" / benchmark / "manifest.json").read_bytes())
        assert manifest["git_commit"] is None, "it ran from the repository, not from the wheel"
        assert all((folder / "results" / benchmark / name).is_file() for name in manifest["files"])


if __name__ == "__main__":
    main()
