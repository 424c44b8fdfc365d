"""Read the scores that a predictor gave to architectures, from a Parquet, CSV or JSON file.

A row names its architecture by an official string, by genes, or by a number whose numbering the column's name states.
The position of a row names nothing, and neither does a column "index": two packages number the same cells differently.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lissnas.bridges.dialects import OFFICIAL, format_names, read_architectures
from lissnas.errors import ArchitectureError, SettingError, UnknownNameError
from lissnas.spaces.listed import ListedSpace
from lissnas.spaces.published.transnas import transnas_macro
from lissnas.spaces.space import Floats, Space

from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.own_table import LISSNAS_INDEX, OFFICIAL_INDEX, DeclaredFile
from lissnas_benchmarks.readers.own_file import OwnFile, open_own_file
from lissnas_benchmarks.readers.zero_cost_json import ACCURACY, ZeroCostScores, is_zero_cost, read_zero_cost

STRINGS = ("architecture", "arch")
"""Names of the column of official strings. The only column of strings may have any name."""

POSITIONS = re.compile(r"index|level_\d+|__index_level_\d+__|(?:Unnamed: \d+(?:\.\d+)*)?|row_nr")
"""Names of columns of row numbers that pandas, Polars and R write. They name no architecture and are no scores."""

_NOT_TRANSNAS = frozenset(("cifar10", "cifar100", "ImageNet16-120", "svhn", "ninapro", "scifar100"))
"""Data sets of NASLib's zero-cost files of other spaces than TransNAS-Bench-101's."""

_PROBED = 3
"""Number of cells that must be official strings for a column to be one of official strings."""


@dataclass(frozen=True)
class PredictedScores:
    """Predicted scores of a space's architectures.

    Attributes
    ----------
    name
        The predictor's name.
    origin
        The file that the scores come from.
    scores
        float64 of shape (size,) in the order of the space's index, NaN where missing; higher is better.
    matched
        How the rows of the file found their architectures, and how many did; "" if there is no file.
    """

    name: str
    origin: str
    scores: Floats
    matched: str = ""

    def describe(self) -> str:
        """Return a description of the scores, for a caption."""
        return f"the scores {self.name} of {self.origin}"


def read_predictors(source: str, space: Space, dataset: str = "", form: str = OFFICIAL) -> list[PredictedScores]:
    """Return the predictors in FILE, FILE:COLUMN, or FILE:-COLUMN if lower is better.

    The file is NASLib's JSON of zero-cost scores, or has one row per architecture. Of the JSON, the scores on `dataset`
    are taken if it has them, and a COLUMN is SCORE or DATASET/SCORE. A row names its architecture by a column of
    official strings, by columns gene0, gene1, ..., or by a column whose name is a format of `format_names`, such as
    "official-index" or "naslib-201". With a `form`, the column of architectures is in that format.

    Without COLUMN every other numeric column is a predictor. Empty cells, NaN, the usual spellings of missing values
    and absent rows are missing scores. Any other mark of a failure counts as a number. Copies of rows are dropped.

    Raises
    ------
    MissingFileError
        If there is no such file.
    BenchmarkFileError
        If the file cannot be read, names no architectures, names one twice in contradictory ways, or has contradictory
        rows of one.
    UnknownNameError
        If the file has no such column.
    """
    name, column = _split(source)
    path = Path(name)
    if not path.is_file():
        raise MissingFileError(f"{path}: this file of scores does not exist; name a file as FILE or FILE:COLUMN")
    if is_zero_cost(path):
        return _zero_cost_predictors(path, column, space, dataset)
    try:
        file = open_own_file(path)
    except OSError as error:
        raise BenchmarkFileError(f"{path}: cannot be read ({error.strerror})") from error
    genes = [f"gene{gene}" for gene in range(space.genes)]
    if form not in format_names(space):
        raise UnknownNameError(f"format of {space.name}", form, format_names(space))
    strings = _naming_column(file, genes, space) if form == OFFICIAL else _column_in_format(file, form)
    form = strings if strings in format_names(space) else form
    used = {strings, *genes, *format_names(space), *filter(POSITIONS.fullmatch, file.names)}
    selected = [column.removeprefix("-")] if column else [one for one in file.names if one not in used]
    if column and selected[0] not in file.names:
        raise UnknownNameError(f"column of {path.name}", selected[0], file.names)
    selected, others = ([one for one in selected if column or file.has_numbers(one)], selected)
    if not selected:
        if others and not file.is_typed:
            file.numbers(others[0])  # raises the error that names the first cell that is no number
        raise BenchmarkFileError(f"{path}: it has no numeric column of scores")
    if strings and _is_architecture(strings, space):
        raise BenchmarkFileError(f"{path}: its first line is an architecture: add a line with the names of the columns")
    measured = {one: Column(one, path.stem, "", "") for one in selected}
    named_by = tuple(genes) if not strings else ()
    declared = DeclaredFile(path.name, lambda: space, measured, named_by, strings, True, False, form)
    notes: list[str] = []
    index, columns = declared.read_rows(file, notes.append)
    sign = -1 if column.startswith("-") else 1
    by = f"the column '{strings}'" if strings == form else f"the {form} strings in '{strings}'"
    if not strings:
        by = f"the columns {genes[0]} to {genes[-1]}"
    known = f"{len(index):,} of the {space.size:,} architectures of {space.name}"
    matched = "; ".join([f"{path.name}: {file.rows:,} rows found {known} by {by}", *notes])
    predictors = []
    for one, values in zip(selected, columns.values(), strict=True):
        scores = np.full(space.size, np.nan)
        scores[index] = sign * values
        predictors.append(PredictedScores(one, path.name, scores, matched))
    return predictors


def _zero_cost_predictors(path: Path, column: str, space: Space, dataset: str) -> list[PredictedScores]:
    """Return the scores in NASLib's JSON; the accuracy in it is no predictor, unless `column` names it."""
    form = next((form for form in format_names(space) if form.startswith("naslib-")), None)
    found = read_zero_cost(path.read_bytes(), path.name)
    if form is None or form.startswith("naslib-transnas") != found.keys().isdisjoint(_NOT_TRANSNAS):
        raise BenchmarkFileError(
            f"{path.name}: the zero-cost scores of {', '.join(found)} are of another space than {space.name}"
        )
    by_name = {f"{one}/{score}": (one, score) for one, scores in found.items() for score in scores.scores}
    chosen = dataset if dataset in found else ""
    wanted = column.removeprefix("-")
    names = [name for name, (one, score) in by_name.items() if wanted in (name, score) and chosen in ("", one)]
    names = names or [name for name in by_name if name == wanted]
    if not column:
        names = [name for name, (one, score) in by_name.items() if chosen in ("", one) and score != ACCURACY]
    if not names:
        raise UnknownNameError(f"score of {path.name}", wanted, by_name)
    predictors = []
    for name in names:
        one, score = by_name[name]
        scores, matched = _placed(found[one], score, form, space, path.name)
        predictors.append(PredictedScores(name, path.name, -scores if column.startswith("-") else scores, matched))
    return predictors


