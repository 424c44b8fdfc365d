"""A shrinker in a file of your own: it runs as a registered one, and every fault is a sentence."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from lissnas.errors import SettingError
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.published.macro import macro
from lissnas_analyses.grid import rule_file
from lissnas_analyses.grid.rule_file import read_rule

SOURCE = """
from dataclasses import dataclass
from lissnas.subspaces.subspace import ExplicitSubspace

@dataclass(frozen=True)
class Elite:
    evaluations: int = 50
    elite: int = 10

    def rounds(self, space, evaluations, rng):
        evaluations(space.sample(self.evaluations, rng))
        yield ExplicitSubspace(space, space.index(evaluations.best(self.elite)))

@dataclass(frozen=True)
class YieldsRows:
    def rounds(self, space, evaluations, rng):
        yield space.sample(3, rng)

@dataclass(frozen=True)
class Returns:
    def rounds(self, space, evaluations, rng):
        return 3

class Other:
    pass
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rules.py").write_text(SOURCE)
    return tmp_path


def test_a_rule_in_a_file_shrinks(rules: Path) -> None:
    elite = read_rule("rules.py:Elite").shrinker_class()
    trace = shrink(macro(), lambda rows: rows.sum(axis=1), elite(), np.random.default_rng(0))
    assert (trace.subspace.size, trace.evaluations.count) == (10, 50)


def test_another_process_needs_no_file(rules: Path) -> None:
    pickled = pickle.dumps(read_rule("rules.py:Elite"))
    Path("rules.py").unlink()
    rule_file._load.cache_clear()
    for name in [name for name in sys.modules if name.startswith("lissnas_rule_")]:
        del sys.modules[name]
    assert pickle.loads(pickled).shrinker_class().__name__ == "Elite"


def test_a_changed_file_is_another_rule(rules: Path) -> None:
    before = read_rule("rules.py:Elite")
    Path("rules.py").write_text(SOURCE.replace("elite: int = 10", "elite: int = 20"))
    after = read_rule("rules.py:Elite")
    assert before.checksum != after.checksum
    assert (before.shrinker_class()().elite, after.shrinker_class()().elite) == (10, 20)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules.py", "'rules.py' does not name a class: .* its shrinkers are Elite, YieldsRows, Returns"),
        ("absent.py:Elite", "there is no file absent.py in "),
        ("rules.py:Elit", "rules.py has no class Elit; its shrinkers are Elite, YieldsRows, Returns"),
        ("rules.py:Other", "Other of rules.py is no shrinker: Other has no method 'rounds'"),
        (".:Elite", "cannot be read: "),
    ],
)
def test_what_is_no_shrinker_is_refused(rules: Path, text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        read_rule(text)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\ny = x / 0", r"broken.py, line 2: ZeroDivisionError: division by zero$"),
        ("def f(:", r"broken.py, line 1: SyntaxError: invalid syntax$"),
        ("import no_such_helper", r"ModuleNotFoundError: .*; a rule is one file: install what it imports"),
        ("raise SystemExit(3)", "broken.py: RuntimeError: it ends Python with status 3"),
    ],
)
def test_a_file_that_fails_says_where(rules: Path, source: str, said: str) -> None:
    Path("broken.py").write_text(source)
    with pytest.raises(SettingError, match=said):
        read_rule("broken.py:Elite")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("YieldsRows", "round 1 of YieldsRows yields a ndarray, not a Subspace"),
        ("Returns", "rounds of Returns returns a int: yield a Subspace for each round"),
    ],
)
def test_a_shrinker_that_yields_no_subspace_is_refused(rules: Path, name: str, said: str) -> None:
    shrinker = read_rule(f"rules.py:{name}").shrinker_class()()
    with pytest.raises(SettingError, match=said):
        shrink(macro(), lambda rows: rows.sum(axis=1), shrinker, np.random.default_rng(0))
