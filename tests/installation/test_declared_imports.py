"""Every package that a file imports is declared in pyproject.toml: those of the project, of its tests and its docs."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn"}
"""The distributions whose name is not that of their package."""

NOT_INSTALLABLE = {"nasbench301": "the official program, which needs an older Python: tests/speed/nas_bench_301.py"}

PROJECT = {"lissnas", "lissnas_analyses", "lissnas_benchmarks"}


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield each package that a file imports, and whether importing the file imports it."""
    nodes: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text()), True)]
    for node, on_import in nodes:  # which grows
        on_import &= not isinstance(node, ast.FunctionDef | ast.If | ast.Try)
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], on_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], on_import
        elif isinstance(node, ast.stmt | ast.Module | ast.ExceptHandler | ast.match_case):  # no other has one
            nodes += ((inner, on_import) for inner in ast.iter_child_nodes(node))


def names(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def undeclared(folder: str, declared: set[str], *, only_on_import: bool = False) -> dict[str, str]:
    """Return each imported package that is not declared, with a file that imports it."""
    files = sorted((ROOT / folder).rglob("*.py"))
    helpers = [*files, *(ROOT / "requirements").glob("*.py")]
    own = PROJECT | {path.stem for path in helpers} | {path.parent.name for path in helpers}
    return {
        name: str(path.relative_to(ROOT))
        for path in files
        for name, on_import in imported(path)
        if name not in own | sys.stdlib_module_names | NOT_INSTALLABLE.keys()
        and (on_import or not only_on_import)
        and canonicalize_name(DISTRIBUTIONS.get(name, name)) not in declared
    }


@pytest.fixture(scope="module")
def project() -> dict[str, set[str]]:
    """Return the names that pyproject.toml declares: required, with the extras, and with the groups."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    required = names(content["project"]["dependencies"])
    extras = names([line for lines in content["project"]["optional-dependencies"].values() for line in lines])
    groups = names([line for lines in content["dependency-groups"].values() for line in lines])
    return {"required": required, "extras": required | extras, "groups": required | extras | groups}


@pytest.mark.parametrize("folder", ["toolkit", "benchmarks", "analyses"])
def test_every_import_of_the_project_is_a_dependency_or_in_an_extra(folder: str, project: dict[str, set[str]]) -> None:
    assert undeclared(folder, project["extras"]) == {}


@pytest.mark.parametrize("folder", ["benchmarks", "analyses"])
def test_what_an_import_of_the_project_needs_is_required(folder: str, project: dict[str, set[str]]) -> None:
    assert undeclared(folder, project["required"], only_on_import=True) == {}


@pytest.mark.parametrize("folder", ["tests", "docs", "data", "requirements"])
def test_every_import_of_a_test_or_a_page_is_in_a_group(folder: str, project: dict[str, set[str]]) -> None:
    assert undeclared(folder, project["groups"]) == {}
