"""Recipe files: packaged recipes are those of their papers, and every recipe can be printed and read again."""

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.errors import LissnasError, SettingError
from lissnas.optimizers.evolutionary_search import EvolutionarySearch
from lissnas.spaces.limited import LimitedSpace
from lissnas.supernet.recipes.packaged_recipes import heading, recipe_names
from lissnas.supernet.recipes.recipe_file import read_recipe
from lissnas.supernet.recipes.recipe_images import first_paths, open_images
from lissnas.supernet.recipes.recipe_text import differing_keys, meanings, recipe_text
from lissnas.supernet.recipes.run_recipe import LimitsRecipe, limits_without_effect
from lissnas.supernet.shrinking.shrinking_schedule import training_recipe_after
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage
from lissnas.supernet.stages.retrain import ABS_RETRAINING, SPOS_RETRAINING
from lissnas.supernet.training.path_samplers import (
    FairPathSampler,
    FlopsBinPathSampler,
    SandwichPathSampler,
    UniformPathSampler,
)
from lissnas.supernet.training.training_recipe import ABS, ABS_SEARCH, SPOS, abs_round

NAMES = (
    "abs-mobilenet",
    "angle-shufflenetv2",
    "digits",
    "fairnas",
    "fashion-mnist",
    "nas-bench-201",
    "nas-bench-macro",
    "spos",
)


