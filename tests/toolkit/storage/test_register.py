"""Third parties' entry points: found by name, imported when used, refused by name, and no trouble to anyone else."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lissnas.errors import PluginError, UnknownNameError
from lissnas.optimizers.search import OPTIMIZERS
from lissnas.shrinkers.shrink import SHRINKERS, shrinker_class, shrinker_names
from lissnas.spaces.catalog import make_space, space_names
from lissnas.spaces.space import Space
from lissnas.storage.register import Register

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package of one module and its entry points, without a build."""

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


def _anything() -> Register:
    return Register("thing", "lissnas.things", {"ours": "math:pi"}, lambda name, found: "")


def test_our_own_are_found_though_nothing_else_is_imported(install: Install) -> None:
    install("broken", "[lissnas.things]\ntheirs = broken:x\n", "raise RuntimeError('no')")
    assert _anything().find("ours") == pytest.approx(3.14159265)
    assert "broken" not in sys.modules


def test_names_are_listed_without_an_import(install: Install) -> None:
    install("broken", "[lissnas.things]\ntheirs = broken:x\n", "raise RuntimeError('no')")
    assert _anything().names() == ("ours", "theirs")
    assert "broken" not in sys.modules


def test_a_third_partys_is_found_and_what_is_of_another_group_is_not(install: Install) -> None:
    install("sound", "[lissnas.things]\ntheirs = sound:x\n[lissnas.others]\nelse = sound:x\n", "x = 7")
    assert _anything().find("theirs") == 7
    assert _anything().names() == ("ours", "theirs")
    assert _anything().faults() == ()


def test_an_unknown_name_is_answered_with_the_nearest_of_third_parties_too(install: Install) -> None:
    install("sound", "[lissnas.things]\nquadratic = sound:x\n", "x = 7")
    with pytest.raises(UnknownNameError, match="unknown thing 'quadratik': did you mean 'quadratic'"):
        _anything().find("quadratik")


@pytest.mark.parametrize(
    ("source", "place", "why"),
    [
        ("import no_such_module", "bad:x", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("", "bad:x", "AttributeError"),
        ("x = 1 / 0", "bad:x", "ZeroDivisionError"),
        ("x = (", "bad:x", "SyntaxError"),
        ("raise SystemExit(3)", "bad:x", "SystemExit: 3"),
        ("", "elsewhere_not_there:x", "ModuleNotFoundError"),
    ],
)
def test_a_broken_one_is_refused_by_name_and_breaks_no_other(
    install: Install, source: str, place: str, why: str
) -> None:
    install("bad", f"[lissnas.things]\nbroken = {place}\n", source)
    install("good", "[lissnas.things]\nsound = good:x\n", "x = 7")
    with pytest.raises(PluginError, match=rf"the thing 'broken' of bad 1\.0 cannot be used: {place}: {why}"):
        _anything().find("broken")
    assert _anything().find("sound") == 7
    assert _anything().valid_names() == ("ours", "sound")
    [fault] = _anything().faults()
    assert "'broken' of bad 1.0" in fault


def test_a_name_that_two_packages_claim_is_nobodys(install: Install) -> None:
    install("one", "[lissnas.things]\ntheirs = one:x\n", "x = 1")
    install("two", "[lissnas.things]\ntheirs = two:x\n", "x = 2")
    with pytest.raises(PluginError, match=r"one 1\.0 and two 1\.0 both register a thing 'theirs': uninstall one"):
        _anything().find("theirs")
    assert _anything().valid_names() == ("ours",)


def test_no_one_takes_a_name_of_ours(install: Install) -> None:
    install("thief", "[lissnas.things]\nours = thief:x\n", "x = 0")
    assert _anything().find("ours") == pytest.approx(3.14159265)
    assert _anything().names() == ("ours",)
    assert _anything().faults() == ("the thing 'ours' of thief 1.0 is left out: the name is the project's own",)


# Each group


_SETTINGS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Sound:
    size: int = 3
    def rounds(self, space, evaluations, rng): ...
    def visit(self, subspace, evaluations, total, rng): ...

@dataclass(frozen=True)
class Idle:
    size: int = 3

@dataclass
class Melting:
    size: int = 3
    rounds = visit = Sound.rounds

class Plain(Sound):
    def __init__(self): ...

@dataclass(frozen=True)
class Demanding:
    size: int
    rounds = visit = Sound.rounds

instance = Sound()
"""


@pytest.mark.parametrize(("register", "group"), [(SHRINKERS, "shrinkers"), (OPTIMIZERS, "optimizers")])
@pytest.mark.parametrize(
    ("attribute", "why"),
    [
        ("Idle", "Idle has no method '(rounds|visit)'"),
        ("Melting", "Melting is no frozen dataclass"),
        ("Plain", "Plain is no frozen dataclass"),
        ("Demanding", r"Demanding\(\) fails, though every setting needs a default"),
        ("instance", "it is a Sound, not a class of settings"),
    ],
)
def test_settings_that_are_none_are_refused(
    install: Install, register: Register, group: str, attribute: str, why: str
) -> None:
    install("their", f"[lissnas.{group}]\ntheirs = their:{attribute}\n", _SETTINGS)
    with pytest.raises(PluginError, match=rf"'theirs' of their 1\.0 cannot be used: their:{attribute}: {why}"):
        register.find("theirs")


@pytest.mark.parametrize(("register", "group"), [(SHRINKERS, "shrinkers"), (OPTIMIZERS, "optimizers")])
def test_sound_settings_are_found(install: Install, register: Register, group: str) -> None:
    install("their", f"[lissnas.{group}]\ntheirs = their:Sound\n", _SETTINGS)
    assert register.find("theirs").__name__ == "Sound"


def test_all_of_our_own_pass_what_third_parties_must() -> None:
    for register in (SHRINKERS, OPTIMIZERS):
        for name in register.builtin:
            assert register.fault(name, register.find(name)) == ""
    assert shrinker_class("lissnas").__name__ == "Lissnas"
    assert shrinker_names()[: len(SHRINKERS.builtin)] == tuple(SHRINKERS.builtin)


@pytest.mark.parametrize(
    ("attribute", "why"),
    [
        ("sound", "the space that it makes is called 'macro'"),
        ("number", "it is a int, not a function that makes a space"),
        ("failing", "making the space fails: ValueError: no"),
        ("text", "it makes a str, not a Space"),
    ],
)
def test_a_space_that_is_none_is_refused(install: Install, attribute: str, why: str) -> None:
    source = (
        "from lissnas.spaces.published.macro import macro as sound\nnumber = 3\ntext = str\n"
        "def failing(): raise ValueError('no')"
    )
    install("their", f"[lissnas.spaces]\ntheirs = their:{attribute}\n", source)
    with pytest.raises(PluginError, match=f"the space 'theirs' of their 1.0 cannot be used: their:{attribute}: {why}"):
        make_space("theirs")


def test_every_space_is_made_by_its_name() -> None:
    for name in space_names():
        space = make_space(name)
        assert isinstance(space, Space)
        assert space.name == name


def test_a_register_needs_no_numpy() -> None:
    program = "import sys; sys.modules['numpy'] = None; from lissnas.storage.register import Register; print('light')"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.stdout == "light\n", ran.stderr
