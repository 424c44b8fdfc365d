"""The front door: `import lissnas as ln` has every public name, imports nothing early, and its examples run."""

import ast
import doctest
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import lissnas as ln
import pytest

_FRONT_DOOR = Path(ln.__file__)


def _names_for_type_checkers() -> dict[str, str]:
    """Return each name that the front door imports for type checkers, and from which module."""
    tree = ast.parse(_FRONT_DOOR.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {
        alias.name: str(node.module)
        for node in imports
        for alias in node.names
        if str(node.module).startswith("lissnas")
    }


def test_type_checkers_see_the_names_that_programs_get() -> None:
    assert _names_for_type_checkers() == ln._PLACES


@pytest.mark.parametrize("name", sorted(ln._PLACES))
def test_a_public_name_is_importable_and_is_what_its_module_defines(name: str) -> None:
    assert getattr(ln, name) is getattr(import_module(ln._PLACES[name]), name)


def test_completion_lists_every_public_name() -> None:
    assert set(ln.__all__) <= set(dir(ln))


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert ln.__version__ == version("lissnas")


def test_a_misspelled_name_suggests_the_nearest() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Lisnas'; did you mean 'Lissnas'"):
        _ = ln.Lisnas


def test_importing_the_front_door_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import lissnas; print(*sorted(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lissnas" in run.stdout.split()
    assert not set(run.stdout.split()) & {"numpy", "polars", "scipy", "torch", "matplotlib", "lissnas.errors"}


_FUNCTIONS = [name for name in sorted(ln._PLACES) if inspect.isfunction(getattr(ln, name))]


@pytest.mark.parametrize("name", _FUNCTIONS)
@pytest.mark.filterwarnings("ignore::lissnas_analyses.api.shrinking.SameScoresWarning")
def test_a_public_function_has_an_example_that_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    function = getattr(ln, name)
    tests = doctest.DocTestFinder(recurse=False).find(function, name)
    examples = [example for test in tests for example in test.examples]
    assert examples, f"ln.{name} has no example"
    for test in tests:
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0
