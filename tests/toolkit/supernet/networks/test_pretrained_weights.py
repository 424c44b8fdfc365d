"""Weights of other projects: both networks compute the same, and weights that do not fit are refused by name."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.chain import Chain
from lissnas.spaces.published.mobilenet import mobilenet_chain, mobilenetv2_chain
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.supernet.export.module_source import plain_weights
from lissnas.supernet.export.timm_weights import timm_weights
from lissnas.supernet.images.decoding.augmentations import transforms
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.pretrained_weights import matched_weights, pretrained_weights
from lissnas.supernet.networks.weight_name_maps import timm_name
from torch import Tensor, nn


def _supernet(chain: Chain, affine: bool = True) -> ChainNetwork:
    return ChainNetwork(chain, np.random.default_rng(0), affine).eval()


def _trained(network: nn.Module) -> dict[str, Tensor]:
    """Return the state of a network whose batch norms have statistics as after a training."""
    rng = torch.Generator().manual_seed(0)
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.running_mean.normal_(generator=rng)
        norm.running_var.uniform_(0.5, 2, generator=rng)
        norm.bias.data.normal_(generator=rng)
    return network.state_dict()


def _torchvision() -> nn.Module:
    transforms()
    from torchvision.models import mobilenet_v2

    torch.manual_seed(0)
    network: nn.Module = mobilenet_v2(num_classes=7)
    _trained(network)
    return network.eval()


def test_mobilenetv2_of_torchvision_is_the_path_of_its_space_with_the_same_outputs() -> None:
    theirs, supernet = _torchvision(), _supernet(mobilenetv2_chain(7, 64))
    found = matched_weights(supernet, theirs.state_dict(), "mobilenet_v2")
    assert found.row is not None
    assert supernet.space.write(found.row[None]) == ["-".join(["k3e6"] * 16)]
    assert found.values.keys() < supernet.state_dict().keys()
    supernet.load_state_dict(found.values, strict=False)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(supernet(images, found.row.tolist()), theirs(images), rtol=1e-5, atol=1e-5)


def test_the_first_layer_is_converted_to_the_images_of_supernets(tmp_path: Path) -> None:
    theirs, supernet = _torchvision(), _supernet(mobilenetv2_chain(7, 64))
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    found = pretrained_weights(supernet, tmp_path / "weights.pth")
    supernet.load_state_dict(found.values, strict=False)
    pixels = torch.randint(0, 256, (2, 3, 64, 64))  # red, green and blue
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normalized = (pixels / 255 - mean[:, None, None]) / deviation[:, None, None]
    with torch.no_grad():
        expected, computed = theirs.features[0](normalized), supernet.stem[0](pixels.flip(1).float())
    # Supernets pad with black, torchvision with the mean color: the first row and column differ.
    torch.testing.assert_close(computed[..., 1:, 1:], expected[..., 1:, 1:], rtol=1e-4, atol=1e-4)
    ratio = found.values["stem.0.0.weight"].abs().mean() / theirs.features[0][0].weight.abs().mean()
    assert 0.9 < ratio < 1.1


def test_a_network_with_skipped_layers_is_found_under_our_names_and_those_of_timm() -> None:
    chain = mobilenet_chain(7, 32)
    supernet = _supernet(chain)
    row = chain.space.sample(1, np.random.default_rng(3))[0]
    alone = _supernet(chain.for_architecture(row))
    weights, images = plain_weights(alone), torch.randn(2, 3, 32, 32)
    assert 6 in row.tolist()
    _trained(alone)
    weights = plain_weights(alone)
    for tensors in (weights, timm_weights(chain, row, weights)):
        found = matched_weights(supernet, tensors, "file")
        assert found.row is not None
        supernet.load_state_dict(found.values, strict=False)
        with torch.no_grad():
            assert torch.equal(supernet(images, found.row.tolist()), alone(images, [0] * len(row)))
    assert found.row.tolist() != row.tolist()  # timm leaves skipped layers out, so they are found at the end of a stage


def test_the_names_are_those_of_timm() -> None:
    """The names are those of timm 1.0.31, which also computed the same; only the shortest and longest are repeated."""
    chain = mobilenetv2_chain(7, 32)
    row = np.full(16, 3, dtype=np.uint8)
    alone = chain.for_architecture(row)
    assert timm_name(alone) == "mobilenetv2_100"
    names = timm_weights(chain, row, plain_weights(_supernet(alone)))
    assert len([name for name in names if "num_batches" not in name]) == 262
    shapes = {
        "conv_stem.weight": (32, 3, 3, 3),
        "bn1.running_var": (32,),
        "blocks.0.0.conv_dw.weight": (32, 1, 3, 3),
        "blocks.0.0.conv_pw.weight": (16, 32, 1, 1),
        "blocks.1.0.conv_pw.weight": (96, 16, 1, 1),
        "blocks.6.0.conv_pwl.weight": (320, 960, 1, 1),
        "blocks.6.0.bn3.bias": (320,),
        "conv_head.weight": (1280, 320, 1, 1),
        "bn2.weight": (1280,),
        "classifier.bias": (7,),
    }
    assert {name: tuple(names[name].shape) for name in shapes} == shapes


def _spos_supernet() -> dict[str, Tensor]:
    """Return tensors with the names and shapes of the authors' supernet, as their code builds it."""
    tensors: dict[str, Tensor] = {}

    def sequence(prefix: str, layers: list[tuple[int, tuple[int, ...]]]) -> None:
        for place, shape in layers:
            tensors[f"module.{prefix}.{place}.weight"] = torch.randn(shape)
            for name in ("running_mean", "running_var"):
                tensors[f"module.{prefix}.{place + 1}.{name}"] = torch.rand(shape[0])
            tensors[f"module.{prefix}.{place + 1}.num_batches_tracked"] = torch.tensor(5)

    sequence("first_conv", [(0, (16, 3, 3, 3))])
    layer, inputs = 0, 16
    for repeats, outputs in ((4, 64), (4, 160), (8, 320), (4, 640)):
        for repeat in range(repeats):
            into, half = inputs if repeat == 0 else outputs // 2, outputs // 2
            last = outputs - into
            for choice, kernel in enumerate((3, 5, 7, 3)):
                prefix = f"features.{layer}.{choice}"
                plain = [(0, (half, into, 1, 1)), (3, (half, 1, kernel, kernel)), (5, (last, half, 1, 1))]
                xception = [(0, (into, 1, 3, 3)), (2, (half, into, 1, 1)), (5, (half, 1, 3, 3))]
                xception += [(7, (half, half, 1, 1)), (10, (half, 1, 3, 3)), (12, (last, half, 1, 1))]
                sequence(f"{prefix}.branch_main", xception if choice == 3 else plain)
                if repeat == 0:
                    sequence(f"{prefix}.branch_proj", [(0, (into, 1, kernel, kernel)), (2, (into, into, 1, 1))])
            inputs, layer = outputs, layer + 1
    sequence("conv_last", [(0, (1024, 640, 1, 1))])
    return tensors | {"module.classifier.0.weight": torch.randn(1000, 1024)}


