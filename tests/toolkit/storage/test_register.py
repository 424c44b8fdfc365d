"""Entry points of other packages: found by name, imported when used, and refused by name without harm to others."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lissnas.errors import PluginError, UnknownNameError
from lissnas.optimizers.search import OPTIMIZERS
from lissnas.predictors.predictor import PREDICTORS
from lissnas.shrinkers.shrink import SHRINKERS, shrinker_class, shrinker_names
from lissnas.spaces.catalog import make_space, space_names
from lissnas.spaces.space import Space
from lissnas.storage.register import Register

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package with one module and entry points, without building it."""

    def do(package: str, entry_points: str, source: str = "") -> None:
        folder = tmp_path / package
        described = folder / f"{package}-1.0.dist-info"
        described.mkdir(parents=True)
        (folder / f"{package}.py").write_text(source)
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (described / "entry_points.txt").write_text(entry_points)
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, package, raising=False)

    return do


def _register() -> Register:
    return Register("thing", "lissnas.things", {"ours": "math:pi"}, lambda name, result: "")


def test_a_builtin_name_is_found_without_importing_other_packages(install: Install) -> None:
    install("broken", "[lissnas.things]\ntheirs = broken:x\n", "raise RuntimeError('no')")
    assert _register().find("ours") == pytest.approx(3.14159265)
    assert "broken" not in sys.modules


def test_names_are_listed_without_importing_packages(install: Install) -> None:
    install("broken", "[lissnas.things]\ntheirs = broken:x\n", "raise RuntimeError('no')")
    assert _register().names() == ("ours", "theirs")
    assert "broken" not in sys.modules


def test_a_name_of_another_package_is_found_in_its_group_only(install: Install) -> None:
    install("valid", "[lissnas.things]\ntheirs = valid:x\n[lissnas.others]\nelse = valid:x\n", "x = 7")
    assert _register().find("theirs") == 7
    assert _register().names() == ("ours", "theirs")
    assert _register().faults() == ()


def test_an_unknown_name_suggests_the_nearest_name_of_any_package(install: Install) -> None:
    install("valid", "[lissnas.things]\nquadratic = valid:x\n", "x = 7")
    with pytest.raises(UnknownNameError, match="unknown thing 'quadratik': did you mean 'quadratic'"):
        _register().find("quadratik")


