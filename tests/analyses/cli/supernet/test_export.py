"""`lissnas supernet export`: the file of a network has the accuracy that its run measured."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from command import Command
from lissnas.supernet.images.image_source import small_source
from lissnas.supernet.images.small_tasks import digits

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"


def _top1(folder: Path, held_out: bool) -> float:
    names: dict[str, object] = {"__name__": "model"}
    exec((folder / "model.py").read_text(), names)
    network = names["Network"]()  # type: ignore[operator]
    network.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    source = small_source(digits())
    batches = source.held_out(500) if held_out else source.official_validation(500)
    [(images, labels)] = batches
    with torch.no_grad():
        return 100 * float((network.eval()(images).argmax(1) == labels).double().mean())


def test_the_file_of_a_network_has_the_accuracy_that_its_run_measured(in_process: Command, tmp_path: Path) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return in_process("supernet", *words, "--out", "run", "--architecture", CELL, folder=tmp_path)

    few_steps = ("--set", "training.steps=4", "--set", "retraining.steps=20", "--out", "run")
    assert in_process("supernet", "train", "digits", *few_steps, folder=tmp_path).returncode == 0
    refused = call("export", "--to", "retrained")
    assert refused.returncode == 2
    assert "is not retrained; run 'lissnas supernet retrain --out run', or export --weights supernet" in refused.stderr
    assert call("retrain").returncode == 0
    for weights in ("retrained", "supernet"):
        result = json.loads(call("export", "--to", weights, "--weights", weights, "--json").stdout)["result"]
        top1 = _top1(tmp_path / weights, held_out=weights == "supernet")
        assert result["top1"] == pytest.approx(top1, abs=1e-9)
        assert result["top1"] > 10
    [score] = (tmp_path / "run").glob("retraining/*/retrained.json")
    assert json.loads(score.read_text())["top1"] == _top1(tmp_path / "retrained", held_out=False)


def test_a_network_without_a_run_has_initial_weights(in_process: Command, tmp_path: Path) -> None:
    words = ("supernet", "export", "digits", "--to", "new", "--weights", "untrained")
    assert "untrained weights need a recipe and --architecture" in in_process(*words, folder=tmp_path).stderr
    assert in_process(*words, "--architecture", CELL, folder=tmp_path).returncode == 0
    assert json.loads((tmp_path / "new/config.json").read_text())["top1"] is None
    of_naslib = ("--architecture", "(2, 0, 4, 3, 1, 2)", "--format", "naslib-201", "--as", "pytorch")
    assert in_process(*words, *of_naslib, folder=tmp_path).returncode == 0
    assert json.loads((tmp_path / "new/config.json").read_text())["architecture"] == CELL
    refused = in_process("supernet", "export", "--to", "new", "--out", "run", "--format", "onnx", folder=tmp_path)
    assert "--format onnx is the format of --architecture, which is not given" in refused.stderr
    retrained = in_process("supernet", "export", "digits", "--to", "new", "--architecture", CELL, folder=tmp_path)
    assert "retrained weights are in the folder of a run: give it with --out" in retrained.stderr
