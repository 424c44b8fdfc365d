"""Gradient-boosted trees of published surrogates: read from their pickles once, without running anything in them.

XGBoost and LightGBM are the optional extra "surrogates": they are imported when a booster is read, and not before. Of a
pickle only the booster's own bytes or text are kept, and given to their parsers. Those may crash on damaged bytes, or
never end, so `convert_all` does it in a process of its own that may take only so much memory and time.
"""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from lissnas.spaces.space import Floats

from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError, first_line
from lissnas_benchmarks.readers.pickle_allowlist import Constructor, RefusedError
from lissnas_benchmarks.readers.process_limits import process_limits
from lissnas_benchmarks.readers.safe_pickle import Record, load_pickle
from lissnas_benchmarks.surrogates.booster_trees import check_lightgbm, check_xgboost

Library: TypeAlias = Literal["xgboost", "lightgbm"]

SUFFIXES: dict[Library, str] = {"xgboost": ".ubj", "lightgbm": ".txt"}
"""In which form the boosters of each library are kept: its own portable one."""

_CLASSES: dict[Library, tuple[str, str]] = {
    "xgboost": ("xgboost.core", "Booster"),
    "lightgbm": ("lightgbm.basic", "Booster"),
}

_LARGEST = 1 << 30
"""How many bytes a pickled booster may have."""

_MEMORY_PER_BYTE, _MEMORY = 32, 1 << 30
"""How many bytes the conversion of a booster may take for each of its pickle, and beside that."""

_SECONDS = 300
"""How long the conversion of a booster may take."""

_ROWS_AT_ONCE = 1 << 16


class MissingPackageError(MissingFileError):
    """A package that only surrogates need is not installed."""


def convert(path: Path, library: Library, features: int) -> bytes:
    """Return the booster of a pickle in its library's portable form, from which every later version reads it.

    Parameters
    ----------
    path
        The pickle, as `pickle.dump(booster)` made it.
    library
        Which library the booster is of.
    features
        How many features it must take.

    Raises
    ------
    BenchmarkFileError
        If the file is damaged, holds anything else, or was written by a version of XGBoost that this one misreads.
    MissingPackageError
        If the library is not installed.
    """
    state = _read_state(path, library)
    if library == "xgboost":
        raw = state.get("handle")
        if not isinstance(raw, bytes | bytearray) or not raw:
            raise BenchmarkFileError(f"{path}: holds no trained booster of XGBoost")
        booster = _xgboost(bytes(raw), str(path), features, pickled=True)
        _check_trees(str(path), check_xgboost, bytes(booster.save_raw("json")), features)
        return bytes(booster.save_raw("ubj"))
    text = state.get("_handle", state.get("handle"))
    if not isinstance(text, str):
        raise BenchmarkFileError(f"{path}: holds no trained booster of LightGBM")
    best = state.get("best_iteration", 0)
    _check_whole(text, str(path))
    _check_trees(str(path), check_lightgbm, text, features)  # LightGBM believes what it reads
    booster = _lightgbm(text, str(path), features)
    # A booster predicts with the trees up to its best iteration, which its text does not say.
    kept: str = booster.model_to_string(num_iteration=best if isinstance(best, int) and best > 0 else -1)
    return kept.encode()


def convert_all(members: Sequence[tuple[Path, Library, Path]], features: int) -> Iterator[Path]:
    """Convert each (pickle, library, place to write) in another process; yield each place as soon as it is written.

    Raises the same errors as `convert`; where a library crashes, BenchmarkFileError by the name of the pickle.
    """
    asked = [[str(path), library, str(place)] for path, library, place in members]
    with subprocess.Popen(
        [sys.executable, "-c", "from lissnas_benchmarks.surrogates.boosters import _serve; _serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    ) as child:
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps({"members": asked, "features": features}))
            child.stdin.close()
            done = 0
            for line in child.stdout:
                if not line.startswith(_MARK):
                    continue  # what a library prints
                answer = json.loads(line.removeprefix(_MARK))
                if answer["error"]:
                    raise {kind.__name__: kind for kind in _ERRORS}[answer["kind"]](answer["error"])
                yield members[done][2]
                done += 1
            if done < len(members):
                path, library, _place = members[done]
                raise BenchmarkFileError(
                    f"{path}: {library} crashed on what it holds, or found no end (exit status {child.wait()}): it is "
                    f"damaged"
                )
        finally:
            child.kill()


_MARK = "lissnas: "

_ERRORS = (BenchmarkFileError, MissingPackageError, MissingFileError)


def _serve() -> None:
    """Convert what standard input asks for, and answer a line for each."""
    asked = json.load(sys.stdin)
    for path, library, place in asked["members"]:
        answer = {"error": "", "kind": ""}
        try:
            _package(library)  # before there are limits
            Path(place).write_bytes(_convert_within_limits(Path(path), library, asked["features"]))
        except _ERRORS as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        print(f"\n{_MARK}{json.dumps(answer)}", flush=True)
        if answer["error"]:
            return


def _convert_within_limits(path: Path, library: Library, features: int) -> bytes:
    size = path.stat().st_size if path.exists() else 0
    try:
        with process_limits(_MEMORY_PER_BYTE * size + _MEMORY, _SECONDS):
            return convert(path, library, features)
    except MemoryError as error:
        raise BenchmarkFileError(f"{path}: {library} needs more memory for it than any booster does") from error


class Ensemble:
    """Boosters of one library, from the files that `convert` made.

    Parameters
    ----------
    paths
        The files of the members.
    library
        Which library they are of.
    features
        How many features they take.
    """

    def __init__(self, paths: Sequence[Path], library: Library, features: int) -> None:
        self._library = library
        if library == "xgboost":
            self._members = [_xgboost(path.read_bytes(), str(path), features) for path in paths]
        else:
            self._members = [_lightgbm(path.read_text(), str(path), features) for path in paths]

    def __len__(self) -> int:
        return len(self._members)

    def predict(self, count: int, features: Callable[[slice], Floats]) -> Floats:
        """Return what every member predicts, shape (members, count); the features are asked for in blocks of rows."""
        predictions = np.empty((len(self), count))
        for first in range(0, count, _ROWS_AT_ONCE):
            block = slice(first, min(first + _ROWS_AT_ONCE, count))
            described = features(block)
            for member, booster in enumerate(self._members):
                if self._library == "xgboost":
                    predictions[member, block] = booster.inplace_predict(described, validate_features=False)
                else:
                    predictions[member, block] = booster.predict(described)
        return predictions


def _package(name: Library) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f"{name} is not installed, and this surrogate needs it: pip install 'lissnas[surrogates]'"
        ) from error


