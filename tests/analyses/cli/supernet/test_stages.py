"""The commands on supernets, run for real: the recipe "digits" with a few steps, in one folder."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from command import Command
from forked_command import printed, run_command
from forked_group import run_group
from image_tree import make_shards, make_tree, own_recipe

STEPS = ("--set", "training.steps=12", "--set", "loop.steps_per_round=4", "--set", "loop.max_rounds=1")


def _set(changes: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for change in changes for word in ("--set", change))


ANGLES = _set(("shrinking.settings=", "shrinking.method=weight-angle", "shrinking.settings.stop_size=100"))
"""Shrinks in every round, whatever the scores are."""


@pytest.fixture(scope="module")
def trained(session_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `run`, a supernet trained for twelve steps."""
    folder = tmp_path_factory.mktemp("supernet")
    run_group(run_command, folder, "supernet", "train", "digits", *STEPS, "--out", "run", world_size=1)
    stdout, stderr = printed(folder)
    assert "trained for 12 steps of 64 images" in stdout
    assert stderr == ""
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained / "run", tmp_path / "run")
    return tmp_path


def test_a_run_shrinks_searches_and_retrains_without_naming_its_recipe_again(in_process: Command, run: Path) -> None:
    before = (run / "run/loop/training-0/step-0000000012.pt").read_bytes()
    assert in_process("supernet", "shrink", "--out", "run", folder=run).returncode == 0
    assert (run / "run/loop/training-0/step-0000000012.pt").read_bytes() == before
    rounds = pl.read_parquet(run / "run/shrinking/rounds.parquet")
    assert rounds["round"].to_list() == [1]
    searched = in_process("supernet", "search", "--out", "run", "--set", "search.evaluations=21", folder=run)
    assert searched.returncode == 0
    found = pl.read_parquet(run / "run/search/search.parquet")
    assert found.height == found["architecture"].n_unique() == 21
    words = ("supernet", "retrain", "--out", "run", "--set", "retraining.steps=4", "--json")
    score = json.loads((first := in_process(*words, folder=run)).stdout)["result"]
    best = found.sort("accuracy", descending=True, maintain_order=True)["architecture"][0]
    assert score["findings"][0].startswith(f"{best}: top-1 ")
    assert (score["architecture"], score["images"]) == (best, 397)
    assert score["files"] == ["retrained.json", "manifest.json"]
    manifest = run / score["folder"] / "manifest.json"
    told = manifest.read_bytes()
    assert json.loads(told)["files"] == ["retrained.json"]
    assert json.loads(in_process(*words, folder=run).stdout) == json.loads(first.stdout)
    assert manifest.read_bytes() == told
    other = in_process(*words, "--architecture", found["architecture"][20], folder=run)
    assert json.loads(other.stdout)["result"]["architecture"] == found["architecture"][20]
    assert manifest.read_bytes() == told


def test_documents_of_stages_have_the_numbers_of_their_tables(in_process: Command, run: Path) -> None:
    def result(*words: str) -> dict[str, Any]:
        called = in_process("supernet", *words, "--out", "run", "--json", folder=run)
        found: dict[str, Any] = json.loads(called.stdout)["result"]
        return found

    training = result("train")
    assert (training["steps"], training["loss"]) == (12, None)
    evaluation = result("evaluate", "--random", "3")
    assert evaluation["networks"] == pl.read_parquet(run / "run/evaluation/evaluation.parquet").to_dicts()
    shrinking = result("shrink", *ANGLES)
    assert shrinking["rounds"] == pl.read_parquet(run / "run/shrinking/rounds.parquet").to_dicts()
    assert shrinking["networks_at_least"] == shrinking["rounds"][0]["networks_at_least"] < 15_625
    assert shrinking["subspace_file"] == "run/loop/space-1.parquet"
    search = result("search", "--set", "search.evaluations=21")
    best = pl.read_parquet(run / "run/search/search.parquet").sort("accuracy", descending=True, maintain_order=True)
    assert (search["best"], search["evaluations"]) == (best.drop("evaluation").to_dicts()[0], 21)


