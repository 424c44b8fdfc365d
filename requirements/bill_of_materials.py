"""Write requirements/bill-of-materials.json: the packages that an installation brings, in CycloneDX 1.6.

    python requirements/bill_of_materials.py  # `make lock` runs it, too

The packages and hashes are those of reproduce.txt. The licenses, and what each package needs, are those that the
installed packages state. Packages of scope "excluded" only build lissnas. The file has no date and no serial number:
equal locks give equal files.
"""

import json
import re
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).parent
FILE = FOLDER / "bill-of-materials.json"

_PACKAGE = re.compile(r"^([\w.-]+)==(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")

_CLASSIFIED = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "Python Software Foundation License",
}
"""The licenses of the classifiers of PyPI; "BSD License" does not say which of the BSD licenses it is."""

_LONGEST_NAME = 60
"""Maximum length of the name of a license; some packages have its complete text in that place."""


def license_of(package: str) -> str:
    """Return the license that an installed package states; "" if it states none."""
    stated = metadata(package)
    expression = stated.get("License-Expression") or ""
    classifiers = [line.split(" :: ")[-1] for line in stated.get_all("Classifier") or () if line.startswith("License")]
    name = (stated.get("License") or "").strip()
    if expression:
        return expression
    if classifiers:
        return " OR ".join(_CLASSIFIED.get(one, one) for one in classifiers)
    return name if name and "\n" not in name and len(name) <= _LONGEST_NAME and name != "UNKNOWN" else ""


def locked(file: Path) -> dict[str, tuple[str, list[str]]]:
    """Return the version and the SHA-256 hashes of each package in a lock file."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in file.read_text().splitlines():
        if package := _PACKAGE.match(line):
            name = canonicalize_name(package.group(1))
            found[name] = (package.group(2), [])
        found[name][1].extend(_HASH.findall(line))
    return found


def needed(package: str, extra: str = "") -> set[str]:
    """Return the names of the packages that an installed package needs on this machine."""
    try:
        lines = map(Requirement, requires(package) or ())
    except PackageNotFoundError:
        return set()
    return {
        canonicalize_name(line.name) for line in lines if line.marker is None or line.marker.evaluate({"extra": extra})
    }


def bill_of_materials() -> dict[str, Any]:
    """Return the document."""
    packages = locked(FOLDER / "reproduce.txt")
    graph = {name: needed(name) & packages.keys() for name in packages}
    first = needed("lissnas") | needed("lissnas", "report")
    reached, waiting = set[str](), sorted(first & packages.keys())
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += sorted(graph[name])
    components = [
        {
            "type": "library",
            "bom-ref": _url(name, version),
            "name": name,
            "version": version,
            "scope": "required" if name in reached else "excluded",
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in hashes],
            "licenses": _licenses(name),
            "purl": _url(name, version),
        }
        for name, (version, hashes) in packages.items()
    ]
    urls = {name: _url(name, version) for name, (version, _) in packages.items()}
    own = {"type": "application", "bom-ref": "lissnas", "name": "lissnas", "licenses": [{"expression": "Apache-2.0"}]}
    depends = [{"ref": "lissnas", "dependsOn": sorted(urls[name] for name in first if name in urls)}]
    depends += [{"ref": urls[name], "dependsOn": sorted(urls[one] for one in graph[name])} for name in packages]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own},
        "components": components,
        "dependencies": depends,
    }


def _url(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _licenses(name: str) -> list[dict[str, Any]]:
    try:
        stated = license_of(name)
    except PackageNotFoundError:
        return []
    return [{"license": {"name": stated}}] if stated else []


if __name__ == "__main__":
    document = bill_of_materials()
    FILE.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{FILE}: {len(document['components'])} packages")