def zero_cost_example(path: Path) -> tuple[str, str]:
    """Return a benchmark whose architectures have scores in NASLib's JSON, and the name of one of the scores.

    Raises BenchmarkFileError if it is not such a file, or of no space that NASLib publishes scores of.
    """
    found = read_zero_cost(path.read_bytes(), path.name)
    texts = next(iter(found.values())).architectures if found else []
    names = [name for scores in found.values() for name in scores.scores if name != ACCURACY]
    benchmark = _of_numbers(texts, found.keys().isdisjoint(_NOT_TRANSNAS)) if texts else ""
    if not benchmark or not names:
        raise BenchmarkFileError(f"{path.name}: no zero-cost scores of a space that NASLib publishes scores of")
    return benchmark, "nwot" if "nwot" in names else names[0]


def _of_numbers(texts: Sequence[str], is_transnas: bool) -> str:
    """Return the benchmark whose architectures NASLib writes as these texts; "" if there is none."""
    count = len(re.findall(r"\d+", texts[0]))
    if count != 6 or not is_transnas:
        return {6: "nas-bench-201", 32: "nas-bench-301-trained", 56: "nas-bench-101"}.get(count, "")
    try:
        read_architectures(texts, "naslib-transnas-macro", transnas_macro())
    except ArchitectureError:
        return "transnas-bench-101-micro"
    return "transnas-bench-101-macro"


