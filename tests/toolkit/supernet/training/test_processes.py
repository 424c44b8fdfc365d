"""Training on several processes: as one does, with little to send, and none waits for one that is gone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_training as tiny
import torch
import torch.distributed as dist
from lissnas.errors import SettingError
from lissnas.supernet.training.processes import Processes, processes
from rounding import largest_drift
from torch.nn.functional import cross_entropy

PROGRAM = Path(__file__).parents[1] / "tiny_training.py"

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def _two(folder: Path, *last: str) -> subprocess.CompletedProcess[str]:
    """Train on two processes; the results lie beside the checkpoints' folder."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, PROGRAM, folder, folder.with_suffix(".results"), *last]
    return subprocess.run(command, env=ENVIRONMENT, check=False, capture_output=True, text=True, timeout=120)


def _newest(folder: Path) -> dict[str, Any]:
    return torch.load(max(folder.glob("step-*.pt")), weights_only=True)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of a training on two processes that nothing interrupted."""
    folder = tmp_path_factory.mktemp("finished") / "two"
    run = _two(folder)
    assert run.returncode == 0, run.stderr
    return folder


def test_two_processes_train_and_score_as_one_does(tmp_path: Path, two: Path) -> None:
    """Sums are in another order, so losses and weights may differ, by what rounding does and no more.

    Most steps leave blocks untouched, which weight decay or momentum would move by far more.
    """
    losses: list[float] = []
    untrained = dict(tiny.smooth_network().named_parameters())
    network = tiny.train(tmp_path, report=lambda progress: losses.append(progress.loss))
    results = json.loads(two.with_suffix(".results").read_text())
    moved = [(untrained[name].detach(), weights.detach()) for name, weights in network.named_parameters()]
    drift = largest_drift(moved, tiny.RECIPE.steps, tiny.TERMS)
    # A loss is off by its own rounding, and by that of the weights times its slope, which is less than one here.
    np.testing.assert_allclose(results["losses"], losses, rtol=0, atol=drift)
    assert losses[-1] < losses[0] - 0.05
    for name, weights in _newest(tmp_path)["average"].items():
        torch.testing.assert_close(_newest(two)["average"][name], weights, rtol=0, atol=drift)
        torch.testing.assert_close(_newest(two)["network"][name], network.state_dict()[name], rtol=0, atol=drift)
    # One image of 300, on whose class the weights' last digits may decide, is a third of a per cent.
    np.testing.assert_allclose(results["scores"], tiny.evaluate(network), rtol=0, atol=0.34)


def test_no_thread_of_the_group_is_left_that_could_abort_the_end_of_a_process(two: Path) -> None:
    threads = json.loads(two.with_suffix(".results").read_text())["threads"]
    assert [name for name in threads if "gloo" in name] == []


def test_torchrun_that_is_told_to_end_saves_and_the_run_goes_on_to_the_same_bits(tmp_path: Path, two: Path) -> None:
    folder = tmp_path / "ended"
    ended = _two(folder, "6", "end")
    assert ended.returncode != 0
    assert [path.name for path in sorted(folder.iterdir())] == ["step-0000000004.pt", "step-0000000007.pt"]
    again = _two(folder)
    assert again.returncode == 0, again.stderr
    assert len(json.loads(folder.with_suffix(".results").read_text())["losses"]) == 5
    for part in ("network", "average"):
        for name, weights in _newest(two)[part].items():
            assert torch.equal(_newest(folder)[part][name], weights) or "running_" in name, name


def test_a_process_whose_other_one_is_killed_ends_within_half_a_minute_and_says_so(tmp_path: Path) -> None:
    """Without torchrun, which would end it as well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    command = [sys.executable, PROGRAM, tmp_path / "run", tmp_path / "results", "6"]
    first, second = (
        subprocess.Popen(command, env=ENVIRONMENT | place | {"RANK": rank}, stderr=subprocess.PIPE, text=True)
        for rank in "01"
    )
    try:
        assert first.wait(timeout=100) == -signal.SIGKILL
        killed = time.monotonic()
        _, said = second.communicate(timeout=30)
    finally:
        for each in (first, second):
            each.kill()
            each.communicate()
    assert time.monotonic() - killed < 30
    assert second.returncode == 1
    assert "TrainingError: process 1 of 2 has lost another one (" in said
    assert "goes on from the newest checkpoint" in said


def test_only_gradients_that_a_path_has_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny.ChainNetwork(tiny.chain(), np.random.default_rng(0))
    images, labels = tiny.digits().images[:8], tiny.digits().labels[:8]
    cross_entropy(network(images, [1, 0, 1]), labels).backward()
    before = [None if weights.grad is None else weights.grad.clone() for weights in network.parameters()]
    sent: list[int] = []

    def all_reduce(values: torch.Tensor) -> None:
        """As if the other process had three times this one's gradients."""
        sent.append(values.numel())
        values.mul_(4)

    monkeypatch.setattr(dist, "all_reduce", all_reduce)
    Processes(0, 2, torch.device("cpu")).mean_gradients(network.parameters())
    costs = network.chain.parameters
    assert sent == [int(costs(np.array([[1, 0, 1]], dtype=np.uint8))[0])]
    for weights, gradient in zip(network.parameters(), before, strict=True):
        assert (weights.grad is None) == (gradient is None)
        if gradient is not None:
            torch.testing.assert_close(weights.grad, 2 * gradient)


@pytest.mark.parametrize(
    ("device", "place", "there", "advice"),
    [
        (None, "2", 2, "needs GPU 2, but torch finds 2, counted from 0: start torchrun with --nproc-per-node=2"),
        ("cuda", "1", 1, "needs GPU 1, but torch finds 1"),
        ("cuda:7", "0", 4, "needs GPU 7, but torch finds 4"),
        ("cuda", "0", 0, "needs GPU 0, but torch finds 0, counted from 0: compute on the device cpu"),
    ],
)
def test_fewer_gpus_than_processes_are_refused(
    monkeypatch: pytest.MonkeyPatch, device: str | None, place: str, there: int, advice: str
) -> None:
    monkeypatch.setenv("LOCAL_RANK", place)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    with pytest.raises(SettingError, match=advice), processes(device):
        pass


def test_one_gpu_for_all_processes_of_a_node_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    with pytest.raises(SettingError, match="all 2 processes of this node would compute on cuda:0"), processes("cuda:0"):
        pass
