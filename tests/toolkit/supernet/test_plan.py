"""The plan of a run: the published sizes of SPOS, and what a real training keeps and writes."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from lissnas.supernet.path_training import train_paths
from lissnas.supernet.paths import UniformPaths
from lissnas.supernet.plan import measured_throughput, plan
from lissnas.supernet.recipe_file import read_recipe
from lissnas.supernet.run_images import open_images
from torch.nn.functional import cross_entropy


def test_spos_trains_on_as_many_images_as_its_authors_say() -> None:
    made = plan(read_recipe("spos", ()))
    stages = {stage.name: stage for stage in made.stages}
    assert (stages["training"].steps, stages["training"].images) == (150_000, 153_600_000)
    assert (stages["retraining"].steps, stages["retraining"].images) == (300_000, 307_200_000)
    assert made.scored_network is not None
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
    assert plan(read_recipe("abs-mobilenet", ())).networks_a_round == 0


def test_a_checkpoint_is_as_large_as_planned(tmp_path: Path) -> None:
    recipe = read_recipe("digits", ("training.steps=60",))
    network = recipe.network.build(np.random.default_rng(0))
    source, rng = open_images(recipe, tmp_path), np.random.default_rng(0)
    paths = UniformPaths(network.space)
    train_paths(network, source.train, paths, recipe.training, rng, tmp_path / "run", device="cpu")
    [written] = (tmp_path / "run").glob("step-*.pt")
    planned = plan(recipe).checkpoint_bytes
    # On top come the heads of some hundred tensors.
    assert planned < written.stat().st_size < planned + 1_000 * len(network.state_dict())


def test_activations_are_what_a_real_pass_of_the_dearest_path_keeps() -> None:
    recipe = read_recipe("digits", ())
    network = recipe.network.build(np.random.default_rng(0)).train()
    dearest = [3] * 6
    images = torch.zeros(recipe.training.norm_batch, 1, 8, 8)
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = cross_entropy(network(images, dearest), torch.zeros(len(images), dtype=torch.int64))
    weights = {each.untyped_storage().data_ptr() for each in network.parameters()}
    real = sum(storage.nbytes() for place, storage in kept.items() if place not in weights)
    assert loss.requires_grad
    assert plan(recipe).activation_bytes == pytest.approx(real, rel=0.02)


def test_throughput_is_measured_on_the_recipes_own_network() -> None:
    assert measured_throughput(read_recipe("digits", ()), "cpu") > 0