def _placed(found: ZeroCostScores, score: str, form: str, space: Space, name: str) -> tuple[Floats, str]:
    """Return a score in the order of the space's index, and how its architectures were found."""
    try:
        rows = read_architectures(found.architectures, form, space)
        index = space.places(rows) if isinstance(space, ListedSpace) else space.index(rows)
    except ArchitectureError as error:
        raise BenchmarkFileError(f"{name}: {error}") from error
    scores, values = np.full(space.size, np.nan), found.scores[score][index >= 0]
    known = index[index >= 0]
    scores[known[::-1]] = values[::-1]  # of isomorphic graphs, which were scored separately, the first
    distinct = len(np.unique(known))
    matched = f"{name}: {len(index):,} keys in the format {form} found {distinct:,} of the {space.size:,} architectures"
    return scores, f"{matched} of {space.name}; failed scores (-1e8, infinite) are missing"


def read_predictor(source: str, space: Space) -> PredictedScores:
    """Return the one predictor that FILE or FILE:COLUMN names; raises SettingError if it names several."""
    predictors = read_predictors(source, space)
    if len(predictors) > 1:
        names = ", ".join(predictor.name for predictor in predictors)
        raise SettingError(f"{source} has several predictors ({names}): choose one with {source}:COLUMN")
    return predictors[0]


def _split(source: str) -> tuple[str, str]:
    parts = source.split(":")
    for count in range(len(parts), 0, -1):  # a name of a file or of a column may contain colons
        if Path(file := ":".join(parts[:count])).is_file():
            return file, ":".join(parts[count:])
    file, colon, column = source.rpartition(":")
    return (file, column) if colon else (source, "")


def _naming_column(file: OwnFile, genes: Sequence[str], space: Space) -> str:
    """Return the column whose cells name the architectures; "" if columns of genes do.

    Raises BenchmarkFileError if no column does.
    """
    texts = [name for name in file.names if file.is_text(name)]
    named = [name for name in STRINGS if name in texts or (not file.is_typed and _reads(file, name, space))]
    named += [name for name in format_names(space) if name in texts]
    if named:
        return named[0]
    read = [name for name in texts if _reads(file, name, space)]
    if len(read) == 1:
        return read[0]
    if set(genes) <= set(file.names):
        return ""
    for form in format_names(space):
        if form in file.names:
            return form
    digits = [] if file.is_typed else [name for name in file.names if _reads(file, name, space)]
    if len(digits) == 1 or len(texts) == 1:
        return (digits or texts)[0]
    if "index" in file.names:
        raise BenchmarkFileError(
            f"{file.name}: the column 'index' does not say whose numbering it is: call it '{OFFICIAL_INDEX}' if it is "
            f"the benchmark's own, or '{LISSNAS_INDEX}' if it is this project's index of {space.name}"
        )
    raise BenchmarkFileError(
        f"{file.name}: no column names the architectures: add a column 'architecture' of official strings, columns "
        f"{genes[0]} to {genes[-1]}, or a column called as its format: {', '.join(format_names(space)[1:])}"
    )


def _is_architecture(text: str, space: Space) -> bool:
    """Tell whether a text is an official string of the space."""
    try:
        space.read([text])
    except ArchitectureError:
        return False
    return True


def _column_in_format(file: OwnFile, form: str) -> str:
    """Return the column of architectures of a file in a given format; raises BenchmarkFileError if it is not clear."""
    named = [name for name in (form, *STRINGS) if name in file.names]
    named = named or [name for name in file.names if file.is_text(name)]
    if not named:
        raise BenchmarkFileError(
            f"{file.name}: no column has the architectures in the format {form}: call it '{STRINGS[0]}' or '{form}'"
        )
    return named[0]


def _reads(file: OwnFile, name: str, space: Space) -> bool:
    """Tell whether the first cells of a column are official strings of the space."""
    space = space.full_space if isinstance(space, ListedSpace) else space
    if name not in file.names:
        return False
    cells = file.column(name).head(_PROBED).to_list()
    try:
        space.read([str(cell).strip() for cell in cells])
    except ArchitectureError:
        return False
    return bool(cells)
