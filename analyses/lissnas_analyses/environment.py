"""Environment: what is installed here, which benchmarks are ready, and what is broken, each with the way out."""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path

from lissnas.errors import LissnasError
from lissnas.optimizers.search import OPTIMIZERS
from lissnas.shrinkers.shrink import SHRINKERS
from lissnas.spaces.catalog import SPACES
from lissnas_benchmarks.cache import cache_folder, surrogate_folder
from lissnas_benchmarks.catalog import benchmark_faults, find_adapter, valid_benchmark_names
from lissnas_benchmarks.loading import is_ready
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter, read_description
from packaging.requirements import Requirement

EXTRAS = {
    "benchmarks": "the official programs of NAS-Bench-201 and NATS-Bench, to hold our tables against them",
    "bridges": "spaces and tables to and from ConfigSpace, Optuna, pandas and Arrow",
    "cluster": "ablate and search on more than one machine",
    "imagenet": "images of ImageNet, from a folder or from shards",
    "report": "the maps of 'lissnas report'",
    "search": "Optuna's samplers: --optimizer tpe genetic",
    "supernet": "training supernets, and the table of cells trained here",
    "surrogates": "predicting with NAS-Bench-301",
    "tensorboard": "the course of a supernet's training, as it trains",
}
"""What each extra is for."""

_LITTLE = 1e9
"""Below how many free bytes the disk of the cache is called nearly full (our own choice)."""


@dataclass(frozen=True)
class Package:
    """A package: which version is wanted, which is here (None: none), and whether that serves."""

    name: str
    required: str
    installed: str | None
    compatible: bool


@dataclass(frozen=True)
class Extra:
    """An extra: what it is for, its packages, whether all are here, and the command that gets it ("" if it is here)."""

    name: str
    purpose: str
    packages: tuple[Package, ...]
    installed: bool
    command: str


@dataclass(frozen=True)
class BenchmarkStatus:
    """A benchmark: whether it can be opened, and the command that gets it or says how ("" if it is here)."""

    benchmark: str
    ready: bool
    command: str


@dataclass(frozen=True)
class Cache:
    """The cache: where, whether it can be written, how many bytes it holds and are free, and what decides where."""

    folder: Path
    writable: bool
    bytes: int
    free_bytes: int
    chosen_by: str


@dataclass(frozen=True)
class Machine:
    """What computes: cores that this process may use, BLAS libraries and their threads, torch and its GPUs."""

    python: str
    platform: str
    cores: int
    blas: tuple[str, ...]
    torch: str | None
    gpus: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """Something that is broken, and the way out."""

    problem: str
    remedy: str


@dataclass(frozen=True)
class Environment:
    """All of it; what is merely absent is no problem."""

    lissnas: str
    packages: tuple[Package, ...]
    extras: tuple[Extra, ...]
    benchmarks: tuple[BenchmarkStatus, ...]
    cache: Cache
    machine: Machine
    problems: tuple[Problem, ...]


def inspect_environment(progress: Callable[[str, float], None] = lambda step, share: None) -> Environment:
    """Look at everything; nothing is changed, but that the cache folder is made if it is not there.

    Parameters
    ----------
    progress
        Told what is looked at, and which share of it is done.
    """
    progress("packages", 0)
    packages, extras = _packages(), tuple(map(_extra, EXTRAS))
    progress("packages", 1)
    benchmarks, damaged = _benchmarks(progress)
    cache = _cache()
    progress("machine", 0)
    machine = _machine()
    progress("machine", 1)
    problems = (*_unmet(packages, extras), *_cache_problems(cache), *damaged, *_plugin_problems())
    return Environment(version("lissnas"), packages, extras, benchmarks, cache, machine, problems)


def _requirements(extra: str) -> list[Requirement]:
    """Return what the project requires for an extra, "" being what it always requires, on this machine."""
    found = [Requirement(line) for line in requires("lissnas") or []]
    always = [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]
    if not extra:
        return always
    return [one for one in found if one not in always and one.marker and one.marker.evaluate({"extra": extra})]


