"""The stage `retrain`: one network trained from new weights, and measured once on the official validation images."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_training as tiny
import torch
from forked_group import run_group
from lissnas.errors import LissnasError
from lissnas.supernet.images.image_source import small_source
from lissnas.supernet.images.small_tasks import digits
from lissnas.supernet.networks.cell_network import CellNetwork, Skeleton
from lissnas.supernet.networks.cell_supernet import CellSupernet
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.single_path_supernet import single_path_supernet
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.scoring import Scoring
from lissnas.supernet.stages import retrain as retrain_module
from lissnas.supernet.stages.retrain import ABS_RETRAINING, RETRAINED, SPOS_RETRAINING, RetrainedScore
from lissnas.supernet.training.learning_rate_schedule import learning_rate_at
from lissnas.supernet.training.logs.progress import Progress
from tiny_retraining import RECIPE, ROW, CountedReads, main, retrain_tiny


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RetrainedScore]:
    folder = tmp_path_factory.mktemp("finished")
    return folder, retrain_tiny(folder, CountedReads())


class _WithoutPath(torch.nn.Module):
    """A stand-alone network that ignores the path."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor, path: list[int]) -> torch.Tensor:
        return self.network(images)


def _recalibrate(network: torch.nn.Module) -> None:
    """Give a network the mean statistics of 5 batches of 100 training images, by PyTorch's own averaging."""
    with torch.no_grad():
        for norm in (module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)):
            norm.reset_running_stats()
            norm.momentum = None
        network.train()
        for images in small_source(digits()).recalibration(5, 100):
            network(images, [0, 0, 0])
        network.eval()


def test_official_validation_images_measure_a_network_once(tmp_path: Path) -> None:
    """They are read twice: once before the training, without being classified."""
    source = CountedReads()
    first = retrain_tiny(tmp_path, source)
    assert source.reads == 2
    assert retrain_tiny(tmp_path, source) == first
    assert source.reads == 2
    assert json.loads((tmp_path / RETRAINED).read_text())["top1"] == first.top1


def test_the_score_is_what_the_stand_alone_network_of_these_weights_classifies(
    finished: tuple[Path, RetrainedScore],
) -> None:
    folder, score = finished
    alone = ChainNetwork(tiny.chain().for_architecture(ROW), np.random.default_rng(0)).eval()
    alone.load_state_dict(torch.load(max(folder.glob("*.pt")), weights_only=True)["network"])
    _recalibrate(alone)
    task = digits()
    mean, deviation = task.train.pixels.mean(dtype=np.float64), task.train.pixels.std(dtype=np.float64)
    images = torch.from_numpy(((task.test.pixels - mean) / deviation).astype(np.float32))[:, None]
    with torch.no_grad():
        order = alone(images, [0, 0, 0]).argsort(dim=1, descending=True).numpy()
    hits = order == task.test.labels[:, None]
    assert score == RetrainedScore(
        "k3-k5-id", 100 * int(hits[:, 0].sum()) / 397, 100 * int(hits[:, :5].sum()) / 397, 397
    )
    assert 30 < score.top1 < score.top5 < 100


def test_retraining_does_not_depend_on_the_weights_of_the_supernet(
    tmp_path: Path, finished: tuple[Path, RetrainedScore]
) -> None:
    supernet = ChainNetwork(tiny.chain(), np.random.default_rng(99), affine=False)
    with torch.no_grad():
        for weights in supernet.parameters():
            weights.fill_(torch.nan)
    assert retrain_tiny(tmp_path, CountedReads(), supernet=supernet) == finished[1]


def test_a_killed_retraining_ends_with_the_same_bits(tmp_path: Path, finished: tuple[Path, RetrainedScore]) -> None:
    def die(progress: Progress) -> None:
        if progress.step == 33:
            raise KeyboardInterrupt

    source = CountedReads()
    with pytest.raises(KeyboardInterrupt):
        retrain_tiny(tmp_path, source, report=die)
    assert source.reads == 1
    assert retrain_tiny(tmp_path, source) == finished[1]
    assert source.reads == 2  # to measure; resuming does not read them before the training again
    newest = [torch.load(max(folder.glob("*.pt")), weights_only=True) for folder in (tmp_path, finished[0])]
    for name, values in newest[0]["network"].items():
        assert torch.equal(values, newest[1]["network"][name]), name


