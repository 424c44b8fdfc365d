"""Imports point one way, the toolkit loads no heavy package, and no file unpickles."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]

_LAYERS = {
    "toolkit": {"lissnas"},
    "benchmarks": {"lissnas", "lissnas_benchmarks"},
    "analyses": {"lissnas", "lissnas_benchmarks", "lissnas_analyses"},
}

_SOURCES = sorted(path for layer in _LAYERS for path in (_ROOT / layer).rglob("*.py"))

_FILES = set(_SOURCES)

_FRONT_DOOR = _ROOT / "toolkit" / "lissnas" / "__init__.py"
"""The one module that may name all three packages: it imports them when a name is first used."""


def _relative(path: Path) -> str:
    return str(path.relative_to(_ROOT))


@cache
def _tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file, for reading only: all tests share it."""
    return ast.parse(path.read_text())


@cache
def _imports(path: Path) -> tuple[str, ...]:
    return tuple(_imported(_tree(path)))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import stays inside its package.
            if node.level == 0 and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            # The catalogs name modules as "module:attribute".
            yield node.value.partition(":")[0]


@pytest.mark.parametrize("layer", _LAYERS)
def test_imports_point_from_analyses_to_benchmarks_to_toolkit(layer: str) -> None:
    later = set().union(*_LAYERS.values()) - _LAYERS[layer]
    inside = [path for path in _SOURCES if path.is_relative_to(_ROOT / layer) and path != _FRONT_DOOR]
    assert inside
    assert [f"{_relative(path)}: {name}" for path in inside for name in _imports(path) if _package(name) in later] == []


_IMPORT_ALL = """
import importlib, pkgutil, sys
import {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    if not module.name.startswith("lissnas.supernet."):
        importlib.import_module(module.name)
print(*sys.modules, sep="\\n")
"""


