"""Surrogate: a benchmark that predicts what it did not measure, by ensembles trained on what it did.

Its official model folder is converted once; what is kept is a folder of boosters in their libraries' portable forms,
with a description that holds the checksum of each.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from lissnas.evaluation.evaluator import Evaluator
from lissnas.spaces.space import Floats, Rows

from lissnas_benchmarks.adapter import Adapter
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.surrogates.boosters import SUFFIXES, Ensemble, Library, convert_all

FORMAT = 1
"""The version of the folder's layout."""

_DESCRIPTION = "surrogate.json"


@dataclass(frozen=True)
class Quantity:
    """Something that a surrogate predicts: its name, its unit, and of which library the members of its ensemble are."""

    name: str
    unit: str
    library: Library


@dataclass(frozen=True, kw_only=True)
class SurrogateAdapter(Adapter):
    """A benchmark that predicts: its one official file is the archive of the official model folder.

    Attributes
    ----------
    quantities
        What it predicts; the first is the quality that architectures are ranked by.
    features
        Returns the models' input for a batch of rows, float64 of shape (n, width).
    width
        Number of features.
    needed
        A regular expression for the paths of the archive's files that are read.
    find_members
        Finds in the official model folder the pickled ensemble members of each quantity, by the quantity's name.
    """

    quantities: tuple[Quantity, ...]
    features: Callable[[Rows], Floats]
    width: int
    needed: str
    find_members: Callable[[Path], Mapping[str, tuple[Path, ...]]]


@dataclass(frozen=True)
class Description:
    """What a converted folder says of itself.

    Attributes
    ----------
    format
        The version of its layout.
    surrogate, page, license
        What it is, and where it came from.
    members
        For each quantity the files of its ensemble.
    checksums
        The SHA-256 of each file.
    official
        The SHA-256 of each official file that was read, by its place in the official folder.
    """

    format: int
    surrogate: str
    page: str
    license: str
    members: dict[str, tuple[str, ...]]
    checksums: dict[str, str]
    official: dict[str, str]


class SurrogateEvaluator:
    """Scores architectures by the mean prediction of an ensemble; any number of them at once.

    Parameters
    ----------
    surrogate
        Which one.
    ensembles
        The members of each quantity.

    Examples
    --------
    Predict a thousand networks, rank them with the noise of training, and ask how long each would have trained::

        evaluator = load_surrogate("nas-bench-301")
        rows = evaluator.space.sample(1000, rng)
        mean, std = evaluator.predict(rows)
        noisy = evaluator.noisy(rng)(rows)
        seconds = evaluator.runtime(rows)
    """

    def __init__(self, surrogate: SurrogateAdapter, ensembles: Mapping[str, Ensemble]) -> None:
        self.surrogate = surrogate
        self.space = surrogate.space()
        self._ensembles = ensembles

    @property
    def members(self) -> dict[str, int]:
        """How many members the ensemble of each quantity has."""
        return {name: len(ensemble) for name, ensemble in self._ensembles.items()}

    def __call__(self, rows: Rows) -> Floats:
        """Return the mean over the members of the surrogate's first quantity, float64 of shape (n,)."""
        return self.predict(rows)[0]

    def predict(self, rows: Rows, quantity: str | None = None) -> tuple[Floats, Floats]:
        """Return mean and standard deviation over the members, each float64 of shape (n,), in the quantity's unit.

        The standard deviation is that of the population: divided by the number of members.
        """
        rows = self.space.checked(rows)
        ensemble = self._ensembles[self.surrogate.quantities[0].name if quantity is None else quantity]
        predictions = ensemble.predict(len(rows), lambda block: self.surrogate.features(rows[block]))
        return predictions.mean(axis=0), predictions.std(axis=0)

    def runtime(self, rows: Rows) -> Floats:
        """Return how long each architecture would have trained, in seconds, float64 of shape (n,)."""
        return self.predict(rows, "runtime")[0]

    def noisy(self, rng: np.random.Generator) -> Evaluator:
        """Return an evaluator that adds normal noise as wide as the members differ, drawn anew at every call.

        The distribution is the official package's; its generator is numpy's global one, ours is the one handed in.
        """

        def evaluate(rows: Rows) -> Floats:
            mean, std = self.predict(rows)
            return mean + std * rng.standard_normal(len(rows))

        return evaluate


def convert_folder(
    surrogate: SurrogateAdapter, official: Path, folder: Path, progress: Callable[[float], None] = lambda share: None
) -> None:
    """Convert an official model folder into a new folder.

    Raises BenchmarkFileError if the official one is incomplete, damaged, or of another version.
    """
    if not official.is_dir():
        raise MissingFileError(f"{official}: not a folder; {surrogate.obtain}")
    found = surrogate.find_members(official)
    members = {
        quantity.name: tuple(
            f"{quantity.name}-{number}{SUFFIXES[quantity.library]}" for number in range(len(found[quantity.name]))
        )
        for quantity in surrogate.quantities
    }
    tasks = [
        (path, quantity.library, folder / name)
        for quantity in surrogate.quantities
        for path, name in zip(found[quantity.name], members[quantity.name], strict=True)
    ]
    checksums = {}
    for place in convert_all(tasks, surrogate.width):
        checksums[place.name] = _checksum(place)
        progress(len(checksums) / len(tasks))
    sources = {path.relative_to(official).as_posix(): _checksum(path) for path, _library, _place in tasks}
    described = Description(FORMAT, surrogate.name, surrogate.page, surrogate.license, members, checksums, sources)
    (folder / _DESCRIPTION).write_bytes(msgspec.json.format(msgspec.json.encode(described), indent=2))


def read_description(folder: Path) -> Description:
    """Return what a converted folder says of itself; raises BenchmarkFileError if it is none of today's layout."""
    path = folder / _DESCRIPTION
    try:
        described = msgspec.json.decode(path.read_bytes(), type=Description)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if described.format != FORMAT:
        raise _damaged(path, f"layout {described.format} instead of {FORMAT}")
    return described


def open_folder(surrogate: SurrogateAdapter, folder: Path) -> SurrogateEvaluator:
    """Open a converted folder, after comparing every file with its checksum.

    Raises
    ------
    MissingFileError
        If there is none; the message says how to get it.
    BenchmarkFileError
        If it is damaged, or of another surrogate.
    """
    if not folder.is_dir():
        raise MissingFileError(f"{surrogate.name}: its models are not here; {surrogate.obtain}")
    described = read_description(folder)
    if described.surrogate != surrogate.name:
        raise _damaged(folder, f"it is of {described.surrogate}, not of {surrogate.name}")
    ensembles = {}
    for quantity in surrogate.quantities:
        names = described.members.get(quantity.name, ())
        if not names:
            raise _damaged(folder, f"no models of {quantity.name}")
        for name in names:
            checksum = described.checksums.get(name)
            if Path(name).name != name or not checksum or checksum != _checksum(folder / name):
                raise _damaged(folder / name, "cut short or altered")
        ensembles[quantity.name] = Ensemble([folder / name for name in names], quantity.library, surrogate.width)
    return SurrogateEvaluator(surrogate, ensembles)


def _checksum(path: Path) -> str:
    """Return the SHA-256 of a file; "" if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _damaged(path: Path, reason: str) -> BenchmarkFileError:
    return BenchmarkFileError(f"{path}: {reason}; import the surrogate again with 'lissnas data import'")