def test_a_moving_average_is_measured_with_recalibrated_statistics(tmp_path: Path) -> None:
    """With an average that hardly forgets the network is the one at the beginning: its statistics must be its own."""
    score = retrain_tiny(tmp_path, CountedReads(), recipe=replace(RECIPE, steps=1, ema_decay=1 - 1e-9))
    assert score.top1 < 30
    state = torch.load(max(tmp_path.glob("*.pt")), weights_only=True)
    alone = ChainNetwork(tiny.chain().for_architecture(ROW), np.random.default_rng(0))
    alone.load_state_dict(
        state["average"] | {n: v for n, v in state["network"].items() if "running" in n or "num" in n}
    )
    _recalibrate(alone)
    source = small_source(digits())
    with torch.no_grad():
        hits = torch.cat(
            [alone(images, [0, 0, 0]).argmax(1) == labels for images, labels in source.official_validation(397)]
        )
    assert score.top1 == pytest.approx(100 * hits.double().mean().item())


def test_the_score_does_not_depend_on_the_statistics_that_training_left(
    tmp_path: Path, finished: tuple[Path, RetrainedScore]
) -> None:
    """They are those of the first process, and differ with the number of processes."""
    shutil.copytree(finished[0], tmp_path / "other")
    (tmp_path / "other" / RETRAINED).unlink()
    newest = max((tmp_path / "other").glob("*.pt"))
    state = torch.load(newest, weights_only=True)
    for name, values in state["network"].items():
        if "running" in name:
            values += 1
    torch.save(state, newest)
    assert retrain_tiny(tmp_path / "other", CountedReads()) == finished[1]


def test_cells_are_retrained_as_chains_are(tmp_path: Path) -> None:
    supernet = CellSupernet(Skeleton(channels=4), np.random.default_rng(0))
    row = np.array([3, 0, 3, 1, 0, 2], dtype=np.uint8)
    score = retrain_tiny(tmp_path, CountedReads(), supernet=supernet, row=row, recipe=replace(RECIPE, steps=20))
    assert [score.architecture] == supernet.space.write(row[None])
    alone = CellNetwork(row, supernet.skeleton, np.random.default_rng(0)).eval()
    state = torch.load(max(tmp_path.glob("*.pt")), weights_only=True)["network"]
    alone.load_state_dict({name.removeprefix("network."): values for name, values in state.items()})
    _recalibrate(_WithoutPath(alone))
    hits = 0
    with torch.no_grad():
        for images, labels in small_source(digits()).official_validation(100):
            hits += int((alone(images).argmax(1) == labels).sum())
    assert score.top1 == pytest.approx(100 * hits / 397)


@pytest.mark.parametrize("kind", ["chain", "cell"])
def test_a_single_path_supernet_computes_what_the_stand_alone_network_does(kind: str) -> None:
    supernet: Supernet = (
        ChainNetwork(tiny.chain(), np.random.default_rng(0))
        if kind == "chain"
        else CellSupernet(Skeleton(channels=4), np.random.default_rng(0))
    )
    [row] = supernet.space.sample(1, np.random.default_rng(4))
    network = single_path_supernet(supernet, row, np.random.default_rng(5)).eval()
    assert network.space.size == 1
    path = network.space.all_rows()[0]
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 1, 8, 8)).astype(np.float32))
    alone = network.stand_alone(path).eval()
    with torch.no_grad():
        expected = network(images, path.tolist())
        computed = alone(images, path.tolist()) if kind == "chain" else alone(images)
        assert torch.equal(computed, expected)
        for weights in alone.parameters():
            weights.zero_()
        assert torch.equal(network(images, path.tolist()), expected)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"row": np.array([1, 1, 0], dtype=np.uint8)}, "data.architecture is k3-k5-id; in this run it is k3-k3-id"),
        ({"recipe": replace(RECIPE, learning_rate=0.1)}, "settings.learning_rate is 0.3; in this run it is 0.1"),
        ({"rng": np.random.default_rng(4)}, "seed is .*; in this run it is"),
    ],
)
def test_the_score_of_another_retraining_is_refused(
    finished: tuple[Path, RetrainedScore], other: dict[str, Any], named: str
) -> None:
    with pytest.raises(LissnasError, match=named):
        retrain_tiny(finished[0], CountedReads(), **other)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"run": 3}', '{"run": {}, "architecture": "a"}'])
