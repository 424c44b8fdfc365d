"""The commands that print recipes and plans of supernet runs."""

import json
from pathlib import Path

import pytest
from command import Command
from image_tree import make_tree


def test_a_recipe_is_printed_as_a_recipe_file(in_process: Command, tmp_path: Path) -> None:
    printed = in_process("supernet", "recipe", "digits", "--set", "training.steps=7", folder=tmp_path).stdout
    (tmp_path / "own.toml").write_text(printed)
    again = in_process("supernet", "recipe", "own.toml", "--json", folder=tmp_path).stdout
    assert "steps = 7\n" in printed
    assert printed.endswith(json.loads(again)["result"]["text"])


def test_the_hours_of_a_plan_are_the_sum_over_its_stages(in_process: Command, tmp_path: Path) -> None:
    words = ("supernet", "plan", "digits", "--set", "loop.max_rounds=1", "--images-per-second", "0.5")
    told = in_process(*words, folder=tmp_path).stdout
    stages = {line[0]: line[-1] for line in (row.split() for row in told.splitlines()[1:7])}
    assert (stages["shrinking"], stages["search"]) == ("8.74", "8.89")
    assert "0.500 images per second on one device, as given" in told
    planned = json.loads(in_process(*words, "--json", folder=tmp_path).stdout)["result"]
    assert planned["hours"] == pytest.approx(sum(stage["gpu_hours"] for stage in planned["stages"]))
    assert planned["stages"][-1] == {
        "name": "closing recalibration", "steps": 0, "images": 1000, "gpu_hours": pytest.approx(1000 / 3 / 0.5 / 3600)
    }  # fmt: skip


def test_devices_share_all_of_a_run_but_the_closing_recalibration(in_process: Command, tmp_path: Path) -> None:
    words = ("supernet", "plan", "spos", "--images-per-second", "1000", "--gpus", "8", "--json")
    planned = json.loads(in_process(*words, folder=tmp_path).stdout)["result"]
    *shared, closing = (stage["gpu_hours"] for stage in planned["stages"])
    assert planned["hours"] == pytest.approx(sum(shared) / 8 + closing)


def test_a_plan_says_how_many_networks_a_round_scores(in_process: Command, tmp_path: Path) -> None:
    def scoring(*changes: str) -> str:
        words = [word for change in changes for word in ("--set", change)]
        told = in_process("supernet", "plan", "digits", *words, folder=tmp_path).stdout
        return next(line for line in told.splitlines() if "scoring a network takes" in line)

    assert scoring().endswith("a round scores at most 59 to shrink, and 118 for its means")
    assert scoring("loop.max_rounds=0").endswith("takes 800 images")
    weight_angle = scoring("shrinking.method=weight-angle", "shrinking.settings=")
    assert weight_angle.endswith("the rounds score no networks, because weight angles need no images")


def test_a_plan_says_what_to_lower_where_scoring_takes_more_images_than_training(
    in_process: Command, tmp_path: Path
) -> None:
    def told(*changes: str) -> str:
        words = [word for change in changes for word in ("--set", change)]
        return in_process("supernet", "plan", "spos", *words, folder=tmp_path).stdout

    before = told("loop.mean_sample_size=299")
    assert "training the supernet 215,142,400: lower loop.mean_sample_size, loop.max_rounds" in before
    assert "scoring.recalibration_batches or images.files.held_out_per_class, or raise shrinking.settings.qua" in before
    assert "lower loop.mean_sample_size" not in told("search.evaluations=50", "loop.max_rounds=1")
    only_searched = told("search.evaluations=9000", "loop.max_rounds=0")
    assert "lower search.evaluations, scoring.recalibration_batches or images.files.held_out" in only_searched


def test_a_measured_plan_names_its_bottleneck(in_process: Command, tmp_path: Path) -> None:
    make_tree(tmp_path / "imagenet", training=6, validation=1)
    changes = ["images.train=imagenet/train", "images.validation=imagenet/val", "images.files.classes=4"]
    changes += ["network.classes=4", "training.batch_size=4", "training.micro_batch_size=4"]
    words = [word for change in changes for word in ("--set", change)]
    told = in_process("supernet", "plan", "nas-bench-macro", "--measure", "--json", *words, folder=tmp_path).stdout
    planned = json.loads(told)["result"]
    assert set(planned["milliseconds"]) == {"decode", "augment", "copy", "train"}
    assert min(planned["milliseconds"].values()) > 0
    assert planned["bottleneck"] in planned["milliseconds"]
    told = in_process("supernet", "plan", "digits", "--measure", folder=tmp_path).stdout
    assert "to train; the bottleneck: train" in told


def test_a_plan_fits_a_narrow_terminal(in_process: Command, tmp_path: Path) -> None:
    told = in_process("supernet", "plan", "angle-shufflenetv2", folder=tmp_path, COLUMNS="60").stdout
    assert "device hours" in told.splitlines()[0]
    assert "123,084,800" in told


def test_help_names_the_recipes(in_process: Command, tmp_path: Path) -> None:
    for command in ("plan", "recipe", "train"):
        told = in_process("supernet", command, "--help", folder=tmp_path).stdout
        assert "abs-mobilenet, angle-shufflenetv2, digits" in told
        assert " RECIPE " in told
