"""NASLib's calls over a table: the documented list of them, and loops that make the calls as its optimizers do.

NASLib is not installed here; the tests follow the list of its calls in docs/bridges.md.
"""

import re
from collections import deque
from enum import Enum, auto
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.bridges.naslib import NaslibSpace
from lissnas.errors import ArchitectureError, SettingError
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.naslib_table import METRICS, naslib_space
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import Source, curve_file, file_checksum, write_table

DOCS = Path(__file__).parents[2] / "docs" / "bridges.md"


class Metric(Enum):
    """NASLib's metrics by their names."""

    RAW = auto()
    ALL = auto()
    TRAIN_ACCURACY = auto()
    VAL_ACCURACY = auto()
    TEST_ACCURACY = auto()
    TRAIN_LOSS = auto()
    VAL_LOSS = auto()
    TEST_LOSS = auto()
    TRAIN_TIME = auto()
    VAL_TIME = auto()
    TEST_TIME = auto()
    FLOPS = auto()
    LATENCY = auto()
    PARAMETERS = auto()
    EPOCH = auto()
    HP = auto()


def _column(metric: str, split: str, unit: str = "%", epochs: int | None = 5, seed: int | None = None) -> Column:
    return Column(metric, "places", split, unit, epochs, seed, quality=metric == "accuracy")


SIZE = 15_625

COLUMNS: dict[Column, Floats] = {
    _column("accuracy", "validation", seed=1): np.arange(SIZE) / 200,
    _column("accuracy", "validation", seed=2): np.arange(SIZE) / 200 + 1,
    _column("accuracy", "validation", epochs=2): np.full(SIZE, 7.0),
    _column("accuracy", "test"): np.arange(SIZE) / 300,
    _column("accuracy", "train"): np.arange(SIZE) / 170,
    **{
        _column("loss", split, ""): np.arange(SIZE) + place
        for place, split in enumerate(("train", "validation", "test"))
    },
    _column("training-time", "", "s"): np.arange(SIZE) + 3.0,
    _column("evaluation-time", "validation", "s"): np.arange(SIZE) + 4.0,
    _column("evaluation-time", "test", "s"): np.arange(SIZE) + 5.0,
    _column("flops", "", "M", None): np.arange(SIZE) + 6.0,
    _column("latency", "", "ms", None): np.arange(SIZE) + 7.0,
    _column("parameters", "", "M", None): np.arange(SIZE) + 8.0,
}
"""Made-up numbers: each architecture's numbers follow from its index."""