def test_a_damaged_score_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / RETRAINED).write_text(content)
    with pytest.raises(LissnasError, match="not the score of a retraining"):
        retrain_tiny(tmp_path, CountedReads())


def test_unreadable_images_are_counted_in_the_score(tmp_path: Path, finished: tuple[Path, RetrainedScore]) -> None:
    score = retrain_tiny(tmp_path, CountedReads(unreadable=3))
    assert (score.images, score.unreadable) == (394, 3)
    assert str(score).endswith(" % of 394 images; 3 more could not be read")
    assert str(finished[1]).endswith(" % of 397 images")
    assert retrain_tiny(tmp_path, CountedReads()) == score
    content = json.loads((tmp_path / RETRAINED).read_text())
    assert content["unreadable"] == 3


def test_a_score_file_of_an_earlier_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / RETRAINED).write_text('{"format": 1, "architecture": "k3-k5-id", "top1": 50.0, "top5": 90.0}')
    with pytest.raises(LissnasError, match="has format 1, not 2; choose another folder"):
        retrain_tiny(tmp_path, CountedReads())


def test_what_only_measuring_needs_is_checked_before_the_training(tmp_path: Path) -> None:
    steps: list[Progress] = []
    with pytest.raises(LissnasError, match="none of the official validation images can be read: restore the files"):
        retrain_tiny(tmp_path, CountedReads(unreadable=397), report=steps.append)
    scoring = Scoring(closing_batches=100, recalibration_batch_size=100)
    with pytest.raises(LissnasError, match=r"more than the 1000 training images: lower scoring\.closing_batches"):
        retrain_tiny(tmp_path, CountedReads(), scoring=scoring, report=steps.append)
    assert not steps


def test_too_little_memory_to_measure_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_network: object, images: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has a total ...")

    monkeypatch.setattr(retrain_module._SinglePath, "forward", full)
    message = r"not enough memory on cpu for measuring the accuracy \(CUDA out .* GiB\.\): lower scoring\.batch_size$"
    with pytest.raises(LissnasError, match=message):
        retrain_tiny(tmp_path, CountedReads(), recipe=replace(RECIPE, steps=1), scoring=Scoring(closing_batches=0))


def test_the_held_out_images_can_train_and_the_closing_batches_can_be_those_of_the_training(tmp_path: Path) -> None:
    source = small_source(digits())
    assert source.all_training.description.startswith("1400 images")
    recipe = replace(RECIPE, steps=2, include_held_out=True, initialization="spos", dropout=0.5)
    scoring = Scoring(closing_batches=2, closing_augmentation=True, recalibration_batch_size=100)
    score = retrain_tiny(tmp_path, CountedReads(), recipe=recipe, scoring=scoring)
    assert score.images == 397
    run = json.loads((tmp_path / RETRAINED).read_text())["run"]
    assert run["data"]["images"] == source.all_training.description
    trained = torch.load(max(tmp_path.glob("*.pt")), weights_only=True)["network"]
    assert trained["layers.0.0.main.1.bias"].abs().max() < 0.1
    steps = list(scoring.closing(source, source.all_training, 0))
    assert [len(pixels) for pixels in steps] == [100, 100]
    assert not torch.equal(steps[0], steps[1])


def test_recipes_are_those_of_the_papers() -> None:
    assert (SPOS_RETRAINING.steps, SPOS_RETRAINING.batch_size, SPOS_RETRAINING.learning_rate) == (300_000, 1024, 0.5)
    assert learning_rate_at(SPOS_RETRAINING, 150_000) == pytest.approx(0.25)
    assert (ABS_RETRAINING.steps, ABS_RETRAINING.batch_size) == (300_000, 1024)
    assert (learning_rate_at(ABS_RETRAINING, 0), learning_rate_at(ABS_RETRAINING, ABS_RETRAINING.steps)) == (0.5, 0.0)
    assert ABS_RETRAINING.weight_decay == 4e-5


def test_two_processes_retrain_and_measure_as_one_does(tmp_path: Path, finished: tuple[Path, RetrainedScore]) -> None:
    """The first one's batch norms saw half of the images, so that the score is not the same to the bit."""
    run_group(main, tmp_path / "two")
    first, second = (json.loads((tmp_path / f"two.{rank}").read_text()) for rank in range(2))
    assert first == second
    assert json.loads((tmp_path / "two" / RETRAINED).read_text())["top1"] == first
    assert abs(first - finished[1].top1) < 10
