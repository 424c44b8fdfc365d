"""Convert the pickled boosters of published surrogates to portable formats, without running anything in the pickles.

XGBoost and LightGBM are the optional extra "surrogates" and are imported when a booster is read. Only the booster's own
bytes or text are taken from a pickle and given to their parsers. The parsers may crash on damaged bytes or never end,
so `convert_all` runs them in a separate process with limited memory and time.
"""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from lissnas.spaces.space import Floats

from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError, first_line
from lissnas_benchmarks.readers.pickles.pickle_allowlist import Constructor, RefusedError
from lissnas_benchmarks.readers.pickles.safe_pickle import Record, load_pickle
from lissnas_benchmarks.readers.process_limits import process_limits
from lissnas_benchmarks.surrogates.booster_trees import check_lightgbm, check_xgboost

Library: TypeAlias = Literal["xgboost", "lightgbm"]

SUFFIXES: dict[Library, str] = {"xgboost": ".ubj", "lightgbm": ".txt"}
"""The suffix of each library's portable format, in which boosters are stored."""

_CLASSES: dict[Library, tuple[str, str]] = {
    "xgboost": ("xgboost.core", "Booster"),
    "lightgbm": ("lightgbm.basic", "Booster"),
}

_MAX_BYTES = 1 << 30
"""Maximum size of a pickled booster."""

_MEMORY_PER_BYTE, _MEMORY = 32, 1 << 30
"""Memory limit of a conversion: bytes per byte of the pickle, and bytes in addition."""

_SECONDS = 300
"""Time limit of a conversion in seconds of processor time."""

_ROWS_AT_ONCE = 1 << 16
"""Number of architectures whose features are in memory at once."""


class MissingPackageError(MissingFileError):
    """A package that only surrogates need is not installed."""


def convert(path: Path, library: Library, features: int) -> bytes:
    """Return the booster of a pickle in its library's portable format, which every later version of the library reads.

    Parameters
    ----------
    path
        A file that `pickle.dump(booster)` wrote.
    library
        The booster's library.
    features
        The number of features that it must take.

    Raises
    ------
    BenchmarkFileError
        If the file is damaged, contains anything else, or was written by a version of XGBoost that this one misreads.
    MissingPackageError
        If the library is not installed.
    """
    state = _read_state(path, library)
    if library == "xgboost":
        raw = state.get("handle")
        if not isinstance(raw, bytes | bytearray) or not raw:
            raise BenchmarkFileError(f"{path}: contains no trained booster of XGBoost")
        booster = _xgboost(bytes(raw), str(path), features, pickled=True)
        _check_trees(str(path), check_xgboost, bytes(booster.save_raw("json")), features)
        return bytes(booster.save_raw("ubj"))
    text = state.get("_handle", state.get("handle"))
    if not isinstance(text, str):
        raise BenchmarkFileError(f"{path}: contains no trained booster of LightGBM")
    best = state.get("best_iteration", 0)
    _check_complete(text, str(path))
    _check_trees(str(path), check_lightgbm, text, features)  # LightGBM does not check its input
    booster = _lightgbm(text, str(path), features)
    # A booster predicts with the trees up to its best iteration, which its text does not state.
    portable: str = booster.model_to_string(num_iteration=best if isinstance(best, int) and best > 0 else -1)
    return portable.encode()


def convert_all(members: Sequence[tuple[Path, Library, Path]], features: int) -> Iterator[Path]:
    """Convert each (pickle, library, output path) in another process; yield each output path when it is written.

    Raises the errors of `convert`, and BenchmarkFileError with the name of the pickle if a library crashes on it.
    """
    requests = [[str(path), library, str(output)] for path, library, output in members]
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
            child.stdin.write(json.dumps({"members": requests, "features": features}))
            child.stdin.close()
            done = 0
            for line in child.stdout:
                if not line.startswith(_MARK):
                    continue  # printed by a library
                reply = json.loads(line.removeprefix(_MARK))
                if reply["error"]:
                    raise {kind.__name__: kind for kind in _ERRORS}[reply["kind"]](reply["error"])
                yield members[done][2]
                done += 1
            if done < len(members):
                path, library, _output = members[done]
                raise BenchmarkFileError(
                    f"{path}: {library} crashed or did not end on this damaged file (exit status {child.wait()})"
                )
        finally:
            child.kill()


_MARK = "lissnas: "
"""The start of the lines that the child process prints for its parent."""

_ERRORS = (BenchmarkFileError, MissingPackageError, MissingFileError)


def _serve() -> None:
    """Convert the boosters that standard input lists, and print one line for each; the child process runs this."""
    # Both libraries also import these if they can, for interfaces that a conversion has no use for, in over a second.
    for unused in ("pandas", "sklearn"):
        sys.modules.setdefault(unused, cast(Any, None))
    request = json.load(sys.stdin)
    for path, library, output in request["members"]:
        reply = {"error": "", "kind": ""}
        try:
            _package(library)  # imported before the limits apply
            Path(output).write_bytes(_convert_within_limits(Path(path), library, request["features"]))
        except _ERRORS as error:
            reply = {"error": str(error), "kind": type(error).__name__}
        print(f"\n{_MARK}{json.dumps(reply)}", flush=True)
        if reply["error"]:
            return