def _loaded_by(statements: str) -> set[str]:
    run = subprocess.run([sys.executable, "-c", statements], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_the_toolkit_loads_neither_torch_nor_matplotlib_nor_a_benchmark_package() -> None:
    heavy = {"torch", "matplotlib", "sklearn", "nas_bench_graph", "analognasbench", "nasbench", "nats_bench"}
    assert _loaded_by(_IMPORT_ALL.format(package="lissnas")) & (heavy | {"lissnas_benchmarks"}) == set()


_TOOLKIT = _ROOT / "toolkit" / "lissnas"

_ORDER = (
    "storage",
    "spaces",
    "subspaces",
    "evaluation",
    "statistics",
    "locality",
    "predictors",
    "optimizers",
    "shrinkers",
    "bridges",
    "supernet",
)
"""The sub-packages of the toolkit: each imports only from those before it."""

_SUPERNET_ORDER = (
    "networks",
    "images",
    "training",
    "standalone",
    "scoring",
    "latency",
    "shrinking",
    "recipes",
    "export",
    "zero_cost",
    "stages",
)


def _later_imports(folder: Path, package: str, order: tuple[str, ...]) -> list[str]:
    """Return each import of a later sub-package, as 'file: module'."""
    imports = []
    for place, name in enumerate(order):
        later = tuple(f"{package}.{other}." for other in order[place + 1 :])
        for path in sorted((folder / name).rglob("*.py")):
            imports += [
                f"{_relative(path)}: {imported}" for imported in _imports(path) if f"{imported}.".startswith(later)
            ]
    return imports


def test_each_sub_package_of_the_toolkit_imports_only_from_those_before_it() -> None:
    assert _later_imports(_TOOLKIT, "lissnas", _ORDER) == []


def test_each_sub_package_of_the_supernet_imports_only_from_those_before_it() -> None:
    assert _later_imports(_TOOLKIT / "supernet", "lissnas.supernet", _SUPERNET_ORDER) == []


def test_the_orders_name_every_sub_package() -> None:
    folders = (_TOOLKIT, _ORDER), (_TOOLKIT / "supernet", _SUPERNET_ORDER)
    for folder, order in folders:
        assert {path.parent.name for path in folder.glob("*/__init__.py")} == set(order)


def test_no_import_cycle_exists() -> None:
    imports = {path: _own_modules(path) for path in _SOURCES}
    finished: set[Path] = set()

    def visit(path: Path, chain: tuple[Path, ...]) -> None:
        assert path not in chain, " -> ".join(map(_relative, (*chain, path)))
        if path not in finished:
            for other in sorted(imports[path]):
                visit(other, (*chain, path))
            finished.add(path)

    for path in _SOURCES:
        visit(path, ())


def _own_modules(path: Path) -> set[Path]:
    """Return the files of the project that a file imports, also inside functions, except for type checking."""
    nodes: list[ast.AST] = [_tree(path)]
    found = set()
    for node in nodes:  # which grows
        only_for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        nodes += node.orelse if isinstance(node, ast.If) and only_for_types else ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            for layer in _LAYERS:
                place = _ROOT / layer / Path(*name.split(".")).with_suffix(".py")
                found |= {place} & _FILES
    return found


def test_only_the_supernet_backend_imports_torch() -> None:
    toolkit = [path for path in _SOURCES if path.is_relative_to(_TOOLKIT)]
    importing = {path.relative_to(_TOOLKIT).parts[0] for path in toolkit if "torch" in map(_package, _imports(path))}
    assert importing == {"supernet"}


def _package(name: str) -> str:
    return name.partition(".")[0]


def test_the_adapters_load_no_benchmark_package_on_import() -> None:
    heavy = {"torch", "matplotlib", "sklearn", "nas_bench_graph", "analognasbench"}
    assert _loaded_by(_IMPORT_ALL.format(package="lissnas_benchmarks")) & heavy == set()


def test_each_program_and_test_imports_what_exists() -> None:
    missing = []
    for path in sorted((_ROOT / "tests").rglob("*.py")):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and _package(node.module or "") in set().union(*_LAYERS.values()):
                files = _files_of(node.module or "")
                text = "".join(file.read_text() for file in files)
                names = [alias.name for alias in node.names if not _files_of(f"{node.module}.{alias.name}")]
                missing += [
                    f"{_relative(path)}: {node.module}.{name}" for name in names if not files or name not in text
                ]
    assert missing == []


def _files_of(module: str) -> list[Path]:
    """Return the file of a module or the `__init__.py` of a package of the project; empty if it does not exist."""
    places = [_ROOT / layer / Path(*module.split(".")) for layer in _LAYERS]
    return [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file in _FILES]


def test_no_folder_has_more_than_fifteen_modules() -> None:
    modules = Counter(_relative(path.parent) for path in _SOURCES if path.name != "__init__.py")
    assert {folder: count for folder, count in modules.items() if count > 15} == {}


_UNPICKLERS = ("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal")

_EXECUTING = {"pandas.read_pickle", "pd.read_pickle", "shelve.open"}.union(
    *({f"{module}.load", f"{module}.loads"} for module in _UNPICKLERS)
)

_SAFE = {"weights_only": True, "allow_pickle": False}


def _executing_calls(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that pass a file to a function that executes its content."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=module, names=names):
                executes = any(f"{module}.{alias.name}" in _EXECUTING for alias in names)
            case ast.Attribute(attr="load" | "loads" | "read_pickle" | "open"):
                executes = ast.unparse(node) in _EXECUTING
            case ast.keyword(arg=name, value=value) if name in _SAFE:
                executes = ast.unparse(value) != str(_SAFE[name])
            case _:
                executes = False
        if executes:
            yield node.lineno


def _sources_outside_tests() -> list[Path]:
    folders = [path for path in _ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name != "tests"]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def test_no_file_outside_the_tests_unpickles() -> None:
    files = _sources_outside_tests()
    assert set(files) >= _FILES
    assert [f"{_relative(path)}:{line}" for path in files for line in _executing_calls(_tree(path))] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle\npickle.load(file)",
        "from pickle import loads",
        "read = pickle.loads",
        "torch.load(file, weights_only=False)",
        "np.load(file, allow_pickle=True)",
    ],
)
def test_the_search_for_unpickling_finds_it(code: str) -> None:
    assert list(_executing_calls(ast.parse(code)))