def test_a_search_may_train_a_new_supernet_in_the_shrunk_space(in_process: Command, run: Path) -> None:
    training = ("steps=3", "batch_size=64", "micro_batch_size=64", "learning_rate=0.05", 'initialization="torch"')
    words = ("supernet", "search", "--out", "run", *_set(f"search_training.{key}" for key in training))
    assert in_process("supernet", "shrink", "--out", "run", *ANGLES, folder=run).returncode == 0
    searched = in_process(*words, "--set", "search.evaluations=21", folder=run)
    assert (searched.returncode, searched.stderr) == (0, "")
    [checkpoint] = (run / "run/search/training-1/supernet").glob("step-*.pt")
    written = checkpoint.stat().st_mtime_ns
    shrunk = torch.load(max((run / "run/loop/training-1").glob("*.pt")), weights_only=True)["network"]
    new = torch.load(checkpoint, weights_only=True)["network"]
    assert not torch.equal(shrunk["classifier.weight"], new["classifier.weight"])
    assert in_process(*words, "--set", "search.evaluations=22", folder=run).returncode == 0
    assert checkpoint.stat().st_mtime_ns == written
    other = in_process(*words, "--set", "search_training.steps=4", folder=run)
    assert other.returncode == 2
    assert "search_training.steps" in other.stderr


def test_a_new_training_reports_its_last_loss(in_process: Command, tmp_path: Path) -> None:
    called = in_process("supernet", "train", "digits", *STEPS, "--out", "run", "--json", folder=tmp_path)
    result = json.loads(called.stdout)["result"]
    assert result["steps"] == 12
    assert 0 < result["loss"] < 5


def test_scoring_with_other_settings_leaves_the_recipe_of_the_run_unchanged(in_process: Command, run: Path) -> None:
    recipe = (run / "run/recipe.toml").read_bytes()
    words = ("supernet", "evaluate", "--out", "run", "--random", "3")
    scores = []
    for changes, status in (
        ((), 0),
        (("scoring.recalibration_batches=0",), 0),
        (("scoring.recalibration_batches=9",), 2),
    ):
        called = in_process(*words, *_set(changes), folder=run)
        assert called.returncode == status
        assert (run / "run/recipe.toml").read_bytes() == recipe
        scores.append(pl.read_parquet(run / "run/evaluation/evaluation.parquet")["accuracy"].to_list())
    assert scores[0] != scores[1] == scores[2]
    assert len(list((run / "run/evaluation").glob("scores-*.jsonl"))) == 2


def test_evaluate_may_use_other_scoring_settings_after_a_search_but_search_may_not(
    in_process: Command, run: Path
) -> None:
    assert (
        in_process("supernet", "search", "--out", "run", "--set", "search.evaluations=21", folder=run).returncode == 0
    )
    other = ("--set", "scoring.recalibration_batches=1")
    assert in_process("supernet", "evaluate", "--out", "run", "--random", "2", *other, folder=run).returncode == 0
    refused = in_process("supernet", "search", "--out", "run", *other, folder=run)
    assert "scoring.recalibration_batches is 2; in this run it is 1" in refused.stderr


@pytest.mark.parametrize("mistake", ["training.batch_size=2048", "training.learning_rate=1e30"])
def test_a_training_that_failed_at_its_start_starts_again_in_the_same_folder(
    mistake: str, in_process: Command, tmp_path: Path
) -> None:
    words = ("supernet", "train", "digits", *STEPS, "--set", "training.grad_clip_value=", "--out", "run")
    assert in_process(*words, "--set", mistake, folder=tmp_path).returncode == 2
    key = mistake.partition("=")[0]
    corrected = in_process(
        "supernet", "train", "--out", "run", "--set", f"{key}={0.1 if 'rate' in key else 64}", folder=tmp_path
    )
    assert (corrected.returncode, corrected.stderr) == (0, "")


def test_a_shrinking_that_failed_at_its_start_may_start_again_with_other_settings(
    in_process: Command, run: Path
) -> None:
    recipe = (run / "run/recipe.toml").read_bytes()
    kernel = ("shrinking.settings=", "shrinking.method=kernel", "shrinking.settings.evaluations=20")
    for mistake in (("scoring.recalibration_batches=200",), (*kernel, "shrinking.settings.size=99999")):
        failed = in_process("supernet", "shrink", "--out", "run", *_set(mistake), folder=run)
        assert failed.returncode == 2
        assert (run / "run/recipe.toml").read_bytes() == recipe
    settings = (*kernel, "loop.mean_sample_size=2")
    assert in_process("supernet", "shrink", "--out", "run", *_set(settings), folder=run).returncode == 0
    refused = in_process("supernet", "shrink", "--out", "run", "--set", "shrinking.settings.size=99", folder=run)
    assert "shrinking.settings.size is 500; in this run it is 99" in refused.stderr