_VERSION = re.compile(rb"version\[#L\0{7}\x03i(.)i(.)i.", re.DOTALL)
"""How a model of XGBoost 1.6 or later says by which version it was written."""


def _xgboost(raw: bytes, name: str, features: int, pickled: bool = False) -> Any:
    xgboost = _package("xgboost")
    written = max((tuple(match[0] + match[1]) for match in _VERSION.findall(raw)), default=(0, 0))
    installed = tuple(int(part) for part in xgboost.__version__.split(".")[:2])
    if written > installed:
        # XGBoost 3.0 reads what 3.2 wrote without an error, and predicts wrong by the base score.
        raise BenchmarkFileError(
            f"{name}: written by XGBoost {written[0]}.{written[1]}, which {xgboost.__version__} may misread; "
            f"take the file as it was published, or install a later XGBoost"
        )
    booster = xgboost.Booster()
    try:
        with xgboost.config_context(verbosity=0):
            if pickled:
                booster.__setstate__({"handle": bytearray(raw)})
            else:
                booster.load_model(bytearray(raw))
    except (xgboost.core.XGBoostError, ValueError) as error:
        said = re.sub(r"^\[[\d:]+\] \S+: ", "", first_line(error))
        reason = said if "deprecated" not in str(error) else "its form is that of before 1.6"
        hint = "; install 'xgboost<3.1' for the import" if installed >= (3, 1) else ""
        raise BenchmarkFileError(
            f"{name}: cannot be read by XGBoost {xgboost.__version__} ({reason[:200]}){hint}"
        ) from error
    _check_features(name, booster.num_features(), features)
    return booster


def _lightgbm(text: str, name: str, features: int) -> Any:
    lightgbm = _package("lightgbm")
    _check_whole(text, name)
    try:
        booster = lightgbm.Booster(model_str=text)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise BenchmarkFileError(f"{name}: cannot be read by LightGBM {lightgbm.__version__} ({error})") from error
    _check_features(name, booster.num_feature(), features)
    return booster


def _check_whole(text: str, name: str) -> None:
    """Raise BenchmarkFileError for a text cut short, which LightGBM would read as a booster of fewer trees."""
    if not text.startswith("tree\n") or "\nend of trees\n" not in text:
        raise BenchmarkFileError(f"{name}: cannot be read by LightGBM (cut short, or no booster)")


def _check_trees(name: str, check: Callable[[Any, int], None], booster: bytes | str, features: int) -> None:
    try:
        check(booster, features)
    except ValueError as error:
        raise BenchmarkFileError(f"{name}: damaged: {error}") from error


def _check_features(name: str, found: int, expected: int) -> None:
    if found != expected:
        raise BenchmarkFileError(f"{name}: a booster of {found} features instead of {expected}: of another benchmark")


def _dict(factory: object = None) -> dict[Any, Any]:
    """Stand in for a defaultdict, whose factory is dropped."""
    return {}


def _bytes(data: object = b"", encoding: object = "latin-1") -> bytes:
    """Stand in for a bytearray: never of a size, which would be that many bytes."""
    if type(data) is str:
        return data.encode("latin-1")
    if type(data) is not bytes:
        raise RefusedError("a bytearray that is not made of bytes")
    return data


_EXTRA = {
    ("builtins", "bytearray"): Constructor(_bytes),
    ("__builtin__", "bytearray"): Constructor(_bytes),
    ("collections", "defaultdict"): Constructor(_dict),
}
"""What may occur in a pickled booster beside the booster, plain data and arrays of its training's history."""


def _read_state(path: Path, library: Library) -> dict[str, Any]:
    """Return the attributes of a pickled booster."""
    try:
        if path.stat().st_size > _LARGEST:
            raise BenchmarkFileError(f"{path}: {path.stat().st_size:,} bytes, more than any booster of a surrogate has")
        data = path.read_bytes()
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror})") from error
    booster = load_pickle(data, str(path), {_CLASSES[library]}, arrays=True, extra=_EXTRA)
    if type(booster) is not Record:
        raise BenchmarkFileError(f"{path}: holds a {type(booster).__name__}, not a booster of {library}")
    return vars(booster)