def test_these_recipes_are_packaged() -> None:
    assert recipe_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_printed_recipe_reads_as_the_same_recipe(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(name)
    text = heading(name) + recipe_text(recipe)
    (tmp_path / "printed.toml").write_text(text)
    assert read_recipe(str(tmp_path / "printed.toml")) == recipe
    assert recipe_text(read_recipe(str(tmp_path / "printed.toml"))) == recipe_text(recipe)


@pytest.mark.parametrize("method", ["kernel", "weight-angle", "operation-pruning", "evolving"])
def test_the_printed_settings_of_any_method_read_as_the_same(method: str, tmp_path: Path) -> None:
    recipe = read_recipe("digits", [f"shrinking.method={method}", "shrinking.settings="])
    (tmp_path / "printed.toml").write_text(recipe_text(recipe))
    assert read_recipe(str(tmp_path / "printed.toml")) == recipe


@pytest.mark.parametrize(("table", "choice"), [("shrinking", "method=kernel"), ("search", "optimizer=random")])
def test_emptied_settings_let_a_recipe_choose_another_method(table: str, choice: str) -> None:
    read_recipe("digits", [f"{table}.{choice}", f"{table}.settings="])


@pytest.mark.parametrize("name", NAMES)
def test_every_key_of_a_recipe_is_explained(name: str) -> None:
    assert "None" not in recipe_text(read_recipe(name)), "TOML has no None: say what happens if the key is omitted"

    def check(table: Any) -> None:
        meant = meanings(type(table))
        for field in fields(table):
            assert meant.get(field.name), (type(table), field.name)
            if is_dataclass(getattr(table, field.name)):
                check(getattr(table, field.name))

    check(read_recipe(name))


def test_packaged_recipes_of_papers_equal_the_recipes_in_code() -> None:
    spos = read_recipe("spos")
    assert spos.training == SPOS
    assert spos.retraining == SPOS_RETRAINING
    assert not spos.network.affine
    assert spos.training.steps * spos.training.batch_size == 153_600_000
    for name in ("angle-shufflenetv2", "abs-mobilenet"):
        recipe = read_recipe(name)
        assert recipe.training == ABS
        assert recipe.search_training == ABS_SEARCH
        assert recipe.retraining == ABS_RETRAINING
        for number in (1, 2, 7):
            assert training_recipe_after(recipe.training, recipe.loop, number) == abs_round(number)
    assert read_recipe("abs-mobilenet").limits == LimitsRecipe(600_000_000, 475_000_000)
    searches = {name: read_recipe(name).search for name in ("spos", "angle-shufflenetv2", "abs-mobilenet", "fairnas")}
    assert {search.evaluations for search in searches.values()} == {20 * 50}
    assert searches.pop("spos").settings == EvolutionarySearch(population=50, parents=10, probability=0.1)
    assert {search.settings for search in searches.values()} == {EvolutionarySearch(probability=0.5)}
    assert read_recipe("fairnas").shrinking.settings == WeightAngleShrinkage(
        drops_per_round=1, count_drops_per_gene=True
    )


def test_a_recipe_builds_its_network_and_its_paths() -> None:
    for name in ("digits", "nas-bench-macro"):
        recipe = read_recipe(name)
        network = recipe.network.build(np.random.default_rng(0))
        assert network.space.name == recipe.network.space
        assert network.classifier.out_features == 10  # type: ignore[union-attr, operator]
    bins = first_paths(read_recipe("spos"))
    assert isinstance(bins, FlopsBinPathSampler)
    assert isinstance(first_paths(read_recipe("fairnas")), FairPathSampler)
    assert isinstance(first_paths(read_recipe("digits", ["paths.sampler=sandwich"])), SandwichPathSampler)
    assert isinstance(first_paths(read_recipe("digits")), UniformPathSampler)
    costs = read_recipe("spos").network.costs().multiply_accumulates
    drawn = np.concatenate([bins.next(np.random.default_rng(seed)) for seed in range(20)])
    assert ((costs(drawn) >= 290e6) & (costs(drawn) < 360e6)).all()


def test_a_chain_takes_images_of_one_channel() -> None:
    changes = ["network.space=macro", "network.skeleton=", "images.kind=fashion-mnist"]
    recipe = read_recipe("digits", changes)
    assert recipe.network.build(np.random.default_rng(0)).stem[0][0].in_channels == 1  # type: ignore[index]


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("size", [8, 32])
def test_costs_of_cells_equal_those_of_the_built_networks(residual: bool, size: int) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    changes = [f"network.skeleton.residual={str(residual).lower()}", "network.skeleton.stages=3"]
    network = replace(read_recipe("digits", changes).network, image_size=size)
    rows = network.search_space().rows([0, 9_000, 15_624])
    built = network.build(np.random.default_rng(0))
    for row, flops, parameters in zip(
        rows, network.costs().multiply_accumulates(rows), network.costs().parameters(rows), strict=True
    ):
        alone = built.stand_alone(row).eval()
        with FlopCounterMode(display=False) as counter:
            alone(torch.zeros(1, 1, size, size))
        dead = parameters - sum(weights.numel() for weights in alone.parameters())
        if dead:  # edges that lead nowhere are counted, as the benchmark does, and not built
            continue
        assert counter.get_total_flops() == 2 * flops


def test_limits_make_a_limited_space() -> None:
    spos = read_recipe("spos")
    space = spos.network.within(spos.limits.search_flops)
    assert isinstance(space, LimitedSpace)
    drawn = space.sample(50, np.random.default_rng(0))
    assert spos.network.costs().multiply_accumulates(drawn).max() <= 330_000_000
    assert spos.network.within(None).size == 4**20


def test_changes_on_the_command_line_are_read_as_toml() -> None:
    recipe = read_recipe(
        "digits",
        ["training.steps=2_000", "training.schedule=linear", "training.ema_decay=0.9", "loop.sizes=[]", "seed = 7"],
    )
    assert (recipe.training.steps, recipe.training.schedule, recipe.training.ema_decay) == (2000, "linear", 0.9)
    assert recipe.seed == 7
    assert read_recipe("digits", ["training.grad_clip_value="]).training.grad_clip_value is None
    keys = [key for key, _, _ in differing_keys(recipe, read_recipe("digits"))]
    assert keys == ["training.steps", "training.schedule", "training.ema_decay", "seed"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("training.stps=3", "unknown key 'stps' in [training]: did you mean 'steps'?"),
        ("trainin.steps=3", "unknown key 'trainin' at the top: did you mean 'training'?"),
        ("training.steps=1.5", "training.steps is 1.5: expected int, got float"),
        ("training.steps=true", "training.steps is True: expected int, got bool"),
        ("training.learning_rate=nan", "training.learning_rate is nan: expected a finite number"),
        ("training.steps=", "training.steps is missing"),
        ("training.steps=0", "[training] steps must be at least 1, not 0"),
        ("training.learning_rate=-0.5", "[training] learning_rate must be at least 0, not -0.5"),
        ("training.ema_decay=1.5", "[training] ema_decay must be at least 0 and at most 1, not 1.5"),
        ("training.momentum=0", "[training] Nesterov's momentum needs a momentum above 0"),
        ("training.ema_decay=1", "[training] ema_decay must be below 1"),
        ("training.micro_batch_size=1", "[training] micro_batch_size must be at least 2, not 1"),
        ("retraining.schedule_steps=-3", "[retraining] schedule_steps must be at least 1, not -3"),
        ("training.micro_batch_size=48", "64 images cannot be divided into micro-batches of 48"),
        ("training.schedule=cosin", "did you mean 'cosine'?"),
        ("training=3", "training must be a table"),
        ("training.steps.more=3", "steps is not a table"),
        ("training.steps", "a change is written as 'training.steps=2000'"),
        ("network.space=shufflenet", "did you mean 'shufflenetv2'?"),
        ("network.space=shufflenetv2", "a skeleton is for the space 'cell201', not for 'shufflenetv2'"),
        ("network.skeleton=", "the space 'cell201' needs the table network.skeleton"),
        ("network.image_size=9", "network.image_size is 9, but the images of the kind 'digits' have 8 pixels a side"),
        (
            "network.input_channels=3",
            "network.input_channels is 3, but the images of the kind 'digits' have 1 channels",
        ),
        ("network.classes=1000", "network.classes is 1000, but"),
        ("network.affine=false", "the batch norms of 'cell201' scale and shift"),
        ("network.skeleton.stages=5", "5 stages reduce 8 pixels to nothing: use fewer stages"),
        ("images.kind=folder", "images of the kind 'folder' need train"),
        ("images.train=here", "take neither train nor validation nor files"),
        ("paths.bin_edges=[1, 2]", "bin_edges are for the sampler 'flops-bins'"),
        ("paths.sampler=flops-bins", "bin_edges are for the sampler 'flops-bins', which needs them"),
        ("shrinking.method=weight-angel", "did you mean 'weight-angle'?"),
        ("shrinking.settings.seds=3", "unknown key 'seds' in [shrinking.settings]: did you mean 'seeds'?"),
        ("shrinking.settings.seeds=0", "[shrinking.settings] seeds must be at least 1, not 0"),
        ("search.optimizer=tp", "did you mean 'tpe'?"),
        ("shrinking.method=kernel", "--set shrinking.settings= removes the settings of another method"),
        ("search.optimizer=random", "known: none; --set search.settings= removes the settings of another optimizer"),
        ("limits.search_flops=5", "limits.search_flops: no network of cell201 costs at most 5 FLOPs (they cost "),
        ("loop.sizes=[50, 10]", "the method 'lissnas' has no size"),
        ("seed=-1", "seed must be at least 0"),
    ],
)
def test_a_mistake_in_a_recipe_names_the_file_and_the_key(change: str, said: str) -> None:
    with pytest.raises(SettingError) as raised:
        read_recipe("digits", [change])
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("held_out_per_class=0", "[images.files] held_out_per_class must be at least 1, not 0"),
        ("workers=-1", "[images.files] workers must be at least 0, not -1"),
        ("augmentation.max_aspect_ratio=0", "[images.files.augmentation] max_aspect_ratio must be at least 1, not 0"),
        ("augmentation.min_crop_area=2", "min_crop_area must be at least 0 and at most 1, not 2"),
    ],
)
def test_impossible_image_settings_are_refused_before_images_are_read(change: str, said: str) -> None:
    with pytest.raises(SettingError) as raised:
        read_recipe("spos", [f"images.files.{change}"])
    assert said in str(raised.value)