def _packages(extra: str = "") -> tuple[Package, ...]:
    return tuple(map(_package, _requirements(extra)))


def _package(requirement: Requirement) -> Package:
    name = requirement.name
    try:
        found = version(name)
    except PackageNotFoundError:
        twins = packages_distributions().get(name.replace("-", "_"))  # imported by the same name, as xgboost-cpu is
        if not twins:
            return Package(name, str(requirement.specifier), None, compatible=False)
        name = twins[0]
        found = version(name)
    return Package(name, str(requirement.specifier), found, requirement.specifier.contains(found, prereleases=True))


def _extra(name: str) -> Extra:
    packages = _packages(name)
    here = bool(packages) and all(package.compatible for package in packages)
    return Extra(name, EXTRAS[name], packages, here, "" if here else f"pip install 'lissnas[{name}]'")


def _benchmarks(progress: Callable[[str, float], None]) -> tuple[tuple[BenchmarkStatus, ...], list[Problem]]:
    found: list[BenchmarkStatus] = []
    problems: list[Problem] = []
    names = valid_benchmark_names()
    for number, name in enumerate(names):
        progress("benchmarks", number / len(names))
        try:
            ready = _is_ready(name)
        except LissnasError as error:
            ready = False
            problems.append(_problem(str(error)))
        found.append(BenchmarkStatus(name, ready, "" if ready else f"lissnas data get {name}"))
    progress("benchmarks", 1)
    return tuple(found), problems


def _is_ready(name: str) -> bool:
    ready = is_ready(name)
    if ready and isinstance(find_adapter(name), SurrogateAdapter):
        read_description(surrogate_folder(name))
    return ready


def _cache() -> Cache:
    folder = cache_folder()
    chosen_by = "LISSNAS_CACHE" if os.environ.get("LISSNAS_CACHE") else "the user's cache folder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        writable = True
    except OSError:
        writable = False
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return Cache(folder, writable, size, shutil.disk_usage(there).free, chosen_by)


def _machine() -> Machine:
    import scipy.linalg  # noqa: F401  (its BLAS is asked below)
    from threadpoolctl import threadpool_info

    pools = [f"{pool['internal_api']} {pool.get('version') or ''}".strip() for pool in threadpool_info()]
    threads = [f"{name} on {pool['num_threads']}" for name, pool in zip(pools, threadpool_info(), strict=True)]
    try:
        import torch
    except ImportError:
        torch_version, gpus = None, []
    else:
        torch_version = str(torch.__version__)
        gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    blas = tuple(dict.fromkeys(threads))
    return Machine(platform.python_version(), platform.platform(), cores, blas, torch_version, tuple(gpus))


def _unmet(packages: tuple[Package, ...], extras: tuple[Extra, ...]) -> Iterator[Problem]:
    for package in packages:
        if not package.compatible:
            here = f"{package.installed} is installed" if package.installed else "it is not installed"
            yield Problem(f"{package.name}{package.required} is needed, {here}", "pip install --upgrade lissnas")
    for extra in extras:
        for package in extra.packages:
            if package.installed and not package.compatible:
                yield Problem(
                    f"{package.name} {package.installed} is installed, but {extra.purpose} needs {package.required}",
                    extra.command,
                )


def _cache_problems(cache: Cache) -> Iterator[Problem]:
    if not cache.writable:
        yield Problem(
            f"{cache.folder}: the cache cannot be written", "set LISSNAS_CACHE to a folder that can, or mend its rights"
        )
    elif cache.free_bytes < _LITTLE:
        yield Problem(
            f"{cache.folder}: {cache.free_bytes / 1e6:,.0f} MB are free",
            "free some, or set LISSNAS_CACHE to another disk",
        )


def _plugin_problems() -> Iterator[Problem]:
    faults = (*benchmark_faults(), *SHRINKERS.faults(), *OPTIMIZERS.faults(), *SPACES.faults())
    yield from map(_problem, faults)


def _problem(told: str) -> Problem:
    """Part a sentence into what is wrong and the way out."""
    what, _, remedy = told.rpartition("; ")
    return Problem(what or told, remedy or "uninstall that package, or tell its authors")