def test_a_search_before_shrinking_does_not_count_after_it(in_process: Command, run: Path) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return in_process("supernet", *words, "--out", "run", folder=run)

    assert call("search", "--set", "search.evaluations=21").returncode == 0
    assert call("shrink", *ANGLES, "--set", "loop.max_rounds=2").returncode == 0
    assert "the search was done before training 2 of the supernet; run" in call("retrain").stderr
    assert call("search").returncode == 0
    assert json.loads((run / "run/search/manifest.json").read_bytes())["training"] == 2
    assert call("retrain", "--set", "retraining.steps=2").returncode == 0
    assert "loop.max_rounds is 1, but 2 rounds are done" in call("shrink", "--set", "loop.max_rounds=1").stderr
    (run / "run/loop/training-2/step-0000000004.pt").unlink()
    said = "training 2 of the supernet is at step 0 of 4; finish it with 'lissnas supernet shrink --out run'"
    assert said in call("search").stderr


def test_a_search_that_scores_nothing_new_keeps_its_manifest(in_process: Command, run: Path) -> None:
    words = ("supernet", "search", "--out", "run", "--set")
    assert in_process(*words, "search.evaluations=21", folder=run).returncode == 0
    told = (run / "run/search/manifest.json").read_bytes()
    assert in_process(*words, "checkpoints.keep=2", folder=run).returncode == 0
    assert (run / "run/search/manifest.json").read_bytes() == told
    assert in_process(*words, "search.evaluations=22", folder=run).returncode == 0
    assert (run / "run/search/manifest.json").read_bytes() != told


def test_a_search_reports_that_it_found_fewer_networks_than_requested(in_process: Command, run: Path) -> None:
    few = (*ANGLES, "--set", "shrinking.settings.drops_per_round=20", "--set", "shrinking.settings.stop_size=1")
    assert in_process("supernet", "shrink", "--out", "run", *few, folder=run).returncode == 0
    left = pl.read_parquet(run / "run/shrinking/rounds.parquet")["networks_at_most"][0]
    asked = ("--set", f"search.evaluations={left + 1}")
    called = in_process("supernet", "search", "--out", "run", *asked, folder=run)
    assert f"{left:,} networks scored of {left + 1:,} requested: the search found no more\n" in called.stdout


def test_given_and_random_networks_get_the_same_scores_each_time(in_process: Command, run: Path) -> None:
    words = ("supernet", "evaluate", "--out", "run", "--random", "3", "--file", "given.txt")
    given = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
    (run / "given.txt").write_text(given + "\n")
    assert in_process(*words, folder=run).returncode == 0
    scores = pl.read_parquet(run / "run/evaluation/evaluation.parquet")
    assert scores["architecture"][0] == given
    assert scores.height == 4
    assert scores["accuracy"].is_between(0, 100).all()
    shutil.rmtree(run / "run/evaluation")
    (run / "given.txt").write_text("(2, 1, 0, 1, 1, 3)\n")  # as NASLib writes it
    assert in_process(*words, "--format", "naslib-201", folder=run).returncode == 0
    assert pl.read_csv(run / "run/evaluation/evaluation.csv").equals(scores)


