"""Several processes train like one, send little, and do not wait for a lost one."""

import json
import signal
import socket
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import gradients_of_processes as gradients
import numpy as np
import pytest
import tiny_training as tiny
import torch
import torch.distributed as dist
from counted_reads import CountedReads
from forked_group import run_group, start_group
from lissnas.errors import SettingError
from lissnas.supernet.training.process_group import ProcessGroup, join_process_group
from lissnas.supernet.training.resume import check_same_start
from rounding import largest_drift


def _newest(folder: Path) -> dict[str, Any]:
    return torch.load(max(folder.glob("step-*.pt")), weights_only=True)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of an uninterrupted training in two processes; its results are in a file next to the folder."""
    folder = tmp_path_factory.mktemp("finished") / "two"
    run_group(tiny.main, folder, folder.with_suffix(".results"))
    return folder


def test_two_processes_train_and_score_as_one_does(tmp_path: Path, two: Path) -> None:
    """Their sums have another order, so losses and weights may differ by rounding, and by no more.

    Most steps leave some blocks untouched. Weight decay or momentum would move those by far more.
    """
    losses: list[float] = []
    untrained = dict(tiny.smooth_network().named_parameters())
    network = tiny.train(tmp_path, report=lambda progress: losses.append(progress.loss))
    results = json.loads(two.with_suffix(".results").read_text())
    moved = [(untrained[name].detach(), weights.detach()) for name, weights in network.named_parameters()]
    drift = largest_drift(moved, tiny.RECIPE.steps, tiny.TERMS)
    # The error of a loss is its own rounding, and that of the weights times its slope, which is less than 1 here.
    np.testing.assert_allclose(results["losses"], losses, rtol=0, atol=drift)
    assert losses[-1] < losses[0] - 0.05
    for name, weights in _newest(tmp_path)["average"].items():
        torch.testing.assert_close(_newest(two)["average"][name], weights, rtol=0, atol=drift)
        torch.testing.assert_close(_newest(two)["network"][name], network.state_dict()[name], rtol=0, atol=drift)
    # The last digits of the weights may decide on the class of one image of 300, a third of a percent.
    np.testing.assert_allclose(results["scores"], tiny.evaluate(network), rtol=0, atol=0.34)


def test_a_process_may_have_one_micro_batch_more_than_another_one(tmp_path: Path) -> None:
    """Losses and gradients are means over all micro-batches, so weights differ from those of one process by rounding.

    For the same weights the scores are the same numbers; the statistics that training left in the batch norms are not,
    because those of the first process are saved.
    """
    run_group(tiny.train_three_micro_batches, tmp_path / "two", tmp_path / "scores")
    untrained = dict(tiny.smooth_network().named_parameters())
    network = tiny.train(tmp_path / "one", recipe=tiny.THREE_MICRO_BATCHES)
    moved = [(untrained[name].detach(), weights.detach()) for name, weights in network.named_parameters()]
    drift = largest_drift(moved, tiny.THREE_MICRO_BATCHES.steps, tiny.TERMS)
    saved = _newest(tmp_path / "two")["network"]
    for name, weights in network.named_parameters():
        torch.testing.assert_close(saved[name], weights.detach(), rtol=0, atol=drift)
    statistics = "stem.0.1.running_mean"
    assert (saved[statistics] - network.state_dict()[statistics]).abs().max() > 100 * drift
    network.load_state_dict(saved)
    assert tiny.evaluate(network) == json.loads((tmp_path / "scores").read_text())


def test_a_port_in_use_is_named_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        settings = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        message = rf"process 0 of 2 cannot meet the others at 127.0.0.1:{port} \(.*address already in use.*master-port"
        with pytest.raises(SettingError, match=message), join_process_group("cpu"):
            pass


def test_restarted_processes_meet_in_the_store_of_those_that_were_killed() -> None:
    """torchrun keeps its store, so the addresses of the killed ones are still there."""
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    for first_waits in (True, False):
        run_group(tiny.meet_and_end, first_waits, store_port=store.port)


def test_processes_with_different_software_do_not_start() -> None:
    """The sum is that of a second process with another version of torch."""

    class WithAnother(ProcessGroup):
        def sum(self, values: torch.Tensor) -> torch.Tensor:
            return 2 * values + torch.tensor([0, 0, self.rank + 1])

    with pytest.raises(SettingError, match=r"different software; process 0 has lissnas .*, numpy .*, torch .*:"):
        check_same_start(WithAnother(0, 2, torch.device("cpu")), 3, 0)


def test_no_thread_of_the_group_remains_that_could_abort_the_end_of_a_process(two: Path) -> None:
    threads = json.loads(two.with_suffix(".results").read_text())["threads"]
    assert [name for name in threads if "gloo" in name] == []


def test_a_signal_to_all_processes_saves_a_checkpoint_and_the_run_resumes_to_the_same_bits(
    tmp_path: Path, two: Path
) -> None:
    """torchrun passes on the signal that it gets; tests/docs/test_slurm_script.py stops a training through it."""
    folder = tmp_path / "stopped"
    marker = tmp_path / "step 6 is done"
    stopped = start_group(tiny.main, folder, folder.with_suffix(".results"), 6, marker)
    while not marker.exists():
        assert all(each.is_alive() for each in stopped)
        time.sleep(0.01)
    for each in stopped:
        each.terminate()
    marker.unlink()
    for each in stopped:
        each.join(100)
    assert [each.exitcode for each in stopped] == [128 + signal.SIGTERM] * 2
    assert [path.name for path in sorted(folder.iterdir())] == ["step-0000000004.pt", "step-0000000007.pt"]
    run_group(tiny.main, folder, folder.with_suffix(".results"))
    assert len(json.loads(folder.with_suffix(".results").read_text())["losses"]) == 5
    for part in ("network", "average"):
        for name, weights in _newest(two)[part].items():
            assert torch.equal(_newest(folder)[part][name], weights) or "running_" in name, name


def test_a_process_that_loses_another_one_ends_within_half_a_minute_and_says_so(tmp_path: Path) -> None:
    """Without torchrun, which would end the remaining process as well."""
    first, second = start_group(tiny.main_with_stderr_file, tmp_path, 6)
    try:
        first.join(100)
        assert first.exitcode == -signal.SIGKILL
        killed = time.monotonic()
        second.join(30)
    finally:
        for each in (first, second):
            each.kill()
            each.join()
    assert time.monotonic() - killed < 30
    assert second.exitcode == 1
    message = (tmp_path / "stderr-1").read_text()
    assert "TrainingError: process 1 of 2 has lost another one (" in message
    assert "continues from the newest checkpoint" in message


def test_gradients_are_means_sent_during_the_backward_pass_whatever_the_size_of_a_bucket(tmp_path: Path) -> None:
    """The mean over two processes is half a sum of two terms, which has no other order: the bits are equal."""
    run_group(gradients.main, tmp_path)
    shared = [torch.load(tmp_path / f"gradients-{rank}.pt", weights_only=True) for rank in range(2)]
    alone = gradients.summed_gradients(range(4))
    for bucket_bytes, found in shared[0].items():
        assert found["order"] == shared[1][bucket_bytes]["order"]
        assert sum(found["order"]) == sum(each.numel() for each in alone.values())
        assert (len(found["order"]) == 2) == (bucket_bytes > 10**6)  # what the last pass leaves, and what it computes
        assert len(found["order"]) - found["sent before the last gradient"] <= 1
        assert found["gradients"].keys() == alone.keys()
        for name, gradient in found["gradients"].items():
            assert torch.equal(gradient, shared[0][1]["gradients"][name])
            assert torch.equal(gradient, shared[1][bucket_bytes]["gradients"][name])
            torch.testing.assert_close(2 * gradient, alone[name], rtol=1e-4, atol=1e-6)


def test_a_step_reads_one_tensor_and_makes_the_processor_wait_for_nothing_else(tmp_path: Path) -> None:
    """What would make it wait for a GPU, counted on the processor, where it costs nothing."""
    recipe = replace(tiny.RECIPE, precision="float16", grad_clip_norm=1.0, channels_last=True)
    counts = []
    with CountedReads() as reads:
        tiny.train(tmp_path, recipe=recipe, report=lambda progress: counts.append(list(reads.names)), save_every=100)
    assert [later[len(earlier) :] for earlier, later in pairwise(counts)] == [["tolist"]] * (recipe.steps - 1)


@pytest.mark.parametrize(
    ("device", "local_rank", "gpus", "advice"),
    [
        (None, "2", 2, r"needs GPU 2 \(counted from 0\), but torch finds 2 GPUs: .* at most --nproc-per-node=2"),
        ("cuda", "1", 1, r"needs GPU 1 \(.*\), but torch finds 1 GPUs"),
        ("cuda:7", "0", 4, r"needs GPU 7 \(.*\), but torch finds 4 GPUs"),
        ("cuda", "0", 0, r"needs GPU 0 \(counted from 0\), but torch finds 0 GPUs: compute on the device cpu"),
    ],
)
def test_fewer_gpus_than_processes_are_refused(
    monkeypatch: pytest.MonkeyPatch, device: str | None, local_rank: str, gpus: int, advice: str
) -> None:
    monkeypatch.setenv("LOCAL_RANK", local_rank)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(SettingError, match=advice), join_process_group(device):
        pass


def test_one_gpu_for_all_processes_of_a_node_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    with (
        pytest.raises(SettingError, match="all 2 processes of this node would compute on cuda:0"),
        join_process_group("cuda:0"),
    ):
        pass
