"""The plan of a run: the published sizes of SPOS, and what a real training keeps and writes."""

from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from image_tree import make_tree
from lissnas.shrinkers.shrink import shrink
from lissnas.supernet.recipes.recipe_file import read_recipe
from lissnas.supernet.recipes.recipe_images import open_images
from lissnas.supernet.stages.measured_speed import MeasuredSpeed
from lissnas.supernet.stages.plan import measured_throughput, plan
from lissnas.supernet.stages.retrain import run_retraining
from lissnas.supernet.stages.run_folder import RunFolder
from lissnas.supernet.stages.search import run_search
from lissnas.supernet.stages.shrink import run_shrinking
from lissnas.supernet.stages.supernet_run import SupernetRun
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.process_group import join_process_group
from lissnas.supernet.training.training_loop import train_supernet
from torch.nn.functional import cross_entropy


def test_spos_trains_on_as_many_images_as_its_authors_say() -> None:
    made = plan(read_recipe("spos", ()))
    stages = {stage.name: stage for stage in made.stages}
    assert (stages["training"].steps, stages["training"].images) == (150_000, 153_600_000)
    assert (stages["retraining"].steps, stages["retraining"].images) == (300_000, 307_200_000)
    assert made.scored_network.images == 200 * 128 + 50_000
    assert stages["search"].images == 1_000 * made.scored_network.images


def test_hours_are_passes_over_throughput_and_scoring_is_a_third() -> None:
    made = plan(read_recipe("spos", ()))
    stages = {stage.name: stage for stage in made.stages}
    assert stages["training"].hours(1_000) == pytest.approx(153_600 / 3600)
    assert stages["search"].hours(1_000) == pytest.approx(stages["search"].images / 3 / 1_000 / 3600)


def test_fair_paths_and_sandwiches_pass_each_image_more_than_once() -> None:
    alone = plan(read_recipe("digits", ())).stages[0]
    fair = plan(read_recipe("digits", ('paths.sampler="fair"',))).stages[0]
    assert fair.images == 5 * alone.images


def test_angles_of_weights_score_no_network_between_trainings() -> None:
    made = plan(read_recipe("abs-mobilenet", ()))
    assert made.networks_for_means == made.networks_for_shrinker == 0


@pytest.mark.parametrize(
    ("settings", "networks"),
    [
        (("shrinking.method=angle", "shrinking.settings.evaluations=200"), 200),
        (("shrinking.method=kernel",), 150),
        (("shrinking.method=random-subset", "shrinking.settings.size=20"), 0),
        (("shrinking.settings.quantile=0.1", "shrinking.settings.seeds=5"), 29 * 11),
    ],
)
def test_what_a_shrinker_scores_is_a_stage(settings: tuple[str, ...], networks: int) -> None:
    made = plan(read_recipe("digits", ("shrinking.settings=", *settings)))
    stages = {stage.name: stage.images for stage in made.stages}
    assert made.networks_for_shrinker == networks
    assert stages.get("shrinking of 3 rounds at most", 0) == 3 * networks * 800


@pytest.mark.parametrize(("stop", "samples"), [("rounds", 3), ("plateau", 4)])
def test_lissnas_scores_no_more_networks_than_planned(stop: str, samples: int) -> None:
    changes = (f"shrinking.settings.stop={stop}", "shrinking.settings.max_rounds=3", "shrinking.settings.radius=2")
    recipe = read_recipe("digits", changes)

    class Draws:
        asked = 0

        def __call__(self, rows: np.ndarray) -> np.ndarray:
            self.asked += len(rows)
            return rows.sum(axis=1) + np.linspace(0, 0.1, len(rows))

    draws = Draws()
    shrink(recipe.network.search_space(), draws, recipe.shrinking.settings, np.random.default_rng(0))
    planned = plan(recipe).networks_for_shrinker
    assert planned == 59 * samples
    assert planned / 2 < draws.asked <= planned


def test_classes_of_images_that_are_not_given_are_those_of_the_network() -> None:
    assert plan(read_recipe("spos", ("images.files.classes=",))) == plan(read_recipe("spos", ()))