@pytest.mark.parametrize(
    ("source", "place", "why"),
    [
        ("import no_such_module", "bad:x", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("", "bad:x", "AttributeError"),
        ("x = 1 / 0", "bad:x", "ZeroDivisionError"),
        ("x = (", "bad:x", "SyntaxError"),
        ("raise SystemExit(3)", "bad:x", "SystemExit: 3"),
        ("", "missing_module:x", "ModuleNotFoundError"),
    ],
)
def test_a_broken_package_is_refused_by_name_and_breaks_no_other(
    install: Install, source: str, place: str, why: str
) -> None:
    install("bad", f"[lissnas.things]\nbroken = {place}\n", source)
    install("good", "[lissnas.things]\nvalid = good:x\n", "x = 7")
    with pytest.raises(PluginError, match=rf"the thing 'broken' of bad 1\.0 cannot be used: {place}: {why}"):
        _register().find("broken")
    assert _register().find("valid") == 7
    assert _register().valid_names() == ("ours", "valid")
    [fault] = _register().faults()
    assert "'broken' of bad 1.0" in fault


def test_a_name_that_two_packages_claim_is_refused(install: Install) -> None:
    install("one", "[lissnas.things]\ntheirs = one:x\n", "x = 1")
    install("two", "[lissnas.things]\ntheirs = two:x\n", "x = 2")
    with pytest.raises(PluginError, match=r"one 1\.0 and two 1\.0 both register a thing 'theirs': uninstall one"):
        _register().find("theirs")
    assert _register().valid_names() == ("ours",)


@pytest.mark.parametrize("name", ["../../etc/theirs", "a/b", ".hidden", "two words", "\x1b[31mred"])
def test_a_name_that_is_no_name_of_a_folder_is_refused(install: Install, name: str) -> None:
    install("odd", f"[lissnas.things]\n{name} = odd:x\n", "x = 7")
    with pytest.raises(PluginError, match=r"of odd 1\.0 cannot be used: a name has letters, digits"):
        _register().find(name)
    assert _register().valid_names() == ("ours",)


def test_a_package_cannot_replace_a_builtin_name(install: Install) -> None:
    install("thief", "[lissnas.things]\nours = thief:x\n", "x = 0")
    assert _register().find("ours") == pytest.approx(3.14159265)
    assert _register().names() == ("ours",)
    assert _register().faults() == ("the thing 'ours' of thief 1.0 is left out: lissnas itself has one of that name",)


# Each group


_SETTINGS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Valid:
    size: int = 3
    def rounds(self, space, evaluations, rng): ...
    def visit(self, subspace, evaluations, total, rng): ...
    def fit(self, space, rows, scores, rng): ...

@dataclass(frozen=True)
class WithoutMethod:
    size: int = 3

@dataclass
class NotFrozen:
    size: int = 3
    rounds = visit = fit = Valid.rounds

class Plain(Valid):
    def __init__(self): ...

@dataclass(frozen=True)
class WithoutDefault:
    size: int
    rounds = visit = fit = Valid.rounds

instance = Valid()
"""


_REGISTERS = [(SHRINKERS, "shrinkers"), (OPTIMIZERS, "optimizers"), (PREDICTORS, "predictors")]


@pytest.mark.parametrize(("register", "group"), _REGISTERS)
@pytest.mark.parametrize(
    ("attribute", "why"),
    [
        ("WithoutMethod", "WithoutMethod has no method '(rounds|visit|fit)'"),
        ("NotFrozen", "NotFrozen is not a frozen dataclass"),
        ("Plain", "Plain is not a frozen dataclass"),
        ("WithoutDefault", r"WithoutDefault\(\) fails, but every setting needs a default"),
        ("instance", "it is a Valid, not a class of settings"),
    ],
)
def test_a_class_that_cannot_hold_settings_is_refused(
    install: Install, register: Register, group: str, attribute: str, why: str
) -> None:
    install("their", f"[lissnas.{group}]\ntheirs = their:{attribute}\n", _SETTINGS)
    with pytest.raises(PluginError, match=rf"'theirs' of their 1\.0 cannot be used: their:{attribute}: {why}"):
        register.find("theirs")


@pytest.mark.parametrize(("register", "group"), _REGISTERS)
def test_valid_settings_are_found(install: Install, register: Register, group: str) -> None:
    install("their", f"[lissnas.{group}]\ntheirs = their:Valid\n", _SETTINGS)
    assert register.find("theirs").__name__ == "Valid"


def test_every_builtin_passes_the_checks_of_other_packages() -> None:
    for register in (SHRINKERS, OPTIMIZERS, PREDICTORS):
        for name in register.builtin:
            assert register.fault(name, register.find(name)) == ""
    assert shrinker_class("lissnas").__name__ == "Lissnas"
    assert shrinker_names()[: len(SHRINKERS.builtin)] == tuple(SHRINKERS.builtin)


@pytest.mark.parametrize(
    ("attribute", "why"),
    [
        ("valid", "the space that it makes is called 'macro'"),
        ("number", "it is a int, not a function that makes a space"),
        ("failing", "making the space fails: ValueError: no"),
        ("text", "it makes a str, not a Space"),
    ],
)
def test_an_object_that_makes_no_space_is_refused(install: Install, attribute: str, why: str) -> None:
    source = (
        "from lissnas.spaces.published.macro import macro as valid\nnumber = 3\ntext = str\n"
        "def failing(): raise ValueError('no')"
    )
    install("their", f"[lissnas.spaces]\ntheirs = their:{attribute}\n", source)
    with pytest.raises(PluginError, match=f"the space 'theirs' of their 1.0 cannot be used: their:{attribute}: {why}"):
        make_space("theirs")


def test_every_space_has_the_name_that_makes_it() -> None:
    for name in space_names():
        space = make_space(name)
        assert isinstance(space, Space)
        assert space.name == name


def test_a_register_needs_no_numpy() -> None:
    program = "import sys; sys.modules['numpy'] = None; from lissnas.storage.register import Register; print('light')"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.stdout == "light\n", ran.stderr