def test_a_limit_that_excludes_nothing_is_named() -> None:
    useless = read_recipe("angle-shufflenetv2", ["limits.search_flops=475_000_000"])
    assert limits_without_effect(useless) == (
        "limits.search_flops = 475,000,000 excludes nothing: the most expensive network of shufflenetv2 costs "
        "398,609,216 multiply-accumulates",
    )
    assert not any(limits_without_effect(read_recipe(name)) for name in NAMES)


@pytest.mark.parametrize("table", ["training", "search_training"])
def test_a_supernet_is_not_trained_on_the_images_that_score_it(table: str) -> None:
    with pytest.raises(SettingError, match=rf"{table}\.include_held_out: a supernet cannot be trained on the images"):
        read_recipe("abs-mobilenet", [f"{table}.include_held_out=true"])


def test_flops_bins_without_networks_are_refused() -> None:
    with pytest.raises(SettingError, match=r"no network of shufflenetv2 costs 1 to 2 FLOPs \(they cost "):
        read_recipe("spos", ["paths.bin_edges=[1, 2]"])


def test_files_that_are_not_recipes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match="did you mean 'digits'"):
        read_recipe("digit")
    with pytest.raises(LissnasError, match="'cell201' is a space; give a recipe of it: digits, fashion-mnist, nas-"):
        read_recipe("cell201")
    with pytest.raises(LissnasError, match="No such file"):
        read_recipe(str(tmp_path / "no.toml"))
    (tmp_path / "bad.toml").write_text("[training\nsteps=3")
    with pytest.raises(LissnasError, match=r"bad\.toml: not a TOML file .*line 1"):
        read_recipe(str(tmp_path / "bad.toml"))
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(LissnasError, match="not a TOML file"):
        read_recipe(str(tmp_path / "bad.toml"))


def test_missing_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match=r"nowhere/train: No such file or directory; give a folder"):
        open_images(read_recipe("spos", ["images.train=nowhere/train"]), tmp_path)
    with pytest.raises(LissnasError, match="install dataset-fashion-mnist"):
        open_images(read_recipe("fashion-mnist", [f"images.fashion_mnist={tmp_path}"]), tmp_path)
