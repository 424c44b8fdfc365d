"""The weights that a run begins with, on the command line: other ones are refused once there is work, not before."""

from pathlib import Path

import numpy as np
import pytest
from command import Command
from image_tree import make_tree, own_recipe

pytest.importorskip("torch")
import torch
from lissnas.supernet.export.module_source import plain_weights
from lissnas.supernet.recipes.recipe_file import read_recipe


def test_a_run_refuses_other_initial_weights_than_it_began_with(in_process: Command, tmp_path: Path) -> None:
    make_tree(tmp_path / "tree", training=8, validation=1)
    (tmp_path / "own.toml").write_text(own_recipe("folder", "tree/train", "tree/val"))
    for seed, name in enumerate(("one.pt", "other.pt")):
        network = read_recipe(str(tmp_path / "own.toml"), ()).network.build(np.random.default_rng(seed))
        row = network.space.sample(1, np.random.default_rng(0))[0]
        torch.save(plain_weights(network.stand_alone(row)), tmp_path / name)

    def refused(*words: str) -> str:
        called = in_process("supernet", "train", *words, folder=tmp_path)
        assert called.returncode == 2
        assert called.stderr.count("\n") == 1
        return called.stderr

    def trained(*words: str) -> dict[str, torch.Tensor]:
        called = in_process("supernet", "train", "own.toml", *words, folder=tmp_path)
        assert (called.returncode, called.stderr) == (0, "")
        weights: dict[str, torch.Tensor] = torch.load(
            tmp_path / words[-1] / "loop/training-0/step-0000000001.pt", weights_only=True
        )["network"]
        return weights

    # a start that fails before any work leaves the choice of weights open
    too_large = ("--set", "training.batch_size=2048", "--out", "run")
    assert "batch" in refused("own.toml", "--weights", "one.pt", *too_large)
    other = trained("--weights", "other.pt", "--out", "run")
    one = trained("--weights", "one.pt", "--out", "run of one")
    drawn = trained("--out", "run of none")
    assert len({each["classifier.weight"].sum().item() for each in (one, other, drawn)}) == 3

    # afterwards it is fixed
    said = "initial_weights is other.pt; in this run it is"
    assert f"{said} one.pt; give each run its own" in refused("--weights", "one.pt", "--out", "run")
    assert f"{said} ; give" in refused("--out", "run", "--set", "initial_weights=")
    assert "initial_weights is ; in this run it is one.pt" in refused("--weights", "one.pt", "--out", "run of none")
    (tmp_path / "other.pt").write_bytes((tmp_path / "one.pt").read_bytes())
    assert "other.pt: is not the file that the run in run began with: restore that file" in refused("--out", "run")

    # checkpoints know their initial weights, also without the files that say what a run is
    (tmp_path / "run/recipe.toml").unlink()
    (tmp_path / "run/initial-weights.sha256").write_bytes((tmp_path / "run of one/initial-weights.sha256").read_bytes())
    said = "another run, in which data.initial_weights is"
    assert said in refused("own.toml", "--weights", "one.pt", "--out", "run")
