"""The weights of a file that supernets begin with."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lissnas.errors import LissnasError, SettingError
from lissnas.supernet.export.module_source import plain_weights
from lissnas.supernet.recipes.recipe_file import read_recipe
from lissnas.supernet.shrinking.shrinking_loop import reinitialize
from lissnas.supernet.stages.initial_weights import initial_weights
from lissnas.supernet.stages.run_folder import RunFolder
from lissnas.supernet.stages.supernet_run import SupernetRun
from lissnas.supernet.training.process_group import join_process_group

SMALL = ("network.image_size=32", "images.files.augmentation.size=32", "paths=", "limits=", "network.affine=true")


def test_a_supernet_begins_with_the_weights_of_a_file_which_may_not_change(tmp_path: Path) -> None:
    file, sentences = tmp_path / "weights.pt", list[str]()
    recipe = read_recipe("spos", (*SMALL, f"initial_weights={file}"))
    network = recipe.network.build(np.random.default_rng(0))
    row = network.space.sample(1, np.random.default_rng(1))[0]
    torch.save(plain_weights(network.stand_alone(row)), file)
    run_folder = RunFolder(tmp_path / "run")
    with join_process_group("cpu") as group:
        run = SupernetRun(recipe, run_folder, group, lambda *_: None, (), sentences.append)
        run.write_recipe()
        weights = initial_weights(run, network)
        assert weights is not None
        [architecture] = network.space.write(row[None])
        assert sentences == [f"the path {architecture} begins with the weights of {file} (lissnas)"]
        begun = reinitialize(network, np.random.default_rng(2), "torch", weights)
        given = {name for name in weights if name in begun}
        assert all(torch.equal(begun[name], weights[name]) for name in given)
        drawn = reinitialize(network, np.random.default_rng(2), "torch")
        assert all(torch.equal(begun[name], drawn[name]) for name in drawn.keys() - given)
        (run_folder.loop / "training-0").mkdir(parents=True)
        (run_folder.loop / "training-0/step-0000000001.pt").touch()
        torch.save({name: value + 1 for name, value in torch.load(file).items()}, file)
        with pytest.raises(LissnasError, match=r"weights.pt: is not the file that the run in .*run began with"):
            initial_weights(run, network)


def test_cells_take_no_weights_from_files(tmp_path: Path) -> None:
    recipe = read_recipe("digits", (f"initial_weights={tmp_path / 'weights.pt'}",))
    with join_process_group("cpu") as group:
        run = SupernetRun(recipe, RunFolder(tmp_path), group, lambda *_: None)
        with pytest.raises(SettingError, match="the space cell201 takes no weights from files"):
            initial_weights(run, recipe.network.build(np.random.default_rng(0)))
