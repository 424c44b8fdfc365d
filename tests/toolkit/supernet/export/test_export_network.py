"""An exported network computes what the stand-alone network does, without lissnas."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from lissnas.errors import SettingError
from lissnas.supernet.export import export_network as export_module
from lissnas.supernet.export.export_network import ExportedNetwork, Measurement, export_network
from lissnas.supernet.export.module_source import module_source, plain_weights
from lissnas.supernet.recipes.recipe_file import read_recipe
from lissnas.supernet.stages.export import untrained_network
from torch import nn

SMALL = ("network.skeleton.stages=2", "network.skeleton.cells=2")

RECIPES = (
    ("digits", SMALL),
    ("digits", (*SMALL, "network.skeleton.residual=true")),
    ("nas-bench-macro", ()),
    ("spos", ("network.image_size=32", "images.files.augmentation.size=32", "paths=", "limits=")),
    ("abs-mobilenet", ("network.image_size=32", "images.files.augmentation.size=32", "limits=")),
)
"""Every kind of block: cells with both reductions, identities, inverted bottlenecks, and shuffled channels."""


def _random_statistics(network: nn.Module) -> None:
    """Give batch norms statistics, scales and shifts that leave no layer without effect."""
    rng = torch.Generator().manual_seed(0)
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        for values in (norm.running_mean, norm.bias.data):
            values.normal_(generator=rng)
        for values in (norm.running_var, norm.weight.data):
            values.uniform_(0.5, 2, generator=rng)


def _loaded(folder: Path) -> nn.Module:
    """Return the network of an exported folder, whose module file imports only torch."""
    source = (folder / "model.py").read_text()
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {alias.name for node in imports for alias in node.names} == {"torch", "Tensor", "nn"}
    names: dict[str, type[nn.Module]] = {"__name__": "model"}  # type: ignore[dict-item]
    exec(source, names)
    network = names["Network"]()
    network.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    return network.eval()


@pytest.mark.parametrize(("name", "changes"), RECIPES)
def test_an_exported_path_computes_what_the_stand_alone_network_does(
    tmp_path: Path, name: str, changes: tuple[str, ...]
) -> None:
    recipe = read_recipe(name, changes)
    space = recipe.network.search_space()
    row = space.sample(1, np.random.default_rng(3))[0]
    alone = recipe.network.build(np.random.default_rng(0)).stand_alone(row).eval()
    _random_statistics(alone)
    network = ExportedNetwork(recipe, row, plain_weights(alone), "supernet", Measurement(12.5, None, "images"))
    files = export_network(network, tmp_path / "exported", license="mit")
    assert sorted(files) == sorted(path.name for path in (tmp_path / "exported").iterdir())
    images = torch.randn(2, recipe.network.input_channels, *[recipe.network.image_size] * 2)
    with torch.no_grad():
        expected = alone(images) if name == "digits" else alone(images, [0] * len(row))
        assert torch.equal(_loaded(tmp_path / "exported")(images), expected)
    config = json.loads((tmp_path / "exported/config.json").read_text())
    assert space.read([config["architecture"]]).tolist() == [row.tolist()]
    assert config["top1"] == 12.5
    assert config["parameters"] == sum(weights.numel() for weights in alone.parameters())
    card = (tmp_path / "exported/README.md").read_text()
    assert card.startswith("---\nlicense: mit\n")
    assert f"{config['multiply_accumulates']:,}" in card
    assert read_recipe(str(tmp_path / "exported/recipe.toml")) == recipe


def test_an_architecture_that_timm_has_is_also_written_with_its_names(tmp_path: Path) -> None:
    changes = ("network.space=mobilenetv2", "network.image_size=32", "images.files.augmentation.size=32", "limits=")
    recipe = read_recipe("abs-mobilenet", changes)
    rows = recipe.network.search_space().read(["-".join(["k3e6"] * 16), "-".join(["k5e6"] + ["k3e6"] * 15)])
    network = untrained_network(recipe, rows[0])
    assert "timm.pt" in export_network(network, tmp_path)
    written = torch.load(tmp_path / "timm.pt", weights_only=True)
    assert torch.equal(written["blocks.2.0.conv_dw.weight"], network.weights["layers.2.3.weight"])
    assert json.loads((tmp_path / "config.json").read_text())["timm_architecture"] == "mobilenetv2_100"
    assert 'timm.create_model("mobilenetv2_100", num_classes=1000)' in (tmp_path / "README.md").read_text()
    assert untrained_network(recipe, rows[1]).timm_name is None


def test_onnx_and_safetensors_have_the_same_network(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    load_file = pytest.importorskip("safetensors.torch").load_file
    recipe = read_recipe("digits", SMALL)
    network = untrained_network(
        recipe,
        recipe.network.search_space().read(
            ["|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"]
        )[0],
    )
    export_network(network, tmp_path, ("pytorch", "safetensors", "onnx"))
    saved = load_file(tmp_path / "model.safetensors")
    assert saved.keys() == network.weights.keys()
    assert all(torch.equal(saved[name], values) for name, values in network.weights.items())
    images = torch.randn(5, 1, 8, 8)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    [found] = session.run(None, {"images": images.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, _loaded(tmp_path)(images).numpy(), rtol=0, atol=1e-5)


def test_a_missing_package_is_named_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    recipe = read_recipe("digits", SMALL)
    network = untrained_network(recipe, recipe.network.search_space().rows([7])[0])
    with pytest.raises(SettingError, match=r"needs onnx, which is not installed: pip install 'lissnas\[export\]'"):
        export_module.export_network(network, tmp_path / "new", ("onnx",))
    assert not (tmp_path / "new").exists()


def test_a_module_file_names_its_architecture() -> None:
    recipe = read_recipe("spos")
    assert module_source(recipe.network, recipe.network.search_space().read(["3" * 20])[0]).startswith(
        f'"""{"3" * 20}, an'
    )