def test_the_pixels_that_are_planned_are_those_that_scoring_keeps(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", training=8, validation=3)
    changes = (
        f"images.train={tree / 'train'}",
        f"images.validation={tree / 'val'}",
        "images.files.held_out_per_class=5",
        "images.files.workers=1",
        "images.files.classes=4",
        "network.classes=4",
        "scoring.recalibration_batches=2",
        "scoring.recalibration_batch_size=5",
    )
    recipe = read_recipe("nas-bench-macro", changes)
    source = open_images(recipe, tmp_path)
    for images in (source.recalibration(2, 5), source.held_out(10)):
        assert list(images)
    written = sum(path.stat().st_size for path in tmp_path.glob("scored-*.pixels"))
    checksums, classes = 2 * 32, 8 * (4 * 5 + 2 * 5)
    assert plan(recipe).pixel_bytes == written - checksums - classes
    assert plan(read_recipe("digits", ())).pixel_bytes == 0


class _ClassifiedImages:
    """While its ``with`` runs, counts the images that reach a classifier, the only linear layer of these networks."""

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> Self:
        self._hook = torch.nn.modules.module.register_module_forward_hook(self._add)
        return self

    def __exit__(self, *error: object) -> None:
        self._hook.remove()

    def _add(self, module: torch.nn.Module, inputs: tuple[torch.Tensor], output: object) -> None:
        self._count += len(inputs[0]) if isinstance(module, torch.nn.Linear) else 0

    def since_last_time(self) -> int:
        count, self._count = self._count, 0
        return count


def test_a_real_run_passes_as_many_images_through_networks_as_planned(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", training=8, validation=3)
    changes = {
        "images": {"train": tree / "train", "validation": tree / "val"},
        "images.files": {"held_out_per_class": 5, "workers": 0, "classes": 4},
        "images.files.augmentation": {"size": 16, "shorter_side": 18},
        "network": {"classes": 4, "image_size": 16},
        "training": {"steps": 3, "batch_size": 6, "micro_batch_size": 6, "learning_rate": 0.001},
        "loop": {"steps_per_round": 2, "max_rounds": 1, "mean_sample_size": 4},
        "shrinking.settings": {"confidence": 0.5, "quantile": 0.2, "seeds": 2},
        "scoring": {"recalibration_batches": 2, "recalibration_batch_size": 5, "closing_batches": 2},
        "search": {"evaluations": 6},
        "search.settings": {"population": 4, "tournament": 2, "children": 2},
        "retraining": {"steps": 2, "batch_size": 4, "micro_batch_size": 4},
    }
    recipe = read_recipe(
        "nas-bench-macro", tuple(f"{table}.{key}={value}" for table in changes for key, value in changes[table].items())
    )
    made = plan(recipe)
    planned = {stage.name: stage.images for stage in made.stages}
    with join_process_group("cpu") as group, _ClassifiedImages() as counted:
        run = SupernetRun(recipe, RunFolder(tmp_path / "run"), group, lambda *_: None)
        images = run.open_images()
        [finished] = run_shrinking(run, images, 1).rounds
        shrinking = counted.since_last_time()
        supernet, subspace = run.trained_supernet(), run.folder.search_subspace(recipe)
        trace = run_search(run, supernet, images, subspace)
        searching = counted.since_last_time()
        run_retraining(run, images, subspace.space.rows(trace.incumbents[-1:])[0], tmp_path / "retrained")
        retraining = counted.since_last_time()
    tried = 5 + 20  # one path is tried on the first batches before the training
    trained = planned["training"] + (planned["training after 1 round at most"] if finished.ended is None else 0)
    scored = finished.evaluations * made.scored_network.images
    assert shrinking == trained + scored + tried
    assert scored <= planned["shrinking of 1 round at most"] + planned["means of 1 round at most"]
    assert searching == planned["search"]
    assert retraining == planned["retraining"] + planned["closing recalibration"] + 12  # of the validation


def test_memory_is_for_the_larger_pieces_of_training_and_retraining() -> None:
    smaller, larger = (
        plan(
            read_recipe("digits", ("retraining.batch_size=128", f"retraining.micro_batch_size={size}"))
        ).activation_bytes
        for size in (64, 128)
    )
    assert larger == pytest.approx(2 * smaller, rel=0.02)


def test_a_network_that_no_memory_holds_is_planned() -> None:
    made = plan(read_recipe("digits", ("network.skeleton.channels=100_000",)))
    assert made.state_bytes > 10**13


def test_a_checkpoint_is_as_large_as_planned(tmp_path: Path) -> None:
    recipe = read_recipe("digits", ("training.steps=60",))
    network = recipe.network.build(np.random.default_rng(0))
    source, rng = open_images(recipe, tmp_path), np.random.default_rng(0)
    paths = UniformPathSampler(network.space)
    train_supernet(network, source.train, paths, recipe.training, rng, tmp_path / "run", device="cpu")
    [written] = (tmp_path / "run").glob("step-*.pt")
    planned = plan(recipe).checkpoint_bytes
    # On top come the heads of some hundred tensors.
    assert planned < written.stat().st_size < planned + 1_000 * len(network.state_dict())


def test_activations_are_what_a_real_pass_of_the_most_expensive_path_keeps() -> None:
    recipe = read_recipe("digits", ())
    network = recipe.network.build(np.random.default_rng(0)).train()
    most_expensive = [3] * 6
    images = torch.zeros(recipe.training.micro_batch_size, 1, 8, 8)
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = cross_entropy(network(images, most_expensive), torch.zeros(len(images), dtype=torch.int64))
    weights = {each.untyped_storage().data_ptr() for each in network.parameters()}
    real = sum(storage.nbytes() for place, storage in kept.items() if place not in weights)
    assert loss.requires_grad
    assert plan(recipe).activation_bytes == pytest.approx(real, rel=0.02)


def test_the_slower_side_limits_the_throughput_and_its_largest_part_is_the_bottleneck() -> None:
    workers = MeasuredSpeed(0.002, 0.006, 0.0001, 0.0004, 8, "nothing", generated=False)
    assert workers.images_per_second == pytest.approx(1000)
    assert workers.bottleneck == "augment"
    device = replace(workers, augment=0.0001, on_device="augmentation")
    assert device.images_per_second == pytest.approx(1 / 0.0006)
    assert device.bottleneck == "train"
    assert replace(device, decode=0.002, on_device="decoding").bottleneck == "decode"
    assert replace(device, decode=0.02).bottleneck == "decode"
    assert replace(workers, workers=0).images_per_second == pytest.approx(1 / 0.0085)


def test_throughput_is_measured_on_the_recipes_own_network() -> None:
    assert measured_throughput(read_recipe("digits", ()), "cpu") > 0
