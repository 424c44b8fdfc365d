"""The examples in docstrings run and print what they show."""

import doctest
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

_PACKAGES = ("storage", "spaces", "subspaces", "evaluation")


def _modules() -> list[str]:
    packages = [import_module(f"lissnas.{name}") for name in _PACKAGES]
    return [
        module.name
        for package in packages
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.ispkg
    ]


@pytest.mark.parametrize("name", _modules())
def test_the_examples_of_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(import_module(name)).failed == 0
