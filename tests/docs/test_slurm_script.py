"""The Slurm script of the documentation runs on two local processes, with scripts in place of the Slurm commands."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "slurm-supernet.sh"


def test_the_slurm_script_trains_and_after_sigterm_saves_and_requeues(tmp_path: Path) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    scripts = {
        "srun": 'exec "$@"',
        "scontrol": f'[ "$1" = show ] && echo 127.0.0.1 || echo "$@" >> {tmp_path / "scontrol-calls"}',
        "torchrun": f'exec {sys.executable} -m torch.distributed.run "$@"',
        "lissnas": f'exec {Path(sys.executable).parent / "lissnas"} "$@"',
    }
    for name, text in scripts.items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_folder / name).chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    job = {
        "SLURM_JOB_ID": "7",
        "SLURM_NNODES": "1",
        "SLURM_JOB_NODELIST": "node",
        "RUN": str(tmp_path / "run"),
        "PROCESSES": "2",
        "PORT": port,
        "OMP_NUM_THREADS": "1",
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }
    changes = ["training.steps=1000000", "training.micro_batch_size=32", "checkpoints.save_every=5"]
    command = [str(SCRIPT), "digits", *(part for change in changes for part in ("--set", change))]
    with (tmp_path / "output").open("w") as output:
        script = subprocess.Popen(
            ["bash", *command], env=os.environ | job, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_for(lambda: _steps(tmp_path) or script.poll() is not None, tmp_path)
        before = max(_steps(tmp_path))
        script.send_signal(signal.SIGTERM)
        assert script.wait(timeout=100) != 0
    finally:
        if script.poll() is None:
            os.killpg(script.pid, signal.SIGKILL)
    assert (tmp_path / "scontrol-calls").read_text() == "requeue 7\n"
    # The signal writes a checkpoint at its own step, which is a multiple of five only one time in five.
    assert max(_steps(tmp_path)) > before
    assert "the state is saved" in (tmp_path / "output").read_text()


def _steps(folder: Path) -> list[int]:
    return [int(path.stem.removeprefix("step-")) for path in (folder / "run").rglob("step-*.pt")]


def _wait_for(condition: object, folder: Path) -> None:
    assert callable(condition)
    for _ in range(1500):
        if condition():
            break
        time.sleep(0.1)
    assert _steps(folder), (folder / "output").read_text()