AT_900 = {
    "VAL_ACCURACY": 5.0,
    "TEST_ACCURACY": 3.0,
    "TRAIN_ACCURACY": 900 / 170,
    "TRAIN_LOSS": 900.0,
    "VAL_LOSS": 901.0,
    "TEST_LOSS": 902.0,
    "TRAIN_TIME": 903.0,
    "VAL_TIME": 904.0,
    "TEST_TIME": 905.0,
    "FLOPS": 906.0,
    "LATENCY": 907.0,
    "PARAMETERS": 908.0,
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("naslib") / "made.parquet"
    curves = {}
    path.with_suffix("").mkdir()
    for seed in (1, 2):
        name = curve_file(_column("accuracy", "validation", seed=seed))
        curve = np.arange(SIZE, dtype=np.float32)[:, None] / 200 + np.array([-4, -3, -2, -1, 0], dtype=np.float32)
        np.save(path.with_suffix("") / name, curve + np.float32(seed - 1))
        curves[name] = file_checksum(path.with_suffix("") / name)
    columns = {column: values.copy() for column, values in COLUMNS.items()}
    columns[_column("accuracy", "validation", seed=2)][900] = np.nan
    columns[_column("accuracy", "validation", seed=2)][901] = np.nan
    columns[_column("accuracy", "validation", seed=1)][901] = np.nan
    columns[_column("accuracy", "validation", seed=1)][900] = 5.0
    write_table(path, cell201(), columns, Source("made", "", "", {}), curves=curves)
    return Table(path, cell201)


@pytest.fixture
def arch(table: Table) -> NaslibSpace:
    return naslib_space(table, np.random.default_rng(0))


def _at(arch: NaslibSpace, place: int) -> NaslibSpace:
    arch._chosen = cell201().rows(np.array([place]))
    return arch


# Queries


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("named", [str, lambda name: Metric[name]])
def test_every_metric_is_answered_from_its_own_column(arch: NaslibSpace, metric: str, named: Any) -> None:
    answer = _at(arch, 900).query(named(metric), "places", dataset_api={"nb201_data": None})
    assert answer == pytest.approx(AT_900[metric])


def test_the_mean_is_over_the_available_runs(arch: NaslibSpace) -> None:
    assert _at(arch, 1000).query(Metric.VAL_ACCURACY) == pytest.approx(5.5)


def test_everything_is_a_dictionary_by_column(arch: NaslibSpace) -> None:
    raw = _at(arch, 900).query(Metric.RAW, "places", dataset_api=None)
    assert raw["latency/places"] == 907
    assert raw["accuracy/places/validation/2"] == 7
    assert len(raw) == len(COLUMNS)


def test_learning_curves_count_epochs_from_0(arch: NaslibSpace) -> None:
    _at(arch, 1000)
    curve = [1.5, 2.5, 3.5, 4.5, 5.5]
    assert arch.query(Metric.VAL_ACCURACY, "places", full_lc=True) == pytest.approx(curve)
    assert arch.query(Metric.VAL_ACCURACY, "places", full_lc=True, epoch=2) == pytest.approx(curve[:2])
    assert arch.query(Metric.VAL_ACCURACY, "places", epoch=2) == pytest.approx(3.5)
    assert arch.query(Metric.VAL_ACCURACY, "places", epoch=-1) == pytest.approx(5.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"metric": Metric.HP}, "unknown metric HP; known: TRAIN_ACCURACY"),
        ({"metric": Metric.ALL}, "unknown metric ALL"),
        ({"metric": None}, "unknown metric NONE"),
        (
            {"metric": Metric.VAL_ACCURACY, "dataset": "cifar10"},
            "made has no VAL_ACCURACY on cifar10; its data sets: pl",
        ),
        ({"metric": Metric.VAL_ACCURACY, "epoch": 5}, "VAL_ACCURACY has the epochs 0 to 4, not 5"),
    ],
)
def test_an_unknown_query_raises_an_error_with_what_is_known(
    arch: NaslibSpace, call: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        _at(arch, 900).query(**call)


def test_an_architecture_without_a_value_raises_an_error(arch: NaslibSpace) -> None:
    with pytest.raises(SettingError, match=r"'.*' has no VAL_ACCURACY"):
        _at(arch, 901).query(Metric.VAL_ACCURACY)


def test_a_test_accuracy_never_replaces_validation(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    write_table(path, macro(), {_column("accuracy", "test"): np.arange(6561.0)}, Source("one", "", "", {}))
    arch = naslib_space(Table(path, macro), np.random.default_rng(0))
    arch.sample_random_architecture()
    with pytest.raises(SettingError, match="one has no VAL_ACCURACY on places; it has test accuracy"):
        arch.query(Metric.VAL_ACCURACY)


# Architectures


def test_hashes_of_cell201_are_those_of_naslib(arch: NaslibSpace) -> None:
    """Read off the string: edges by where they start, operations by NASLib's numbers."""
    numbers = {"skip_connect": 0, "none": 1, "nor_conv_3x3": 2, "nor_conv_1x1": 3, "avg_pool_3x3": 4}
    for place in range(0, SIZE, 37):
        _at(arch, place)
        [string] = cell201().write(arch.row)
        found = {
            (int(start), end): numbers[operation]
            for end, node in enumerate(string.split("+"), 1)
            for operation, start in re.findall(r"(\w+)~(\d)", node)
        }
        expected = tuple(found[edge] for edge in sorted(found))
        assert arch.get_hash() == expected
        other = arch.clone()
        other.set_op_indices(list(expected))
        np.testing.assert_array_equal(other.row, arch.row)


def test_hashes_elsewhere_are_official_strings(open_table: Any) -> None:
    arch = naslib_space(open_table("nas-bench-graph-proteins"), np.random.default_rng(0))
    arch.sample_random_architecture()
    assert arch.get_hash() == arch.subspace.space.write(arch.row)[0]
    assert arch.get_type() == arch.subspace.space.name
    other = arch.clone()
    other.set_spec(arch.get_op_indices(), dataset_api=None)
    assert other.get_hash() == arch.get_hash()


def test_mutants_and_neighborhoods_are_one_edit_away(arch: NaslibSpace) -> None:
    arch.sample_random_architecture(dataset_api=None)
    neighbors = [model.arch for model in arch.get_nbhd(dataset_api=None)]
    assert len({one.get_hash() for one in neighbors}) == len(neighbors) == 24
    rows = np.concatenate([one.row for one in neighbors])
    np.testing.assert_array_equal(cell201().distances(arch.row, rows), np.ones((1, 24)))
    mutant = arch.clone()
    for _ in range(20):
        mutant.mutate(arch, dataset_api=None)
        assert cell201().distance(mutant.row, arch.row)[0] == 1


def test_nothing_leaves_a_subspace(table: Table) -> None:
    kept = ExplicitSubspace(cell201(), np.random.default_rng(1).choice(SIZE, 300, replace=False))
    arch = naslib_space(table, np.random.default_rng(0), kept)
    assert len(list(arch.get_arch_iterator())) == 300
    for _ in range(100):
        arch.sample_random_architecture()
        mutant = arch.clone()
        mutant.mutate(arch)
        seen = [arch.row, mutant.row, *(model.arch.row for model in arch.get_nbhd())]
        assert kept.contains(np.concatenate(seen)).all()
    outside = np.flatnonzero(~np.isin(np.arange(SIZE), kept.index))[:1]
    stranger = _at(naslib_space(table, np.random.default_rng(0)), int(outside[0]))
    with pytest.raises(SettingError, match="is not in this subspace of cell201"):
        arch.set_op_indices(stranger.get_op_indices())


def test_the_same_generator_gives_the_same_walk(table: Table) -> None:
    def walk(seed: int) -> list[Any]:
        arch = naslib_space(table, np.random.default_rng(seed))
        arch.sample_random_architecture()
        visited = [arch.get_hash()]
        for _ in range(10):
            arch.mutate(arch.clone())
            visited.append(arch.get_hash())
        return visited

    assert walk(1) == walk(1) != walk(2)


@pytest.mark.parametrize("numbers", [[0] * 5, [5] * 6, [-1] * 6])
def test_numbers_that_are_not_an_architecture_are_refused(arch: NaslibSpace, numbers: list[int]) -> None:
    with pytest.raises((SettingError, ArchitectureError), match="is not in cell201"):
        arch.set_op_indices(numbers)


@pytest.mark.parametrize("numbers", ["(4, 0, 3, 1, 4, 3)", (4.7, 0, 3, 1, 4, 3), (None,) * 6, 4, (2**70,) * 6])
def test_anything_but_whole_numbers_is_refused(arch: NaslibSpace, numbers: Any) -> None:
    with pytest.raises(SettingError, match="is not a sequence of whole numbers: give one for each of the 6 genes"):
        arch.set_spec(numbers)


def test_the_last_epoch_is_answered_by_the_value_where_there_is_no_curve(arch: NaslibSpace) -> None:
    _at(arch, 1000)
    assert arch.query(Metric.TEST_ACCURACY, "places", epoch=4) == arch.query(Metric.TEST_ACCURACY, "places")


def test_a_space_without_an_architecture_says_so(arch: NaslibSpace) -> None:
    with pytest.raises(SettingError, match="call sample_random_architecture first"):
        arch.query(Metric.VAL_ACCURACY)


def test_no_network_is_built(arch: NaslibSpace) -> None:
    with pytest.raises(SettingError, match="builds no network"):
        arch.parse()


def test_a_subspace_of_another_space_is_refused(table: Table) -> None:
    with pytest.raises(SettingError, match="a subspace of macro, but made is of cell201"):
        naslib_space(table, np.random.default_rng(0), ExplicitSubspace(macro(), np.array([1])))


def test_neighbors_are_modules_where_torch_is_there(arch: NaslibSpace) -> None:
    torch = pytest.importorskip("torch")

    arch.sample_random_architecture()
    history = torch.nn.ModuleList()
    for model in arch.get_nbhd():
        model.accuracy = model.arch.query(Metric.TEST_ACCURACY)
        history.append(model)
    assert len(history) == 24


# Loops that make the calls of NASLib's optimizers


class _Model:
    arch: NaslibSpace
    accuracy: float


def _sampled(space: NaslibSpace, metric: Metric) -> Any:
    model = _Model()
    model.arch = space.clone()
    model.arch.sample_random_architecture(dataset_api={})
    model.accuracy = model.arch.query(metric, "places", dataset_api={})
    return model


def test_regularized_evolution_by_naslibs_calls_climbs(arch: NaslibSpace) -> None:
    assert arch.QUERYABLE
    rng, metric = np.random.default_rng(0), Metric.TEST_ACCURACY
    population = deque((_sampled(arch, metric) for _ in range(20)), maxlen=20)
    start = max(model.accuracy for model in population)
    for _ in range(200):
        parent = max(rng.choice(list(population), 5), key=lambda model: model.accuracy)
        child = _Model()
        child.arch = arch.clone()
        child.arch.mutate(parent.arch, dataset_api={})
        child.accuracy = child.arch.query(metric, "places", dataset_api={})
        population.append(child)
    assert max(model.accuracy for model in population) > start


def test_local_search_by_naslibs_calls_ends_in_the_optimum(arch: NaslibSpace) -> None:
    """In these made-up numbers a network is better the higher its place, so there is one optimum."""
    best = _sampled(arch, Metric.TEST_ACCURACY)
    while True:
        neighborhood = best.arch.get_nbhd(dataset_api={})
        for model in neighborhood:
            model.accuracy = model.arch.query(Metric.TEST_ACCURACY, "places", dataset_api={})
        top = max(neighborhood, key=lambda model: model.accuracy)
        if top.accuracy <= best.accuracy:
            break
        best = top
    assert cell201().index(best.arch.row)[0] == SIZE - 1


# The list


def test_the_documentation_lists_every_call_and_metric() -> None:
    listed = set(re.findall(r"^\| `(\w+)", DOCS.read_text(), re.MULTILINE))
    calls = {name for name in vars(NaslibSpace) if not name.startswith("_") and name not in ("row",)}
    assert calls <= listed
    assert set(METRICS) | {"RAW"} <= listed
