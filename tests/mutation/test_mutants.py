"""Mutants: each kind of change, none where it has no effect on results, and their tests."""

import ast
from pathlib import Path

import pytest
from mutants import mutants
from run_mutants import TOOLKIT, find_tests


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a >= b", "a > b"),
        ("a == b", "a != b"),
        ("a in b", "a not in b"),
        ("a + b", "a - b"),
        ("a and b", "a or b"),
        ("not a", "not not a"),
        ("-a", "+a"),
        ("x = 2", "x = 3"),
        ("x = True", "x = False"),
        ("np.argmax(a)", "np.argmin(a)"),
        ("x = a if b else c", "x = a if not b else c"),
        ("while a:\n    continue", "while a:\n    break"),
    ],
)
def test_a_change_is_made(tmp_path: Path, source: str, changed: str) -> None:
    (tmp_path / "module.py").write_text(source)
    made = [mutant.source(tmp_path) for mutant in mutants(Path("module.py"), tmp_path)]
    assert ast.unparse(ast.parse(changed)) in made


@pytest.mark.parametrize(
    "source", ["x: tuple[int, 2]", "raise ValueError(2)", "x = f'{2}'", "if TYPE_CHECKING:\n    2"]
)
def test_annotations_and_texts_are_not_changed(tmp_path: Path, source: str) -> None:
    (tmp_path / "module.py").write_text(source)
    assert list(mutants(Path("module.py"), tmp_path)) == []


def test_a_module_has_its_own_tests_first() -> None:
    module = Path("lissnas/evaluation/journal.py")
    assert (TOOLKIT / module).is_file()
    assert find_tests(module)[0].name == "test_journal.py"