def _convert_within_limits(path: Path, library: Library, features: int) -> bytes:
    size = path.stat().st_size if path.exists() else 0
    try:
        with process_limits(_MEMORY_PER_BYTE * size + _MEMORY, _SECONDS):
            return convert(path, library, features)
    except MemoryError as error:
        raise BenchmarkFileError(f"{path}: damaged: {library} needs more memory than for any booster") from error


class Ensemble:
    """The boosters of one library, loaded from the files that `convert` made.

    Parameters
    ----------
    paths
        The files.
    library
        The library of the boosters.
    features
        The number of features that they take.
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
        """Return the prediction of every member, shape (members, count).

        `features` is called with blocks of rows, and returns their features, float64 of shape (rows, features).
        """
        predictions = np.empty((len(self), count))
        for first in range(0, count, _ROWS_AT_ONCE):
            block = slice(first, min(first + _ROWS_AT_ONCE, count))
            block_features = features(block)
            for member, booster in enumerate(self._members):
                if self._library == "xgboost":
                    predictions[member, block] = booster.inplace_predict(block_features, validate_features=False)
                else:
                    predictions[member, block] = booster.predict(block_features)
        return predictions


def _package(name: Library) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f"{name} is not installed, and this surrogate needs it: pip install 'lissnas[surrogates]'"
        ) from error


_VERSION = re.compile(rb"version\[#L\0{7}\x03i(.)i(.)i.", re.DOTALL)
"""The version of XGBoost that wrote a model, in the models of XGBoost 1.6 and later."""


def _xgboost(raw: bytes, name: str, features: int, pickled: bool = False) -> Any:
    xgboost = _package("xgboost")
    written = max((tuple(match[0] + match[1]) for match in _VERSION.findall(raw)), default=(0, 0))
    installed = tuple(int(part) for part in xgboost.__version__.split(".")[:2])
    if written > installed:
        # XGBoost 3.0 reads a model of 3.2 without an error, and its predictions are off by the base score.
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
        message = re.sub(r"^\[[\d:]+\] \S+: ", "", first_line(error))
        reason = message if "deprecated" not in str(error) else "its format is older than version 1.6"
        hint = "; install 'xgboost<3.1' for the import" if installed >= (3, 1) else ""
        raise BenchmarkFileError(
            f"{name}: cannot be read by XGBoost {xgboost.__version__} ({reason[:200]}){hint}"
        ) from error
    _check_features(name, booster.num_features(), features)
    return booster


def _lightgbm(text: str, name: str, features: int) -> Any:
    lightgbm = _package("lightgbm")
    _check_complete(text, name)
    try:
        booster = lightgbm.Booster(model_str=text)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise BenchmarkFileError(f"{name}: cannot be read by LightGBM {lightgbm.__version__} ({error})") from error
    _check_features(name, booster.num_feature(), features)
    return booster


def _check_complete(text: str, name: str) -> None:
    """Raise BenchmarkFileError for a truncated text, which LightGBM would read as a booster with fewer trees."""
    if not text.startswith("tree\n") or "\nend of trees\n" not in text:
        raise BenchmarkFileError(f"{name}: cannot be read by LightGBM (truncated, or not a booster)")


def _check_trees(name: str, check: Callable[[Any, int], None], booster: bytes | str, features: int) -> None:
    try:
        check(booster, features)
    except ValueError as error:
        raise BenchmarkFileError(f"{name}: damaged: {error}") from error


def _check_features(name: str, found: int, expected: int) -> None:
    if found != expected:
        raise BenchmarkFileError(f"{name}: a booster of {found} features instead of {expected}, from another benchmark")


def _dict(factory: object = None) -> dict[Any, Any]:
    """Replace defaultdict; the factory is dropped."""
    return {}


def _bytes(data: object = b"", encoding: object = "latin-1") -> bytes:
    """Replace bytearray, except bytearray(size), which could allocate any amount of memory."""
    if type(data) is str:
        return data.encode("latin-1")
    if type(data) is not bytes:
        raise RefusedError("a bytearray that is not made from bytes")
    return data


_EXTRA = {
    ("builtins", "bytearray"): Constructor(_bytes),
    ("__builtin__", "bytearray"): Constructor(_bytes),
    ("collections", "defaultdict"): Constructor(_dict),
}
"""Further constructors in a pickled booster, besides those of plain data and of arrays."""


def _read_state(path: Path, library: Library) -> dict[str, Any]:
    """Return the attributes of a pickled booster."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BenchmarkFileError(f"{path}: {path.stat().st_size:,} bytes, more than any official booster has")
        data = path.read_bytes()
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror})") from error
    booster = load_pickle(data, str(path), {_CLASSES[library]}, arrays=True, extra=_EXTRA)
    if type(booster) is not Record:
        raise BenchmarkFileError(f"{path}: contains a {type(booster).__name__}, not a booster of {library}")
    return vars(booster)
