"""`lissnas supernet latency`, and the limit that its table gives to a search."""

import json
from pathlib import Path

import numpy as np
import polars as pl
from command import Command
from lissnas.spaces.published.cell201 import cell201
from lissnas.supernet.latency.latency_table import load_latency_table


def test_a_search_stays_within_the_latency_of_a_measured_table(in_process: Command, tmp_path: Path) -> None:
    words = ("supernet", "latency", "digits", "--to", "table.json", "--threads", "1", "--networks", "4", "--json")
    result = json.loads(in_process(*words, folder=tmp_path).stdout)["result"]
    assert (result["space"], result["networks"], result["blocks"]) == ("cell201", 4, 30)
    table = load_latency_table(tmp_path / "table.json")
    limit = float(np.median(table(cell201().all_rows())))
    few = ("--set", "training.steps=1", "--set", "loop.max_rounds=0", "--set", "search.evaluations=21", "--out", "run")
    assert in_process("supernet", "train", "digits", *few, folder=tmp_path).returncode == 0
    limited = ("--set", "limits.latency_table=table.json", "--limit", f"latency<={limit}ms")
    searched = in_process("supernet", "search", "--out", "run", *limited, folder=tmp_path)
    assert (searched.returncode, searched.stderr) == (0, "")
    found = cell201().read(pl.read_parquet(tmp_path / "run/search/search.parquet")["architecture"].to_list())
    assert len(found) == 21
    assert table(found).max() <= limit


def test_a_limit_that_is_written_differently_is_refused(in_process: Command, tmp_path: Path) -> None:
    for limit in ("latency<15", "flops<=3ms", "watts<=3"):
        called = in_process("supernet", "search", "digits", "--out", "run", "--limit", limit, folder=tmp_path)
        assert called.returncode == 2
        assert "--limit must be written like 'latency<=15ms' or 'flops<=330e6'" in called.stderr
