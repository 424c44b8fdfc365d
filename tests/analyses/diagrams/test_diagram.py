"""Diagrams: every architecture can be drawn, and the differences of two architectures are exact."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.chain import Chain
from lissnas.spaces.published.cell201 import cell201, distinct_cell201
from lissnas.spaces.published.channels import channels
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.macro import macro, macro_chain
from lissnas.spaces.published.mobilenet import fairnas_chain, mobilenet_chain
from lissnas.spaces.published.nasbench101 import nasbench101
from lissnas.spaces.published.shufflenetv2 import shufflenetv2, shufflenetv2_chain
from lissnas.spaces.published.transnas import transnas_macro, transnas_micro
from lissnas.spaces.space import Rows, Space
from lissnas_analyses import style
from lissnas_analyses.cli import app
from lissnas_analyses.diagrams.diagram import Diagram, diagrams
from lissnas_analyses.diagrams.draw import draw_diagrams
from lissnas_benchmarks.catalog import find_adapter
from matplotlib.patches import FancyArrowPatch

SPACES: dict[str, Callable[[], Space]] = {
    "cell201": cell201,
    "distinct cell201": distinct_cell201,
    "channels": channels,
    "darts": darts,
    "macro": macro,
    "nas-bench-101": lambda: nasbench101(5),
    "nas-bench-graph": lambda: find_adapter("nas-bench-graph-proteins").space(),
    "shufflenetv2": shufflenetv2,
    "transnas-macro": transnas_macro,
    "transnas-micro": transnas_micro,
}


def diagram(space: Space, row: Rows) -> Diagram:
    [one] = diagrams(space, row[None])
    return one


@pytest.fixture(scope="module", params=sorted(SPACES))
def space(request: pytest.FixtureRequest) -> Space:
    return SPACES[request.param]()


def test_neighbors_have_different_diagrams_and_equal_architectures_the_same(space: Space) -> None:
    [row] = space.sample(1, np.random.default_rng(0))
    one = diagram(space, row)
    assert one.differences_from(diagram(space, row)) == (frozenset(), frozenset())
    assert one.describe_edit_to(diagram(space, row)) == ""
    neighbors, _source = space.neighbors(row[None])
    for neighbor in neighbors:
        other = diagram(space, neighbor)
        assert one.describe_edit_to(other)
        assert any(map(len, one.differences_from(other))) or any(map(len, other.differences_from(one)))


def test_every_arrow_joins_two_nodes_in_different_places(space: Space) -> None:
    for row in space.sample(20, np.random.default_rng(1)):
        one = diagram(space, row)
        places = {node.name: (node.x, node.y) for node in one.nodes}
        assert len(set(places.values())) == len(one.nodes)
        assert all(places[arrow.source] != places[arrow.target] for arrow in one.arrows)


def test_an_edit_of_a_cell_is_one_arrow() -> None:
    [row] = cell201().read(["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"])
    edited = row.copy()
    edited[2] = 3
    nodes, [arrow] = diagram(cell201(), row).differences_from(diagram(cell201(), edited))
    assert not nodes
    assert (
        diagram(cell201(), row).describe_edit_to(diagram(cell201(), edited))
        == "1 to 2: skip_connect becomes nor_conv_3x3"
    )
    assert (arrow.source, arrow.target, arrow.label) == ("1", "2", "skip_connect")


def test_a_graph_has_its_operations_and_edges() -> None:
    space = nasbench101()
    [row] = space.read(["0110001000010000 input,conv3x3-bn-relu,maxpool3x3,output"])
    one = diagram(space, row)
    assert sorted(node.label for node in one.nodes) == ["conv3x3", "input", "maxpool3x3", "output"]
    assert len(one.arrows) == 4


def test_layers_of_a_chain_are_named() -> None:
    [row] = macro().read(["02000001"])
    assert [node.label for node in diagram(macro(), row).nodes][1:3] == ["identity", "e6 k5"]


@pytest.mark.parametrize("chain", [macro_chain, shufflenetv2_chain, mobilenet_chain, fairnas_chain])
def test_the_shape_below_a_layer_is_the_shape_of_its_output(chain: Callable[[], Chain]) -> None:
    torch = pytest.importorskip("torch")
    from lissnas.supernet.networks.chain_network import ChainNetwork

    space = chain().space
    [row] = space.sample(1, np.random.default_rng(4))
    network = ChainNetwork(chain().for_architecture(row), np.random.default_rng(0)).eval()
    handed_on = []
    for part in (network.stem, *(layer[0] for layer in network.layers)):
        part.register_forward_hook(lambda _part, _received, made: handed_on.append(tuple(made.shape[1:])))
    with torch.no_grad():
        network(torch.zeros(1, 3, chain().size, chain().size), [0] * space.genes)
    drawn = [node.shape for node in diagram(space, row).nodes if node.shape]
    assert drawn == [" x ".join(map(str, shape)) for shape in handed_on]


def test_a_long_chain_turns_back_at_the_end_of_a_row_and_stays_narrow() -> None:
    space = shufflenetv2()
    one = diagram(space, space.sample(1, np.random.default_rng(2))[0])
    places = {node.name: (node.x, node.y) for node in one.nodes}
    assert len(one.nodes) == 22
    assert max(x for x, _y in places.values()) <= 6
    for arrow in one.arrows:
        (x, y), (next_x, next_y) = places[arrow.source], places[arrow.target]
        assert (x == next_x) != (y == next_y)


@pytest.mark.parametrize("name", ["cell201", "macro", "shufflenetv2", "nas-bench-graph"])
def test_arrows_end_outside_of_the_boxes_they_join(name: str) -> None:
    space = SPACES[name]()
    with style.house_style():
        figure = draw_diagrams(diagrams(space, space.sample(1, np.random.default_rng(3))), ["a"], [""])
        figure.draw_without_rendering()
    [axes] = figure.axes
    patches = [text.get_bbox_patch() for text in axes.texts if text.get_zorder() == 3]
    boxes = [patch.get_window_extent() for patch in patches if patch is not None]
    assert boxes
    for arrow in axes.patches:
        assert isinstance(arrow, FancyArrowPatch)
        ends = arrow.get_transform().transform(arrow.get_path().vertices)
        assert not any(box.contains(*end) for box in boxes for end in ends)


def test_a_space_without_a_drawing_function_is_refused() -> None:
    class Strange(CategoricalSpace):
        pass

    strange = Strange("strange", ("ab",) * 2, "{}{}")
    assert len(diagram(strange, strange.all_rows()[0]).nodes) == 4
    unknown = distinct_cell201()
    unknown.name = "unknown"
    with pytest.raises(SettingError, match="unknown has no diagrams"):
        diagram(unknown, unknown.sample(1, np.random.default_rng(0))[0])


def test_marks_are_drawn_behind_what_differs() -> None:
    rows = macro().read(["02000001", "02100001", "02000001"])
    with style.house_style():
        figure = draw_diagrams(diagrams(macro(), rows), ["a", "b", "c"], ["", "", ""])
    boxes = [[text.get_bbox_patch() for text in axes.texts] for axes in figure.axes[:3]]
    marked = [sum(box is not None and bool(box.get_path_effects()) for box in of_panel) for of_panel in boxes]
    assert marked == [1, 1, 0]


def test_the_command_draws_two_architectures_and_prints_their_distance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], session_cache: Path
) -> None:
    cell = "|nor_conv_3x3~0|+|none~0|{}~1|+|none~0|none~1|avg_pool_3x3~2|"
    arguments = ["show", "analog-nasbench", cell.format("none"), cell.format("skip_connect"), "--out", str(tmp_path)]
    app.app(arguments, exit_on_error=False)
    printed = capsys.readouterr().out
    assert "edit distance 1" in printed
    assert len(re.findall(r"test accuracy \d+\.\d\d %, rank [\d,]+ of 15,625", printed)) == 2
    assert (tmp_path / "architectures.png").read_bytes().startswith(b"\x89PNG")
