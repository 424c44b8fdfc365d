"""docs/license.md and the bill of materials list every package that an installation brings, with its license."""

import json
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from bill_of_materials import FILE, license_of, locked, needed
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def components() -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in json.loads(FILE.read_text())["components"]}


def required() -> set[str]:
    return {name for name, component in components().items() if component["scope"] == "required"}


def stated(component: dict[str, Any]) -> str:
    return "".join(one["license"]["name"] for one in component["licenses"])


def listed() -> dict[str, str]:
    """Return the license of each package on the page."""
    page = (ROOT / "docs" / "license.md").read_text()
    return dict(re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", page, re.MULTILINE))


def test_the_bill_of_materials_is_that_of_the_lock() -> None:
    expected = {
        name: (number, sorted(hashes)) for name, (number, hashes) in locked(ROOT / "requirements/reproduce.txt").items()
    }
    written = {
        name: (component["version"], sorted(digest["content"] for digest in component["hashes"]))
        for name, component in components().items()
    }
    assert written == expected


def test_each_locked_package_has_a_hash() -> None:
    for file in ("reproduce.txt", "development.txt"):
        packages = locked(ROOT / "requirements" / file)
        assert packages
        assert [name for name, (_, hashes) in packages.items() if not hashes] == []


def test_the_license_page_lists_exactly_the_required_packages() -> None:
    assert set(listed()) == required()
    assert needed("lissnas") <= required()


@pytest.mark.parametrize("name", sorted(required()))
def test_a_license_is_the_one_that_the_installed_package_states(name: str) -> None:
    component = components()[name]
    try:
        if version(name) != component["version"]:
            pytest.skip(f"{name} {component['version']} is not installed")
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    assert license_of(name) == stated(component)


@pytest.mark.parametrize("name", sorted(required()))
def test_the_page_and_the_bill_of_materials_agree(name: str) -> None:
    on_page, in_bill = listed()[name], stated(components()[name])
    first = on_page.split(",")[0].strip()
    assert first.startswith(in_bill.split(" AND ")[0]) if in_bill else "says nothing" in on_page


def test_one_required_package_states_no_license_and_the_readme_says_so() -> None:
    silent = [name for name, component in components().items() if not component["licenses"]]
    assert silent == ["analog-nasbench"]
    assert "`analog-nasbench`" in (ROOT / "README.md").read_text()


def test_a_name_is_written_as_on_the_index() -> None:
    assert all(canonicalize_name(name) == name for name in components())
