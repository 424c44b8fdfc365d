"""Inspect the environment: installed packages, ready benchmarks, cache, machine, and problems with their remedies."""

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
from lissnas.predictors.predictor import PREDICTORS
from lissnas.shrinkers.shrink import SHRINKERS
from lissnas.spaces.catalog import SPACES
from lissnas_benchmarks.catalog import benchmark_faults, find_adapter, valid_benchmark_names
from lissnas_benchmarks.loading import is_ready
from lissnas_benchmarks.obtaining.cache import cache_folder, surrogate_folder
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter, read_description
from packaging.requirements import Requirement

EXTRAS = {
    "benchmarks": "official programs of NAS-Bench-201 and NATS-Bench, to compare our tables with",
    "bridges": "conversion of spaces and tables from and to ConfigSpace, Optuna, pandas and Arrow",
    "cluster": "ablate, compare and search on several machines",
    "export": "networks as ONNX and safetensors, for use without lissnas",
    "imagenet": "ImageNet images, from a folder or from shards",
    "search": "Optuna's samplers: --optimizer tpe genetic",
    "supernet": "supernets, and the tables of cells that this project trained",
    "surrogates": "predictions with NAS-Bench-301",
    "tensorboard": "live curves of supernet trainings in TensorBoard",
    "tracking": "live curves of supernet trainings in MLflow and Weights & Biases",
}
"""Purpose of each extra."""

_MIN_FREE_BYTES = 1e9
"""Free space on the cache's disk below which `doctor` reports a problem (our own choice)."""


@dataclass(frozen=True)
class Package:
    """A package: the required versions, the installed version (None if missing), and whether it is compatible."""

    name: str
    required: str
    installed: str | None
    compatible: bool


@dataclass(frozen=True)
class Extra:
    """An extra: its purpose and packages, whether all are installed, and the command that installs it ("" if so)."""

    name: str
    purpose: str
    packages: tuple[Package, ...]
    installed: bool
    command: str


@dataclass(frozen=True)
class BenchmarkStatus:
    """A benchmark: whether it is ready, and the command that gets it or prints how to ("" if it is ready)."""

    benchmark: str
    ready: bool
    command: str


@dataclass(frozen=True)
class Cache:
    """The cache: its folder, whether it is writable, its size, the free space, and what sets the folder."""

    folder: Path
    writable: bool
    bytes: int
    free_bytes: int
    chosen_by: str


@dataclass(frozen=True)
class Machine:
    """The machine: cores that this process may use, BLAS libraries and their threads, torch and its GPUs."""

    python: str
    platform: str
    cores: int
    blas: tuple[str, ...]
    torch: str | None
    gpus: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """Something that is broken, and how to fix it."""

    problem: str
    remedy: str


@dataclass(frozen=True)
class Environment:
    """The environment. Missing extras and benchmarks are not problems."""

    lissnas: str
    packages: tuple[Package, ...]
    extras: tuple[Extra, ...]
    benchmarks: tuple[BenchmarkStatus, ...]
    cache: Cache
    machine: Machine
    problems: tuple[Problem, ...]


def inspect_environment(progress: Callable[[str, float], None] = lambda step, share: None) -> Environment:
    """Return the state of the environment. The only change it makes is to create a missing cache folder.

    Parameters
    ----------
    progress
        Receives the name of each step and the share of it that is done.
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
    """Return the requirements of an extra on this machine; "" means what lissnas always requires."""
    requirements = [Requirement(line) for line in requires("lissnas") or []]
    always = [each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
    if not extra:
        return always
    others = (each for each in requirements if each not in always)
    return [each for each in others if each.marker and each.marker.evaluate({"extra": extra})]


def _packages(extra: str = "") -> tuple[Package, ...]:
    return tuple(map(_package, _requirements(extra)))


def _package(requirement: Requirement) -> Package:
    name = requirement.name
    try:
        installed = version(name)
    except PackageNotFoundError:
        same_import = packages_distributions().get(name.replace("-", "_"))  # such as xgboost-cpu for xgboost
        if not same_import:
            return Package(name, str(requirement.specifier), None, compatible=False)
        name = same_import[0]
        installed = version(name)
    compatible = requirement.specifier.contains(installed, prereleases=True)
    return Package(name, str(requirement.specifier), installed, compatible)


def _extra(name: str) -> Extra:
    packages = _packages(name)
    installed = bool(packages) and all(package.compatible for package in packages)
    return Extra(name, EXTRAS[name], packages, installed, "" if installed else f"pip install 'lissnas[{name}]'")


def _benchmarks(progress: Callable[[str, float], None]) -> tuple[tuple[BenchmarkStatus, ...], list[Problem]]:
    statuses: list[BenchmarkStatus] = []
    problems: list[Problem] = []
    names = valid_benchmark_names()
    for number, name in enumerate(names):
        progress("benchmarks", number / len(names))
        try:
            ready = _is_ready(name)
        except LissnasError as error:
            ready = False
            problems.append(_problem(str(error)))
        statuses.append(BenchmarkStatus(name, ready, "" if ready else f"lissnas data get {name}"))
    progress("benchmarks", 1)
    return tuple(statuses), problems


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
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return Cache(folder, writable, size, shutil.disk_usage(existing).free, chosen_by)


def _machine() -> Machine:
    import scipy.linalg  # noqa: F401  (threadpool_info finds its BLAS)
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
            state = f"{package.installed} is installed" if package.installed else "it is not installed"
            yield Problem(f"{package.name}{package.required} is required, but {state}", "pip install --upgrade lissnas")
    for extra in extras:
        for package in extra.packages:
            if package.installed and not package.compatible:
                yield Problem(
                    f"{package.name} {package.installed} is installed, but {extra.name} requires {package.required}",
                    extra.command,
                )


def _cache_problems(cache: Cache) -> Iterator[Problem]:
    if not cache.writable:
        yield Problem(
            f"{cache.folder}: the cache cannot be written",
            "set LISSNAS_CACHE to a writable folder, or fix its permissions",
        )
    elif cache.free_bytes < _MIN_FREE_BYTES:
        yield Problem(
            f"{cache.folder}: {cache.free_bytes / 1e6:,.0f} MB are free on its disk",
            "free more, or set LISSNAS_CACHE to a folder on another disk",
        )


def _plugin_problems() -> Iterator[Problem]:
    faults = (*benchmark_faults(), *SHRINKERS.faults(), *OPTIMIZERS.faults(), *PREDICTORS.faults(), *SPACES.faults())
    yield from map(_problem, faults)


def _problem(message: str) -> Problem:
    """Split an error message into the problem and the remedy."""
    problem, _, remedy = message.rpartition("; ")
    return Problem(problem or message, remedy or "uninstall that package, or report it to its authors")
