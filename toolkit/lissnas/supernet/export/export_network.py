"""Writes one network into a folder: module file, weights, config, model card and recipe, ready for a model hub."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.space import Rows
from lissnas.storage.atomic_write import atomic_write
from lissnas.supernet.export.module_source import module_source
from lissnas.supernet.export.timm_weights import timm_weights
from lissnas.supernet.networks.weight_name_maps import timm_name
from lissnas.supernet.recipes.recipe_images import describe_input
from lissnas.supernet.recipes.recipe_text import recipe_text
from lissnas.supernet.recipes.run_recipe import RunRecipe

Format = Literal["pytorch", "safetensors", "onnx"]
"""Formats of weights: a PyTorch state dict, safetensors, or ONNX, which includes the network."""

WeightsKind = Literal["retrained", "supernet", "untrained"]
"""Weights of a network: trained alone, those of its path in a supernet, or initial ones."""

_MAX_ERROR = 1e-4
"""Largest difference between the outputs of ONNX Runtime and PyTorch, as a share of the largest output. Both compute in
32 bits, in different orders; over some sixty layers the differences were about 1e-6 (our own choice)."""

_CHECKED_IMAGES = 3
"""Number of random images on which ONNX Runtime is compared with PyTorch."""


@dataclass(frozen=True)
class Measurement:
    """An accuracy of a network.

    Attributes
    ----------
    top1, top5
        Percentage of the images; None if it was not measured.
    images
        The images, in words.
    """

    top1: float
    top5: float | None
    images: str


@dataclass(frozen=True)
class ExportedNetwork:
    """A network to export.

    Attributes
    ----------
    recipe
        The recipe of its run.
    row
        The architecture, shape (genes,).
    weights
        Its weights and batch-norm statistics, as `plain_weights` returns them.
    kind
        Where the weights are from.
    measurement
        Its accuracy with these weights; None if it was not measured.
    """

    recipe: RunRecipe
    row: Rows
    weights: Mapping[str, Tensor]
    kind: WeightsKind
    measurement: Measurement | None

    @property
    def architecture(self) -> str:
        """Official string of the architecture."""
        [architecture] = self.recipe.network.search_space().write(self.row[None])
        return architecture

    @property
    def timm_name(self) -> str | None:
        """Name that timm has for the architecture; None if it has none."""
        recipe = self.recipe.network
        return None if recipe.skeleton is not None else timm_name(recipe.chain().for_architecture(self.row))

    @property
    def multiply_accumulates(self) -> int:
        """Multiply-accumulates of the network per image."""
        return int(self.recipe.network.costs().multiply_accumulates(self.row[None])[0])

    @property
    def parameters(self) -> int:
        """Number of parameters that the file has."""
        return sum(
            values.numel() for name, values in self.weights.items() if name.rpartition(".")[2] in ("weight", "bias")
        )


def export_network(
    network: ExportedNetwork, folder: Path, formats: tuple[Format, ...] = ("pytorch",), license: str = "other"
) -> tuple[str, ...]:
    """Write a network into a folder, and return the names of the files.

    The folder gets `model.py`, which needs PyTorch and nothing else; the weights; `config.json`; `README.md`, a model
    card; and `recipe.toml`. It is ready to be uploaded to a model hub.

    Parameters
    ----------
    network
        The network.
    folder
        The folder; it is created.
    formats
        Formats of the weights. ONNX is checked: ONNX Runtime and PyTorch must give the same outputs.
    license
        License of the weights, as model hubs write it.

    Raises
    ------
    SettingError
        If a package for a format is not installed.
    LissnasError
        If the folder cannot be written, or ONNX Runtime computes something else.
    """
    needed = {"safetensors": ("safetensors.torch",), "onnx": ("onnx", "onnxruntime"), "pytorch": ()}
    packages = {name: _import(name) for each in formats for name in needed[each]}
    source = module_source(network.recipe.network, network.row)
    module = _module(source, network.weights)
    files = {
        "model.py": source.encode(),
        "config.json": json.dumps(_config(network), indent=2).encode() + b"\n",
        "README.md": _model_card(network, formats, license).encode(),
        "recipe.toml": recipe_text(network.recipe).encode(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            with atomic_write(folder / name) as file:
                file.write(content)
        written = list(files)
        if "pytorch" in formats:
            with atomic_write(folder / "model.pt") as file:
                torch.save(dict(network.weights), file)
            written.append("model.pt")
            if network.timm_name is not None:
                with atomic_write(folder / "timm.pt") as file:
                    torch.save(timm_weights(network.recipe.network.chain(), network.row, network.weights), file)
                written.append("timm.pt")
        if "safetensors" in formats:
            with atomic_write(folder / "model.safetensors") as file:
                file.write(packages["safetensors.torch"].save(dict(network.weights), {"format": "pt"}))
            written.append("model.safetensors")
        if "onnx" in formats:
            _write_onnx(module, network, folder / "model.onnx", packages["onnxruntime"])
            written.append("model.onnx")
    except OSError as error:
        raise LissnasError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    return tuple(written)


def _import(name: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise SettingError(
            f"this format needs {name.partition('.')[0]}, which is not installed: pip install 'lissnas[export]'"
        ) from error


def _module(source: str, weights: Mapping[str, Tensor]) -> nn.Module:
    """Return the network of a module file that `module_source` has just written, with weights."""
    names: dict[str, Any] = {}
    exec(compile(source, "model.py", "exec"), names)
    module: nn.Module = names["Network"]()
    module.load_state_dict(dict(weights))
    return module.eval()


def _write_onnx(module: nn.Module, network: ExportedNetwork, path: Path, onnxruntime: Any) -> None:
    recipe = network.recipe.network
    shape = (_CHECKED_IMAGES, recipe.input_channels, recipe.image_size, recipe.image_size)
    images = torch.from_numpy(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    axes = {"images": {0: "batch"}, "logits": {0: "batch"}}
    with atomic_write(path) as file:
        with warnings.catch_warnings():
            # The exporter without torch.dynamo needs one package less, and is ten times as fast; it is deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(
                module,
                (images[:2],),
                file.name,
                input_names=["images"],
                output_names=["logits"],
                dynamic_axes=axes,
                dynamo=False,
            )
        session = onnxruntime.InferenceSession(file.name, providers=["CPUExecutionProvider"])
        [found] = session.run(None, {"images": images.numpy()})
        with torch.no_grad():
            expected = module(images).numpy()
        error = float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-9))
        if not error <= _MAX_ERROR:
            raise LissnasError(
                f"{path}: ONNX Runtime's outputs differ from PyTorch's by {error:.1g} of the largest output; use other "
                "versions of onnx and onnxruntime, or export without onnx"
            )


def _config(network: ExportedNetwork) -> dict[str, Any]:
    recipe, measured = network.recipe.network, network.measurement
    return {
        "architecture": network.architecture,
        "space": recipe.space,
        "module": "model.py",
        "class": "Network",
        "timm_architecture": network.timm_name,
        "classes": recipe.classes,
        "input": describe_input(network.recipe),
        "multiply_accumulates": network.multiply_accumulates,
        "parameters": network.parameters,
        "weights": network.kind,
        "top1": None if measured is None else measured.top1,
        "top5": None if measured is None else measured.top5,
        "measured_on": None if measured is None else measured.images,
        "lissnas_version": version("lissnas"),
    }


_KINDS = {
    "retrained": "Trained alone from new weights.",
    "supernet": "The weights of its path in a supernet, with recalibrated batch norms. They are not trained further.",
    "untrained": "Initial weights. Train the network before you use it.",
}


def _model_card(network: ExportedNetwork, formats: tuple[Format, ...], license: str) -> str:
    recipe, measured = network.recipe, network.measurement
    described = describe_input(recipe)
    accuracy = "not measured"
    if measured is not None:
        top5 = "" if measured.top5 is None else f", top-5 {measured.top5:.2f} %"
        accuracy = f"top-1 {measured.top1:.2f} %{top5} of {measured.images}"
    load = 'network.load_state_dict(torch.load("model.pt", weights_only=True))'
    if "pytorch" not in formats and "safetensors" in formats:
        load = 'network.load_state_dict(safetensors.torch.load_file("model.safetensors"))'
    in_timm = ""
    if "pytorch" in formats and network.timm_name is not None:
        in_timm = f"""
timm has this architecture as `{network.timm_name}`, and `timm.pt` has the weights by timm's names. The input is the one
above, not the normalized one of timm:

```python
network = timm.create_model("{network.timm_name}", num_classes={recipe.network.classes})
network.load_state_dict(torch.load("timm.pt", weights_only=True))
```
"""
    front = [f"license: {license}", "library_name: pytorch", "pipeline_tag: image-classification"]
    return f"""---
{chr(10).join(front)}
tags: [neural-architecture-search, lissnas]
---

# {network.architecture}

An architecture of the search space {recipe.network.space}, found and written by lissnas {version("lissnas")}.

| | |
|---|---|
| weights | {_KINDS[network.kind]} |
| accuracy | {accuracy} |
| multiply-accumulates per image | {network.multiply_accumulates:,} (papers on mobile networks call them FLOPs) |
| parameters | {network.parameters:,} |
| input | {", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in described.items())} |
| license of the weights | {license} |

```python
import torch
from model import Network

network = Network()
{load}
logits = network.eval()(images)
```
{in_timm}
`model.py` needs PyTorch and nothing else. `recipe.toml` has every setting of the run; `config.json` has these numbers.
"""
