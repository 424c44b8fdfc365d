"""Chains of mobile blocks: the sizes of their spaces and the costs of their networks."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import SettingError
from lissnas.spaces.chain import Chain, Convolution, inverted_bottleneck
from lissnas.spaces.costs import Costs
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.cell201_costs import Cell201Costs
from lissnas.spaces.published.macro import macro, macro_chain
from lissnas.spaces.published.mobilenet import (
    fairnas,
    fairnas_chain,
    mobilenet,
    mobilenet_chain,
    mobilenetv2,
    mobilenetv2_chain,
)
from lissnas.spaces.published.shufflenetv2 import shufflenetv2, shufflenetv2_chain

CHAINS = {"shufflenetv2": shufflenetv2_chain, "mobilenet": mobilenet_chain, "fairnas": fairnas_chain}


@pytest.fixture(params=sorted(CHAINS))
def chain(request: pytest.FixtureRequest) -> Chain:
    return CHAINS[request.param]()


def test_spaces_have_their_published_sizes() -> None:
    assert shufflenetv2().size == 4**20
    assert mobilenet().size == 7**15 * 6**6
    assert fairnas().size == 6**19
    assert mobilenetv2().size == 7**10 * 6**6


def test_the_network_of_mobilenetv2_has_its_published_cost() -> None:
    """Torchvision's page of mobilenet_v2 says 3,504,872 parameters and 0.30 GFLOPS, which are multiply-accumulates."""
    row = mobilenetv2().read(["-".join(["k3e6"] * 16)])
    assert mobilenetv2_chain().parameters(row).tolist() == [3_504_872]
    assert round(mobilenetv2_chain().multiply_accumulates(row)[0] / 1e9, 2) == 0.30


def test_every_layer_of_mobilenet_but_the_first_of_each_stage_can_be_skipped() -> None:
    assert [gene for gene, choices in enumerate(mobilenet().choices) if choices == 6] == [0, 4, 8, 12, 16, 20]


def test_the_network_that_spos_found_has_its_published_cost() -> None:
    row = np.array([[2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3]], dtype=np.uint8)
    chain = shufflenetv2_chain()
    assert round(chain.multiply_accumulates(row)[0] / 1e6) == 323
    assert chain.parameters(row)[0] / 1e6 == pytest.approx(3.5, abs=0.06)


def test_networks_within_the_published_limits_of_search_exist(chain: Chain) -> None:
    limits = {"shufflenetv2": (290e6, 360e6), "mobilenet": (475e6, 600e6), "fairnas": (315e6, 330e6)}
    low, high = limits[chain.space.name]
    assert chain.multiply_accumulates.minimum < low < high < chain.multiply_accumulates.maximum


def test_every_chain_of_nas_bench_macro_has_its_published_cost(shared_data: Path) -> None:
    published = json.loads((shared_data / "nas-bench-macro_cifar10.json").read_text())
    chain, rows = macro_chain(), macro().all_rows()
    networks = [published[string] for string in macro().write(rows)]
    assert chain.multiply_accumulates(rows).tolist() == [network["flops"] for network in networks]
    assert chain.parameters(rows).tolist() == [network["params"] for network in networks]


def test_cells_have_the_costs_of_the_nas_bench_201_table(shared_data: Path) -> None:
    table = pl.read_parquet(shared_data / "nasbench201.parquet", columns=["arch", "params_M", "flops_M"])
    rows = cell201().read(table["arch"].to_list())
    costs = Cell201Costs()
    off = costs.parameters(rows) - np.round(1e6 * table["params_M"].to_numpy()).astype(np.int64)
    # This table gives 150 cells the cost of a cell with one convolution more or less; the others are exact.
    assert np.count_nonzero(off) == 150
    assert set(np.abs(off).tolist()) == {0, 28_000, 243_040}
    # It rounds FLOPs to two decimals, mostly up; official FLOPs include the bias of each of the 10 classes.
    above = table["flops_M"].to_numpy() - (costs.multiply_accumulates(rows) + 10) / 1e6
    np.testing.assert_array_equal((above > 0) & (above < 0.011), off == 0)


@pytest.mark.parametrize(
    ("dataset", "classes", "size"), [("cifar10", 10, 32), ("cifar100", 100, 32), ("ImageNet16-120", 120, 16)]
)
def test_cells_have_the_costs_of_the_official_records(shared_data: Path, dataset: str, classes: int, size: int) -> None:
    nats_bench = pytest.importorskip("nats_bench")
    official = nats_bench.create(
        str(shared_data / "nats_real" / "NATS-tss-v1_0-3ffb9-simple"), "tss", fast_mode=True, verbose=False
    )
    costs = Cell201Costs(classes=classes, size=size)
    for index in (0, 11, 284):
        published = official.get_cost_info(index, dataset, hp="200")
        [macs], [parameters] = (
            cost(cell201().read([official.arch(index)])) for cost in (costs.multiply_accumulates, costs.parameters)
        )
        assert parameters == pytest.approx(1e6 * published["params"], rel=1e-12)
        assert macs + classes == pytest.approx(1e6 * published["flops"], rel=1e-12)


@given(st.lists(st.lists(st.integers(0, 10**9), min_size=1, max_size=5), min_size=1, max_size=6), st.randoms())
def test_a_cost_is_the_sum_of_its_choices(by_choice: list[list[int]], random: object) -> None:
    row = [random.randrange(len(added)) for added in by_choice]  # type: ignore[attr-defined]
    costs = Costs(7, by_choice)
    total = 7 + sum(added[gene] for added, gene in zip(by_choice, row, strict=True))
    assert costs(np.array([row], dtype=np.uint8)).tolist() == [total]
    assert costs.minimum <= total <= costs.maximum


def test_the_chain_of_one_network_has_the_cost_of_the_network(chain: Chain) -> None:
    [row] = chain.space.sample(1, np.random.default_rng(0))
    one = chain.for_architecture(row)
    assert one.space.size == 1
    assert (
        one.multiply_accumulates.minimum == one.multiply_accumulates.maximum == chain.multiply_accumulates(row[None])[0]
    )
    assert one.parameters.minimum == chain.parameters(row[None])[0]


def test_a_bottleneck_adds_its_input_only_where_shapes_allow() -> None:
    assert inverted_bottleneck(8, 8, 3, 1, 6).join == "add"
    assert inverted_bottleneck(8, 16, 3, 1, 6).join == "nothing"
    assert inverted_bottleneck(8, 8, 3, 2, 6).join == "nothing"


def test_blocks_that_do_not_fit_the_space_are_refused() -> None:
    chain = macro_chain()
    with pytest.raises(SettingError, match="macro has"):
        Chain(chain.space, 32, chain.stem, chain.layers[:-1], chain.head, 10)
    first = (inverted_bottleneck(32, 64, 3, 1, 3), *chain.layers[0][1:])
    with pytest.raises(SettingError, match="different strides"):
        Chain(chain.space, 32, chain.stem, (first, *chain.layers[1:]), (Convolution(256, 1280),), 10)
