"""Latency tables: the latency of a path is the sum of its blocks, and a limit on it holds in spaces of a recipe."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lissnas.errors import LissnasError, SettingError
from lissnas.spaces.limited import LimitedSpace
from lissnas.supernet.latency.latency_table import LatencyTable, load_latency_table, save_latency_table
from lissnas.supernet.latency.measure_latency import check_sums, measure_latency_table
from lissnas.supernet.recipes.recipe_file import read_recipe
from lissnas.supernet.recipes.run_recipe import RunRecipe

CPU = torch.device("cpu")


def _measured(recipe: RunRecipe, batch_size: int = 1) -> LatencyTable:
    network = recipe.network.build(np.random.default_rng(0))
    image = (recipe.network.input_channels, recipe.network.image_size, recipe.network.image_size)
    table = measure_latency_table(network, image, CPU, batch_size, 1)
    return check_sums(table, network, CPU, 4, np.random.default_rng(0))


@pytest.fixture(scope="module")
def chain() -> LatencyTable:
    return _measured(read_recipe("nas-bench-macro"))


def test_a_network_takes_the_scaled_sum_of_its_blocks_and_an_identity_takes_nothing(chain: LatencyTable) -> None:
    for identity, *others in chain.by_choice:
        assert min(others) > 0
        assert identity >= 0
    assert min(min(latencies) for latencies in chain.by_choice) == 0
    assert chain.check is not None
    assert chain.check.networks == 4
    assert torch.get_num_threads() == 1
    rows = np.array([[0] * 8, [2] * 8], dtype=np.uint8)
    total = chain.fixed + np.array([sum(latencies[gene] for latencies in chain.by_choice) for gene in (0, 2)])
    np.testing.assert_allclose(chain(rows), chain.scale * total)


def test_edges_without_effect_take_no_time() -> None:
    """Node 1 has no way to the output, so its two edges are dead."""
    recipe = read_recipe("digits")
    table = _measured(recipe)
    dead = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|none~1|skip_connect~2|"
    without = dead.replace("|nor_conv_3x3~0|+", "|none~0|+", 1)
    one, other = table(recipe.network.search_space().read([dead, without]))
    assert one == other > 0


def test_a_table_is_read_as_it_was_written_and_other_files_are_refused(chain: LatencyTable, tmp_path: Path) -> None:
    save_latency_table(chain, tmp_path / "new/table.json")
    assert load_latency_table(tmp_path / "new/table.json") == chain
    with pytest.raises(LissnasError, match=r"none\.json: No such file.*measure it with 'lissnas supernet latency'"):
        load_latency_table(tmp_path / "none.json")
    for content in ("[]", "{}", '{"format": 1, "space": 3}', "\x00"):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(LissnasError, match=r"bad\.json: not a latency table"):
            load_latency_table(tmp_path / "bad.json")


def test_a_limit_holds_in_the_spaces_of_a_recipe_and_names_its_table(chain: LatencyTable, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    save_latency_table(chain, path)
    rows = read_recipe("nas-bench-macro").network.search_space().all_rows()
    middle = float(np.median(chain(rows)))
    changes = [f"limits.latency_table={path}", f"limits.latency_ms={middle}"]
    recipe = read_recipe("nas-bench-macro", changes)
    space = recipe.limited_space(recipe.limits.shrinking_flops)
    assert isinstance(space, LimitedSpace)
    assert space.size == (chain(rows) <= middle).sum()
    both = recipe.limited_space(int(np.median(recipe.network.costs().multiply_accumulates(rows))))
    assert both.size < space.size
    save_latency_table(replace(chain, scale=2 * chain.scale), path)
    assert recipe.limited_space(None).name != space.name
    with pytest.raises(SettingError, match="latency_ms and latency_table belong together"):
        read_recipe("nas-bench-macro", changes[:1])
    with pytest.raises(
        SettingError, match=r"is of macro with images \(3, 32, 32\), not of cell201 with images \(1, 8, 8\)"
    ):
        read_recipe("digits", changes).limited_space(None)
