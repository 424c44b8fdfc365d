"""The Slurm script of the documentation, on two processes of this machine with stand-ins for Slurm's own commands."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "slurm-supernet.sh"


def test_the_slurm_script_trains_and_when_told_to_end_saves_and_queues_again(tmp_path: Path) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    scripts = {
        "srun": 'exec "$@"',
        "scontrol": f'[ "$1" = show ] && echo 127.0.0.1 || echo "$@" >> {tmp_path / "asked"}',
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
    with (tmp_path / "said").open("w") as said:
        script = subprocess.Popen(
            ["bash", *command], env=os.environ | job, stdout=said, stderr=said, start_new_session=True
        )
    try:
        _until(lambda: _steps(tmp_path) or script.poll() is not None, tmp_path)
        before = max(_steps(tmp_path))
        script.send_signal(signal.SIGTERM)
        assert script.wait(timeout=100) != 0
    finally:
        if script.poll() is None:
            os.killpg(script.pid, signal.SIGKILL)
    assert (tmp_path / "asked").read_text() == "requeue 7\n"
    # The last checkpoint is that of the signal, not of a fifth step, but for one time in five.
    assert max(_steps(tmp_path)) > before
    assert "the state is saved" in (tmp_path / "said").read_text()


def _steps(folder: Path) -> list[int]:
    return [int(path.stem.removeprefix("step-")) for path in (folder / "run").rglob("step-*.pt")]


def _until(happened: object, folder: Path) -> None:
    assert callable(happened)
    for _ in range(1500):
        if happened():
            break
        time.sleep(0.1)
    assert _steps(folder), (folder / "said").read_text()
