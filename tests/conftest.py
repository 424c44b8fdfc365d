"""Fixtures for all tests: published tables, one cache for the session, and small spaces that loops can enumerate."""

import gc
import itertools
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import settings
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.spaces.distinct import DistinctSpace
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Space
from lissnas_analyses import style
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import is_ready, load_table
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

REAL_FILES = {"Results_ResNet.json": "channel_bench_macro_resnet.json"}
"""The names of some official files in the shared folder, by their official names."""

# A shell makes its background processes ignore Ctrl-C, and the processes that tests start and interrupt inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests compare results with those of a CPU, also on a machine with a GPU.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# Commands compute in their own process, unless a test asks for more: starting a worker takes longer than its work here.
os.environ["LOKY_MAX_CPU_COUNT"] = "1"

# Collecting the tests makes 700,000 objects, all of which stay. To look through them for garbage again and again, also
# during the tests, took a quarter of the time of collecting.
gc.disable()


def pytest_collection_finish() -> None:
    gc.enable()
    gc.freeze()


# Every run uses the same examples, without a deadline: a busy machine must not fail a test.
settings.register_profile("lissnas", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("lissnas")


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return one cache for all workers: each benchmark is imported once, and the user's cache stays untouched."""
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.getbasetemp()
        folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
        folder.mkdir(exist_ok=True)
        patch.setenv("LISSNAS_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def small_figures() -> Iterator[None]:
    """Draw maps of 200 random architectures instead of 1,500, and pictures with a sixteenth of the pixels.

    Placing the architectures takes longer than most comparisons, and the pixels take a third of drawing.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lissnas_analyses.comparison.pocket_map.BACKGROUND", 200)
        patch.setitem(style._STYLE, "savefig.dpi", 50)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the published tables are missing: there is no {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def macro_file(shared_data: Path) -> Path:
    return shared_data / "nas-bench-macro_cifar10.json"


@pytest.fixture(scope="session")
def open_table(request: pytest.FixtureRequest, session_cache: Path) -> Callable[[str], Table]:
    """Open a benchmark from the session's cache; skip the test if its official file is missing.

    Each table is opened once, because making the space of NAS-Bench-Graph is slow.
    """
    opened: dict[str, Table] = {}

    def open_benchmark(name: str) -> Table:
        if name not in opened:
            if not is_ready(name):
                benchmark = find_adapter(name)
                data: Path = request.getfixturevalue("shared_data")
                files = tuple(data / REAL_FILES.get(file.name, file.name) for file in benchmark.files)
                if not all(file.exists() for file in files):
                    pytest.skip(f"the official file of {name} is missing")
                import_files(benchmark, files)
            opened[name] = load_table(name)
        return opened[name]

    return open_benchmark


@pytest.fixture(scope="session")
def nasbench201(shared_data: Path) -> Callable[[str], Floats]:
    """Return a function from the name of a column of NAS-Bench-201 to its values, in the order of the index."""
    frame = pl.read_parquet(shared_data / "nasbench201.parquet")
    space = cell201()
    order = np.argsort(space.index(space.read(frame["arch"].to_list())))
    return lambda name: frame[name].to_numpy()[order]


@dataclass(frozen=True)
class Enumerated:
    """A small space and the distances between all its architectures, from plain loops over the definition."""

    space: Space
    distance: np.ndarray


def _hamming(name: str, operations: tuple[str, ...], pattern: str) -> Enumerated:
    rows = list(itertools.product(*(range(len(names)) for names in operations)))
    distance = [[sum(x != y for x, y in zip(a, b, strict=True)) for b in rows] for a in rows]
    return Enumerated(CategoricalSpace(name, operations, pattern), np.array(distance))


def _multisets() -> Enumerated:
    """Four genes of four choices, in any order, without the row of four d: 34 networks."""
    rows = CategoricalSpace("multisets", ("abcd",) * 4, "{}{}{}{}")
    space = DistinctSpace("multisets", rows, lambda batch: np.sort(batch, axis=1), lambda batch: (batch != 3).any(1))
    valid = [row for row in itertools.product(range(4), repeat=4) if row != (3, 3, 3, 3)]
    networks = sorted({tuple(sorted(row)) for row in valid})
    one_edit = {
        (networks.index(tuple(sorted(a))), networks.index(tuple(sorted(b))))
        for a, b in itertools.product(valid, repeat=2)
        if sum(x != y for x, y in zip(a, b, strict=True)) == 1
    }
    distance = np.full((len(networks), len(networks)), -1)
    for start in range(len(networks)):
        distance[start, start], queue = 0, deque([start])
        while queue:
            node = queue.popleft()
            for other in range(len(networks)):
                if (node, other) in one_edit and distance[start, other] < 0:
                    distance[start, other] = distance[start, node] + 1
                    queue.append(other)
    return Enumerated(space, distance)


_SMALL = {
    "mixed": lambda: _hamming("mixed", ("ab", "cde", "fghi"), "{}-{}|{}"),
    "one gene": lambda: _hamming("one gene", ("vwxyz",), "<{}>"),
    "a gene without choice": lambda: _hamming("a gene without choice", ("ab", "c", "de", "fg"), "{}{}{}{}"),
    "multisets": _multisets,
}


@pytest.fixture(scope="session")
def mixed() -> Enumerated:
    """Return the space of 24 architectures whose genes have 2, 3 and 4 choices."""
    return _SMALL["mixed"]()


@pytest.fixture(scope="session")
def one_gene() -> Enumerated:
    """Return a space of five architectures, each one edit away from all others."""
    return _SMALL["one gene"]()


@pytest.fixture(scope="session")
def multisets() -> Enumerated:
    return _SMALL["multisets"]()


@pytest.fixture(scope="session", params=_SMALL)
def small(request: pytest.FixtureRequest) -> Enumerated:
    """Return each of the small spaces in turn."""
    return _SMALL[request.param]()


@pytest.fixture(params=["all measured", "some missing"])
def scores_of(request: pytest.FixtureRequest) -> Callable[[int], Floats]:
    """Return a function that draws scores like accuracies, with ties; with a second parameter, a quarter is missing."""

    def draw(size: int) -> Floats:
        rng = np.random.default_rng(size)
        scores = np.round(rng.normal(90, 2, size), 1)
        if request.param == "some missing":
            scores[rng.choice(size, size // 4, replace=False)] = np.nan
        return scores

    return draw
