"""Recognize whose file a file is, by texts at its start; `lissnas data import FILE` needs no name then."""

from dataclasses import dataclass
from pathlib import Path

from lissnas.errors import SettingError

from lissnas_benchmarks.adapter import Adapter, OfficialFile, OtherForm, Signs, TableAdapter
from lissnas_benchmarks.catalog import ADAPTERS
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.obtaining.file_start import file_start
from lissnas_benchmarks.obtaining.wrong_file import why_no_data
from lissnas_benchmarks.readers.zero_cost_json import SIGNS as PREDICTOR_SIGNS


@dataclass(frozen=True)
class Recognized:
    """What a file is.

    Attributes
    ----------
    benchmark
        The benchmark that it is imported as; "" for a file of predictors.
    form
        The form of another package, or None for an official file.
    """

    benchmark: str
    form: OtherForm | None = None


def recognize(path: Path) -> Recognized:
    """Return what a file, folder or archive is.

    Raises
    ------
    MissingFileError
        If it cannot be read.
    BenchmarkFileError
        If it is not recognized.
    SettingError
        If several benchmarks are read from such files.
    """
    try:
        best = _best(path)
        useless = "" if best else why_no_data(path)
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror})") from error
    if useless:
        raise BenchmarkFileError(f"{path}: it is {useless}")
    if not best:
        raise BenchmarkFileError(
            f"{path}: not recognized as a benchmark's file: say whose it is with --as NAME, where 'lissnas "
            f"benchmarks' lists the names, or describe your own table with --space, --select and --report"
        )
    if len(best) > 1:
        known = ", ".join(dict.fromkeys(recognized.benchmark for recognized in best))
        raise SettingError(f"{path}: read by several benchmarks ({known}): choose one with --as NAME")
    return best[0]


def other_benchmark(adapter: Adapter, path: Path) -> str:
    """Return whose file it is if it is not the adapter's; "" if it may be, or nobody's."""
    names = [recognized.benchmark for recognized in _best(path)]
    if not names or adapter.name in names or adapter.name not in ADAPTERS.names():
        return ""
    if names == [""]:
        return "a file of NASLib's zero-cost scores: pass them as predictors"
    return f"a file of {' or '.join(names)}: import it with --as {names[0]}"


def _best(path: Path) -> list[Recognized]:
    """Return what a file may be, by the most and the longest signs in its start."""
    start = file_start(path)
    found: list[tuple[int, Recognized]] = []
    if count := _matched(PREDICTOR_SIGNS, start):
        found.append((count, Recognized("")))
    for name in ADAPTERS.valid_names():
        adapter = ADAPTERS.find(name)
        kinds = [(adapter.files, adapter.signs, Recognized(name))]
        kinds += [((form.file,), form.signs, Recognized(name, form)) for form in _forms(adapter)]
        for files, signs, kind in kinds:
            names = tuple((file.name.rpartition("/")[2],) for file in files)
            if count := _matched(names, start) + _matched(signs, start):
                found.append((count, kind))
    most = max((count for count, _ in found), default=0)
    return [recognized for count, recognized in found if count == most]


def form_of(adapter: Adapter, path: Path) -> OtherForm | None:
    """Return the form of another package in which a file has the data of a benchmark; None for an official file."""
    forms = _forms(adapter)
    if not forms or not path.exists():
        return None
    start = file_start(path)
    matches = [(count, form) for form in forms if (count := _matched(form.signs, start))]
    return max(matches, key=lambda match: match[0])[1] if matches else None


def content_of(adapter: Adapter, file: OfficialFile, folder: Path, archive: str) -> Path:
    """Return the official file or folder in an unpacked archive; raises BenchmarkFileError if it has none."""
    wanted = file.name.rpartition("/")[2]
    if found := sorted(folder.rglob(wanted)):
        return found[0]
    while len(inside := list(folder.iterdir())) == 1 and inside[0].is_dir():
        [folder] = inside
    files = [path for path in inside if path.is_file()]
    signed = [path for path in files if _matched(adapter.signs, file_start(path))]
    if len(signed) == 1 or len(files) == len(inside) == 1:
        return (signed or files)[0]
    if "." not in wanted or wanted.endswith("-simple"):  # the official thing is a folder
        return folder
    raise BenchmarkFileError(f"{archive}: an archive without {wanted}; {adapter.remedy}")


def _forms(adapter: Adapter) -> tuple[OtherForm, ...]:
    return adapter.forms if isinstance(adapter, TableAdapter) else ()


def _matched(signs: Signs, start: bytes) -> int:
    """Return the total length of the texts of the longest set of which the start has all; 0 if it has none."""
    return max((sum(map(len, texts)) for texts in signs if all(text.encode() in start for text in texts)), default=0)
