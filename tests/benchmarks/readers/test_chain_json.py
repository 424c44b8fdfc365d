"""NAS-Bench-Macro and Channel-Bench-Macro: a file that only looks like the official one is refused with the remedy."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lissnas_benchmarks.adapter import Import, TableAdapter
from lissnas_benchmarks.adapters import channel_bench_macro, nas_bench_macro
from lissnas_benchmarks.errors import BenchmarkFileError

Networks = dict[str, Any]


@dataclass(frozen=True)
class Official:
    """An official file, what it calls things, a network in it, and two networks of other spaces."""

    benchmark: TableAdapter
    text: str
    accuracies: str
    mean: str
    network: str
    stranger: str
    of_other_length: str


@pytest.fixture(scope="module", params=["NAS-Bench-Macro", "Channel-Bench-Macro"])
def official(request: pytest.FixtureRequest, shared_data: Path) -> Official:
    if request.param == "NAS-Bench-Macro":
        text = (shared_data / "nas-bench-macro_cifar10.json").read_text()
        names = ("test_acc", "mean_acc", "02012100", "33333333", "0201210")
        return Official(nas_bench_macro.ADAPTER, text, *names)
    text = (shared_data / "channel_bench_macro_resnet.json").read_text()
    return Official(channel_bench_macro.ADAPTER, text, "acc", "mean", "4321234", "5111111", "02012100")


def _edited(change: Callable[[Networks, Official], object]) -> Callable[[Official], str]:
    """Change the network that `official` names; only its part of the text is parsed and written, which is fast."""

    def edit(official: Official) -> str:
        key = f'"{official.network}": '
        start = official.text.index(key)
        network, end = json.JSONDecoder().raw_decode(official.text, start + len(key))
        networks = {official.network: network}
        change(networks, official)
        before, after = official.text[:start], official.text[end:]
        return before + json.dumps(networks)[1:-1] + after if networks else before + after.removeprefix(", ")

    return edit


def _set(field: str, value: Any) -> Callable[[Official], str]:
    """Set a field of a network to a value, or to a function of what it was; accuracies and mean by the file's name."""

    def change(networks: Networks, official: Official) -> None:
        network = networks[official.network]
        name = {"accuracies": official.accuracies, "mean": official.mean}.get(field, field)
        network[name] = value(network[name]) if callable(value) else value

    return _edited(change)


@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(lambda official, n=n: official.text[:n], id=f"cut to {n}") for n in (0, 1, 100, 500_000)),
        pytest.param(lambda official: official.text[:-1], id="last byte lost"),
        pytest.param(lambda official: official.text[: official.text.rindex(', "')] + "}", id="last network lost"),
        pytest.param(
            lambda official: f'{{"{official.network}": {{}}, ' + official.text[1:],
            id="a network twice",
        ),
        pytest.param(_edited(lambda networks, official: networks.pop(official.network)), id="a network missing"),
        pytest.param(
            _edited(lambda networks, official: networks.update({official.stranger: networks[official.network]})),
            id="a network of another space",
        ),
        pytest.param(
            _edited(lambda networks, official: networks.update({official.of_other_length: networks[official.network]})),
            id="a network of another length",
        ),
        pytest.param(
            _edited(lambda networks, official: networks.update({official.stranger: {}})), id="a network of nothing"
        ),
        pytest.param(_set("mean", lambda mean: mean + 0.003), id="another mean"),
        pytest.param(_set("mean", float("nan")), id="a mean that is no number"),
        pytest.param(_set("accuracies", lambda of: [float("nan"), *of[1:]]), id="an accuracy that is no number"),
        pytest.param(_set("accuracies", lambda of: [float("inf"), *of[1:]]), id="an infinite accuracy"),
        pytest.param(_set("accuracies", lambda of: [of[0] + 100, of[1], of[2] - 100]), id="accuracies beyond 100"),
        pytest.param(_set("accuracies", lambda of: of[:2]), id="two runs"),
        pytest.param(_set("accuracies", "89.47"), id="a string for a list"),
        pytest.param(_set("accuracies", None), id="null for a list"),
        pytest.param(_set("params", None), id="no parameters"),
        pytest.param(_set("params", float("nan")), id="parameters that are no number"),
        pytest.param(_set("params", -1), id="negative parameters"),
        pytest.param(_set("flops", 10**400), id="more operations than a float holds"),
        pytest.param(_edited(lambda networks, official: networks[official.network].pop("flops")), id="a field missing"),
        pytest.param(lambda official: "[" + official.text + "]", id="a list"),
        pytest.param(lambda official: json.dumps(list(json.loads(official.text))), id="a list of the strings"),
        pytest.param(lambda _: "null", id="null"),
        pytest.param(lambda _: "[" * 1_000_000, id="a million brackets"),
        pytest.param(lambda official: official.text.replace('"', "\udcff", 1), id="no UTF-8"),
    ],
)
def test_a_file_that_only_looks_official_is_refused_with_the_remedy(
    official: Official, damage: Callable[[Official], str], tmp_path: Path
) -> None:
    path = tmp_path / "any.json"
    path.write_bytes(damage(official).encode(errors="surrogateescape"))
    benchmark = official.benchmark
    message = rf"{re.escape(benchmark.files[0].name)}: .*lissnas data import {benchmark.name}"
    with pytest.raises(BenchmarkFileError, match=message):
        benchmark.read(Import((path,), tmp_path))
