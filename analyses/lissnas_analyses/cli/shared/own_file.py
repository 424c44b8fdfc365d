"""A table file of the user in place of a benchmark: `lissnas locality mine.csv --space ... --select ... --report ...`.

The options that describe the file are the same for every command. They declare the file as a benchmark, named like the
file, and the command runs on that benchmark.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lissnas.errors import SettingError, UnknownNameError
from lissnas_benchmarks.catalog import ADAPTERS, adapter_of, space_called
from lissnas_benchmarks.declared import Declaration, declared_names, read_declaration, write_declaration
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.obtaining.cache import table_path
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.readers.own_file import open_own_file
from lissnas_benchmarks.table_file import read_provenance

from lissnas_analyses.cli.shared.terminal import say_on_stderr

_OPTIONS = {
    "--space": "the search space: a benchmark's or a space's name, 4x5 for genes of 4 and 5 choices, or a TOML file",
    "--arch": "the column of architectures; default: a column for each gene",
    "--format": "the format of the architectures; default: official strings",
    "--select": "the column that methods see",
    "--report": "the column that judges their results; default: that of --select",
    "--unit": "the unit of both, such as %",
    "--lower-is-better": "a column of which lower is better; can be repeated",
    "--cost": "a column of costs; can be repeated",
    "--run-column": "the column that numbers the runs, of a file with one row for each run",
    "--epoch-column": "the column of the epoch, of a file with one row for each epoch",
    "--name": "the benchmark's name; default: the file's",
}
"""The options that describe a file, and what each of them is."""


@dataclass
class _Words:
    """The words of a command line, divided."""

    command: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def one(self, option: str, default: str = "") -> str:
        """Return the value of an option that is given at most once."""
        values = self.options.get(option, [default])
        if len(values) > 1:
            raise SettingError(f"{option} is given {len(values)} times: give it once, {_OPTIONS[option]}")
        return values[0]


def declare_own_file(words: Sequence[str]) -> list[str]:
    """Declare and import the file that the words of a command name, and return the words with the benchmark's name.

    Raises
    ------
    SettingError
        If no word is a file, an option lacks its value, or the name is a benchmark's.
    BenchmarkFileError
        If the file cannot be read.
    """
    divided = _divided(words)
    place = next((place for place, word in enumerate(divided.command[:4]) if Path(word).is_file()), None)
    if place is None:
        raise SettingError("--space describes a table file, but no word of the command is one: name the file first")
    path = Path(divided.command[place])
    name = divided.one("--name") or path.name.split(".")[0]
    if name in ADAPTERS.names() or not name.replace("-", "").replace("_", "").isalnum():
        raise SettingError(f"'{name}' cannot be the name of your table: choose another with --name")
    select = divided.one("--select")
    if not select:
        raise SettingError(f"{path.name}: give --select, {_OPTIONS['--select']}")
    declaration = Declaration(
        name=name,
        file=path.name,
        space=_space(divided.one("--space")),
        select=select,
        report=divided.one("--report") or select,
        arch=divided.one("--arch"),
        form=divided.one("--format", "official"),
        unit=divided.one("--unit"),
        lower_is_better=tuple(divided.options.get("--lower-is-better", ())),
        costs=tuple(divided.options.get("--cost", ())),
        run=divided.one("--run-column"),
        epoch=divided.one("--epoch-column"),
        epochs=_last_epoch(path, divided.one("--epoch-column")),
    )
    if not (_is_declared(declaration) and _is_imported(name, path)):
        adapter = adapter_of(declaration)
        import_files(adapter, (path,), note=lambda sentence: say_on_stderr(f"note: {sentence}"))
        write_declaration(declaration)  # only now: a table that cannot be read is no benchmark
    if divided.command[:2] == ["data", "import"]:
        return ["data", "import", str(path), "--as", name, *divided.command[3:]]
    return [*divided.command[:place], name, *divided.command[place + 1 :]]


def _last_epoch(path: Path, column: str) -> int | None:
    """Return the largest epoch of a file in long format; None without a column of epochs."""
    if not column:
        return None
    file = open_own_file(path)
    if column not in file.names:
        raise UnknownNameError(f"column of {path.name}", column, file.names)
    return int(file.integers(column, "a whole number").max())


def _divided(words: Sequence[str]) -> _Words:
    divided, remaining = _Words(), list(words)
    while remaining:
        option, equals, value = remaining.pop(0).partition("=")
        if option not in _OPTIONS:
            divided.command.append(f"{option}{equals}{value}")
            continue
        if not equals:
            if not remaining:
                raise SettingError(f"{option} needs a value: {_OPTIONS[option]}")
            value = remaining.pop(0)
        divided.options.setdefault(option, []).append(value)
    return divided


def _space(text: str) -> str:
    """Return the text that declares a space: that of a TOML file, or the same text; checks that it does."""
    declared = text
    if text.endswith(".toml"):
        try:
            declared = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"--space {text}: cannot be read ({error})") from error
    space_called(declared)
    return declared


def _is_declared(declaration: Declaration) -> bool:
    """Tell whether the cache has this very declaration."""
    try:
        return declaration.name in declared_names() and read_declaration(declaration.name) == declaration
    except BenchmarkFileError:  # damaged: it is written again
        return False


def _is_imported(name: str, path: Path) -> bool:
    """Tell whether the cached table was made from this very file."""
    try:
        checksums = read_provenance(table_path(name)).source.files.values()
        with path.open("rb") as file:
            return list(checksums) == [hashlib.file_digest(file, "sha256").hexdigest()]
    except (BenchmarkFileError, OSError):
        return False
