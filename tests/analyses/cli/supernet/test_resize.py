"""`lissnas supernet resize`: what it prints leads a run to the copies."""

import json
import re
from pathlib import Path

from command import Command
from image_tree import make_tree


def test_the_printed_settings_open_the_copies(in_process: Command, tmp_path: Path) -> None:
    make_tree(tmp_path / "imagenet", training=8, validation=2).joinpath("val").rename(tmp_path / "imagenet/validation")
    few = ["images.train=imagenet/train", "images.validation=imagenet/validation", "images.files.workers=1"]
    few += ["images.files.classes=4", "network.classes=4", "images.files.held_out_per_class=5"]
    words = [word for change in few for word in ("--set", change)]
    command = ("supernet", "resize", "nas-bench-macro", "--to", "copies", "--shorter-side", "40", *words)
    printed = in_process(*command, folder=tmp_path).stdout
    assert "40 images in 2 shards" in printed
    assert json.loads(in_process(*command, "--json", folder=tmp_path).stdout)["result"]["kept"] == 2
    opening = re.findall(r"--set '?([^' ]+)", printed)
    again = ("supernet", "resize", "nas-bench-macro", "--to", "copies-of-copies", *words)
    of_copies = in_process(*again, *[word for each in opening for word in ("--set", each)], folder=tmp_path).stdout
    assert "40 images in 2 shards" in of_copies
    refused = in_process("supernet", "resize", "digits", "--to", "none", folder=tmp_path)
    assert "images of the kind 'digits' are in memory; choose a recipe with images in files" in refused.stderr
