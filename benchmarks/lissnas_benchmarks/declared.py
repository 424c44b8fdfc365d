"""Declared tables: files of one's own that are benchmarks by a name, without a package.

A declaration is a small file in the cache. It says which columns name the architectures, which one methods see, and
which one judges their results.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from lissnas.errors import SettingError
from lissnas.spaces.space import Space
from lissnas.storage.atomic_write import atomic_write

from lissnas_benchmarks.adapter import TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.cache import cache_folder, make_folder


@dataclass(frozen=True)
class Declaration:
    """What a table file contains.

    Attributes
    ----------
    name
        The benchmark's name.
    file
        The file's name.
    space
        The space: a benchmark's name, a space's name, or what `own_space` takes.
    select, report
        The columns that methods see, and that judges their results.
    arch
        The column of architectures; "" for the columns of the genes.
    form
        The format of the architectures, as in `read_architectures`.
    unit
        The unit of both columns, such as "%".
    lower_is_better
        The columns of which lower is better.
    costs
        The columns of costs, by which architectures may be limited.
    run, epoch
        The columns of the run and of the epoch of a file in long format; "" if it has one row per architecture.
    epochs
        The last epoch, which ranks architectures; None without a column of epochs.
    """

    name: str
    file: str
    space: str
    select: str
    report: str
    arch: str = ""
    form: str = "official"
    unit: str = ""
    lower_is_better: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    run: str = ""
    epoch: str = ""
    epochs: int | None = None


def declared_names() -> tuple[str, ...]:
    """Return the names of all declared tables."""
    folder = _folder()
    return tuple(sorted(path.stem for path in folder.glob("*.json"))) if folder.is_dir() else ()


def read_declaration(name: str) -> Declaration:
    """Return a declaration; raises BenchmarkFileError if its file is damaged."""
    path = _folder() / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Declaration)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise BenchmarkFileError(
            f"{path}: not a declaration of a table ({error}): declare '{name}' again, with its file and "
            f"--space, --select and --report"
        ) from error


def write_declaration(declaration: Declaration) -> None:
    """Write a declaration into the cache; it replaces one of the same name."""
    make_folder(_folder())
    with atomic_write(_folder() / f"{declaration.name}.json") as file:
        file.write(msgspec.json.encode(declaration))


def declared_adapter(
    declaration: Declaration, space: Callable[[], Space], genes: tuple[str, ...] | None
) -> TableAdapter:
    """Return the adapter of a declared table.

    Parameters
    ----------
    declaration
        What the file contains.
    space
        Makes its space.
    genes
        The names of the genes of a space of one's own, whose columns have the names of the choices; None otherwise.

    Raises
    ------
    SettingError
        If the declaration contradicts itself.
    """
    from lissnas_benchmarks.own_table import own_table

    quality = dict.fromkeys((declaration.select, declaration.report))
    columns = {name: _column(name, declaration) for name in quality}
    for cost in declaration.costs:
        if cost in columns:
            raise SettingError(f"{declaration.name}: '{cost}' cannot be a cost and a score")
        columns[cost] = Column(cost, declaration.name, "", "", quality=False)
    gene_columns: tuple[str, ...] = ()
    if not declaration.arch:
        gene_columns = genes or tuple(f"gene{gene}" for gene in range(space().genes))
    return own_table(
        declaration.name,
        space,
        declaration.file,
        columns=columns,
        gene_columns=gene_columns,
        named_genes=genes is not None,
        string_column=declaration.arch,
        string_format=declaration.form,
        missing=True,
        sampled=not space().enumerable,
        page="your own file",
        paper="your own measurements",
        lower_is_better=declaration.lower_is_better,
        run_column=declaration.run,
        epoch_column=declaration.epoch,
        selects=Measure(_column(declaration.select, declaration).metric, "", epochs=declaration.epochs),
        reports=Measure(_column(declaration.report, declaration).metric, "", epochs=declaration.epochs),
        caveats=tuple(
            f"lower is better in the column '{name}': its values are negated" for name in declaration.lower_is_better
        ),
    )


def _column(name: str, declaration: Declaration) -> Column:
    metric = f"negative-{name}" if name in declaration.lower_is_better else name
    return Column(metric, declaration.name, "", declaration.unit)


def _folder() -> Path:
    return cache_folder() / "declared"