def test_a_checkpoint_of_the_spos_supernet_fills_the_supernet(tmp_path: Path) -> None:
    tensors = _spos_supernet()
    torch.save({"state_dict": tensors}, tmp_path / "checkpoint.pth.tar")
    supernet = _supernet(shufflenetv2_chain(1000, 32), affine=False)
    found = pretrained_weights(supernet, tmp_path / "checkpoint.pth.tar")
    assert found.row is None
    assert found.has_classifier
    assert found.values.keys() == {name for name in supernet.state_dict() if "num_batches" not in name}
    torch.testing.assert_close(
        found.values["layers.4.3.side.2.weight"], tensors["module.features.4.3.branch_proj.2.weight"]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features.2.conv.1.0.weight": torch.zeros(96, 1, 9, 9)}, r"layer 1 of mobilenetv2 has none of the blocks"),
        ({"features.18.0.weight": torch.zeros(9, 320, 1, 1)}, r"features.18.0.weight has shape \(9, 320, 1, 1\), and"),
        ({"features.18.1.running_var": None}, "features.18.1.running_var is missing"),
        ({"features.19.weight": torch.zeros(1)}, "takes features.19.weight, and 0 more"),
        ({"classifier.1.weight": torch.zeros(7, 9)}, r"classifier.1.weight has shape \(7, 9\)"),
        ({"features.0.0.weight": None}, "no known project, the first: features.0.1.weight; known projects: liss"),
    ],
)
def test_weights_that_do_not_fit_are_named(change: dict[str, Tensor | None], message: str) -> None:
    tensors = _torchvision().state_dict() | change
    kept = {name: value for name, value in tensors.items() if value is not None}
    with pytest.raises(SettingError, match=f"^file.*{message}"):
        matched_weights(_supernet(mobilenetv2_chain(7, 32)), kept, "file")


def test_other_classes_leave_the_classifier_new_and_other_batch_norms_are_refused() -> None:
    state = _torchvision().state_dict()
    found = matched_weights(_supernet(mobilenetv2_chain(5, 32)), state, "file")
    assert not found.has_classifier
    assert "classifier.weight" not in found.values
    with pytest.raises(SettingError, match=r"set network.affine=true"):
        matched_weights(_supernet(mobilenetv2_chain(7, 32), affine=False), state, "file")


def test_files_are_read_without_running_their_code(tmp_path: Path) -> None:
    supernet = _supernet(mobilenetv2_chain(7, 32))
    (tmp_path / "text.pth").write_text("no weights")
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    torch.save({"step": 3}, tmp_path / "number.pth")
    for name, message in (
        ("text.pth", "without running its code"),
        ("module.pth", "without running its code"),
        ("number.pth", "has no state dict"),
        ("missing.pth", "cannot be read"),
    ):
        with pytest.raises(LissnasError, match=rf"{name}: .*{message}"):
            pretrained_weights(supernet, tmp_path / name)
