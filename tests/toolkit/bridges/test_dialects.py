"""Architectures in the text forms of other packages: known pairs, round trips, and refusal of everything else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.bridges.dialects import format_names, read_architectures, write_architectures
from lissnas.bridges.formats.text_form import TextForm
from lissnas.errors import ArchitectureError, UnknownNameError
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.channels import channels
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.nasbench101 import nasbench101
from lissnas.spaces.published.transnas import transnas_macro, transnas_micro
from lissnas.spaces.space import Space
from lissnas_benchmarks.catalog import find_adapter

SPACES = {
    "cell201": cell201,
    "channels": channels,
    "darts": darts,
    "nas-bench-101": lambda: nasbench101(5),
    "nas-bench-graph": find_adapter("nas-bench-graph").space,
    "transnas-macro": transnas_macro,
    "transnas-micro": transnas_micro,
}


def _same(space: Space, texts: dict[str, str]) -> None:
    """Check that all texts, by their formats, are one architecture, and that each is written as it is read."""
    [official] = {space.write(read_architectures([text], form, space))[0] for form, text in texts.items()}
    for form in texts:
        [text] = write_architectures(space.read([official]), form, space)
        assert space.write(read_architectures([text], form, space)) == [official]


@pytest.fixture(scope="module")
def forms(shared_data: Path) -> dict[str, list[dict[str, object]]]:
    """The same architectures in every form."""
    loaded: dict[str, list[dict[str, object]]] = json.loads((shared_data / "formats" / "text_forms.json").read_text())
    return loaded


def test_the_forms_of_a_cell_of_nas_bench_201_are_one_architecture(forms: dict[str, list[dict[str, object]]]) -> None:
    for known in forms["nasbench201"]:
        texts = {
            "official": str(known["string"]),
            "official-index": str(known["index"]),
            "naslib-201": str(tuple(known["naslib"])),  # type: ignore[arg-type]
            "digits-201": str(known["digits_string_order"]),
            "spikenas": str(known["op_digit_sum_id_naslib_order"]),
            "xautodl": str(known["xautodl_repr"]),
        }
        _same(cell201(), texts)
        rows = cell201().read([texts["official"]])
        for form, text in texts.items():
            assert write_architectures(rows, form, cell201()) == [text]


def test_the_forms_of_the_other_spaces_are_one_architecture(forms: dict[str, list[dict[str, object]]]) -> None:
    for known in forms["nasbench301"]:
        for compact in ("compact", "compact_tuple"):
            if compact in known:
                _same(darts(), {"naslib-301": str(known[compact]), "official": str(known["genotype"])})
    for part, space in (("micro", transnas_micro()), ("macro", transnas_macro())):
        for known in forms[f"transnas_{part}"]:
            text = str(tuple(known["tuple"]))  # type: ignore[arg-type]
            _same(space, {f"naslib-transnas-{part}": text, "official": str(known["string"])})
    graph = find_adapter("nas-bench-graph").space()
    known_hashes = {"61237": "0112:gcn,gin,cheb,fc", "58014": "0111:skip,gat,gcn,sage"}
    assert {int(hashed) for hashed in known_hashes} <= {known["hash"] for known in forms["nasbenchgraph"]}
    for hashed, string in known_hashes.items():
        assert graph.write(read_architectures([hashed], "nas-bench-graph-hash", graph)) == [string]
        assert write_architectures(graph.read([string]), "nas-bench-graph-hash", graph) == [hashed]


@pytest.mark.slow
def test_the_forms_of_a_graph_of_nas_bench_101_are_one_architecture(forms: dict[str, list[dict[str, object]]]) -> None:
    space = nasbench101(5)
    for known in forms["nasbench101"]:
        if len(known["pruned_ops"]) <= 5:  # type: ignore[arg-type]
            matrix = json.dumps({"matrix": known["pruned_matrix"], "ops": known["pruned_ops"]})
            floats = json.dumps([np.array(known["pruned_matrix"], dtype=float).tolist(), known["pruned_ops"]])
            assert write_architectures(read_architectures([matrix], "matrix", space), "hash-101", space) == [
                known["md5"]
            ]
            np.testing.assert_array_equal(
                read_architectures([matrix], "matrix", space), read_architectures([floats], "matrix", space)
            )
    hashes = {
        "0100 input,output": "043721b9c7fe8c5fad811d47d83132ec",
        "0110000100010000 input,conv1x1-bn-relu,maxpool3x3,output": "ac9bd0e2514c031187b612db767fb038",
        "010001000 input,conv3x3-bn-relu,output": "b49ac8c578b4561d79ac7087988f1c61",
    }
    for string, code in hashes.items():
        _same(space, {"official": string, "hash-101": code})


@pytest.mark.parametrize("name", SPACES)
def test_every_format_reads_what_it_writes(name: str) -> None:
    space = SPACES[name]()
    rows = space.sample(20, np.random.default_rng(0))
    for form in format_names(space):
        texts = write_architectures(rows, form, space)
        np.testing.assert_array_equal(read_architectures(texts, form, space), space.canonical(rows), err_msg=form)
        assert read_architectures([], form, space).shape == (0, space.genes)


@pytest.mark.parametrize("name", ["cell201", "nas-bench-101", "nas-bench-graph", "transnas-micro", "darts"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "(",
        "(1, 2)",
        "(9, 9, 9, 9, 9, 9)",
        "(0, 1, 2, 3, 4, 0.5)",
        "[" * 5000,
        "[[0, 1], [2]]",
        "-1",
        "(0,), (1",
    ],
)
def test_another_text_is_refused(name: str, text: str) -> None:
    space = SPACES[name]()
    for form in format_names(space):
        with pytest.raises(ArchitectureError, match=r"is not written as|has the number|is not in|the indices 0 to"):
            read_architectures([text], form, space)


def test_the_format_decides_and_one_of_another_space_is_unknown() -> None:
    text = "(1, 0, 2, 3, 3, 3)"
    micro = transnas_micro()
    assert micro.write(read_architectures([text], "naslib-transnas-micro", micro)) == ["64-41414-1_02_333"]
    with pytest.raises(UnknownNameError, match="unknown format of transnas-micro 'naslib-201'"):
        read_architectures([text], "naslib-201", micro)


@pytest.mark.parametrize(
    ("space", "text", "form", "others"),
    [
        (cell201, "(0, 2, 3, 2, 3, 1)", "official", "naslib-201"),
        (cell201, "4811", "naslib-201", "lissnas-index or official-index or spikenas"),
        (transnas_micro, "(1, 0, 2, 3, 3, 3)", "official", "naslib-transnas-micro"),
        (lambda: nasbench101(5), "4a0ab8bbe2441a002e07b0f445ec2d63", "official", "hash-101"),
    ],
)
def test_a_text_of_another_format_is_refused_with_its_name(space: Any, text: str, form: str, others: str) -> None:
    with pytest.raises(ArchitectureError, match=f"; this is how {others} writes architectures: name that format"):
        read_architectures([text], form, space())
    with pytest.raises(ArchitectureError, match=r"'x'.* writes it"):
        read_architectures(["x"], form, space())


@given(st.lists(st.lists(st.integers(0, 12), min_size=2, max_size=2), min_size=1, max_size=4), st.sampled_from("(["))
def test_numbers_of_one_digit_and_of_two_are_read_alike(pairs: list[list[int]], bracket: str) -> None:
    text = str(pairs) if bracket == "[" else str(tuple(map(tuple, pairs)))
    form = TextForm("pairs", "((0, 1),)")
    assert form.numbers([text, text.replace(" ", "")], (len(pairs), 2)).tolist() == [pairs, pairs]
    for wrong in (text.replace(",", ";"), text[:-1], f"{text}1", text.replace(", ", " "), f"-{text}", f"{text}\n", "٣"):
        with pytest.raises(ArchitectureError):
            form.numbers([wrong], (len(pairs), 2))
        with pytest.raises(ArchitectureError):
            form.numbers([text, wrong], (len(pairs), 2))