def test_each_training_has_its_own_tensorboard_folder(in_process: Command, run: Path) -> None:
    """A finished training writes no log."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    words = ("--out", "run", "--set", "loop.steps_per_round=3", "--set", "retraining.steps=4", "--log", "tensorboard")
    assert in_process("supernet", "shrink", *words, folder=run).returncode == 0
    given = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
    assert in_process("supernet", "retrain", "--architecture", given, *words, folder=run).returncode == 0
    assert (
        in_process(
            "supernet", "train", "digits", *STEPS, "--out", "other", "--log", "tensorboard", folder=run
        ).returncode
        == 0
    )
    seen = {}
    for folder in (*(run / "run/tensorboard").iterdir(), *(run / "other/tensorboard").iterdir()):
        seen[folder.name.partition("-")[0], folder.parts[-3]] = EventAccumulator(str(folder)).Reload().Scalars("loss")
    kept = int((run / "run/loop/space-1.parquet").exists())
    assert {name: len(losses) for name, losses in seen.items()} == {
        ("retraining", "run"): 4,
        ("training", "other"): 12,
        **({("training", "run"): 3} if kept else {}),
    }


def test_the_first_of_two_processes_writes_the_document(run: Path) -> None:
    words = ("supernet", "evaluate", "--out", "run", "--random", "2", "--json", "--device", "cpu")
    run_group(run_command, run, *words)
    assert len(json.loads(printed(run, rank=0)[0])["result"]["findings"]) == 3
    assert printed(run, rank=1)[0] == ""


def test_a_tree_of_images_and_its_shards_train_the_same_supernet(in_process: Command, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", training=8, validation=3)
    (tmp_path / "shards").mkdir()
    places = {"folder": (tree / "train", tree / "val"), "shards": make_shards(tree, tmp_path / "shards")}
    weights = {}
    for kind, (train, validation) in places.items():
        (tmp_path / f"{kind}.toml").write_text(own_recipe(kind, str(train), str(validation), steps=2, workers=1))
        called = in_process("supernet", "train", f"{kind}.toml", "--out", kind, folder=tmp_path, OMP_NUM_THREADS="1")
        assert (called.returncode, called.stderr) == (0, "")
        weights[kind] = torch.load(tmp_path / kind / "loop/training-0/step-0000000002.pt")["network"]
    torch.testing.assert_close(weights["shards"], weights["folder"], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "plan digits --gpus 2",
            "[training] 1 micro-batch of 64 images cannot be divided among 2 processes: start at most 1",
        ),
        (
            "plan spos --gpus 8 --set retraining.micro_batch_size=256",
            "[retraining] 4 micro-batches of 256 images cannot be",
        ),
        ("plan digits --images-per-second inf", "Must be a number above 0, and finite"),
        ("plan digits --images-per-second nan", "Must be a number above 0, and finite"),
        (
            "train digits --out run",
            "training.steps is 12; in this run it is 1500; give each run its own",
        ),
        ("train --out run --set seed=1", "seed is 0; in this run it is 1"),
        (
            "train --out run --set images.kind=fashion-mnist --set images.fashion_mnist=no",
            "in this run it is fashion-mnist; give",
        ),
        ("train --out run --set training.stps=1", "did you mean 'steps'?"),
        ("train --out nowhere", "holds no run; name a recipe"),
        ("train digit --out run", "did you mean 'digits'?"),
        (
            "train digits --out new --device gpu",
            "not a device that supernets run on; give cpu, cuda, or one GPU as cuda:1",
        ),
        ("train digits --out new --device mps", "--device mps: not a device that"),
        ("evaluate --out run --random 1 --device meta", "--device meta: not a device that"),
        ("evaluate --out run --random 1 --device cuda:99", "needs GPU 99 (counted from 0), but torch finds "),
        ("evaluate --out run", "nothing to score"),
        ("evaluate --out run --architecture nonsense", "nonsense"),
        ("evaluate --out run --file none.txt", "none.txt: cannot be read"),
        ("evaluate --out run --file bad.txt", "bad.txt, line 3: "),
        ("evaluate --out run --file bad.csv", "bad.csv, row 2: "),
        ("evaluate digits --out new --random 1", "new: holds no run; name a recipe to begin one"),
        ("evaluate --random 1 --out ", "--out: it names no folder; give one, or . for the current folder"),
        ("retrain --out run --architecture ", "'' is"),
        ("retrain --out run", "no winner of a search; run 'lissnas supernet search --out run'"),
    ],
)
def test_a_mistake_is_one_line(words: str, said: str, in_process: Command, run: Path) -> None:
    good = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    (run / "bad.txt").write_text(f"{good}\n\nnonsense\n")
    (run / "bad.csv").write_text(f"architecture\n{good}\nnonsense\n")
    called = in_process("supernet", *words.split(" "), folder=run)
    assert called.returncode == 2
    assert said in called.stderr
    assert called.stderr.count("\n") == 1


def test_a_truncated_checkpoint_is_refused(in_process: Command, run: Path) -> None:
    path = run / "run/loop/training-0/step-0000000012.pt"
    path.write_bytes(path.read_bytes()[:5000])
    called = in_process("supernet", "evaluate", "--out", "run", "--random", "2", folder=run)
    assert called.returncode == 2
    assert "step-0000000012.pt: damaged" in called.stderr
    assert called.stderr.count("\n") == 1


def test_without_torch_an_error_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv = ['lissnas', 'supernet', 'recipe', 'digits'];"
        "from lissnas_analyses.cli.supernet import options; options.find_spec = lambda name: None;"
        "from lissnas_analyses.cli.app import main; main()"
    )
    called = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert called.returncode == 2
    assert "pip install 'lissnas[supernet]'" in called.stderr
