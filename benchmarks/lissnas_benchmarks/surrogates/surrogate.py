"""Surrogate: a benchmark that predicts scores by ensembles of models that were trained on measurements.

The official model folder is converted once. The converted folder has the boosters in their libraries' portable formats,
and a description with the checksum of each.
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
from lissnas_benchmarks.obtaining.versions import version_folder
from lissnas_benchmarks.surrogates.boosters import SUFFIXES, Ensemble, Library, convert_all

FORMAT = 1
"""Version of the converted folder's layout."""

DESCRIPTION = "surrogate.json"
"""Name of the file that describes a converted folder."""


@dataclass(frozen=True)
class Quantity:
    """A quantity that a surrogate predicts: its name, its unit, and the library of its ensemble."""

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
    """The description of a converted folder.

    Attributes
    ----------
    format
        Version of the layout.
    surrogate, page, license
        The surrogate's name and origin.
    members
        The files of each quantity's ensemble.
    checksums
        The SHA-256 of each file.
    official
        The SHA-256 of each official file that was read, by its path in the official folder.
    """

    format: int
    surrogate: str
    page: str
    license: str
    members: dict[str, tuple[str, ...]]
    checksums: dict[str, str]
    official: dict[str, str]


class SurrogateEvaluator:
    """Scores batches of architectures by the mean prediction of an ensemble.

    Parameters
    ----------
    surrogate
        The surrogate's adapter.
    ensembles
        The ensemble of each quantity, by its name.

    Examples
    --------
    Predict 1,000 architectures, add the noise of training, and predict how long each would train::

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
        """Number of models in the ensemble of each quantity."""
        return {name: len(ensemble) for name, ensemble in self._ensembles.items()}

    def __call__(self, rows: Rows) -> Floats:
        """Return the mean prediction of the surrogate's first quantity, float64 of shape (n,)."""
        return self.predict(rows)[0]

    def predict(self, rows: Rows, quantity: str | None = None) -> tuple[Floats, Floats]:
        """Return the mean and standard deviation of the predictions, both float64 of shape (n,) in the quantity's unit.

        The standard deviation is the population's: the sum of squares is divided by the number of models.
        """
        rows = self.space.checked(rows)
        ensemble = self._ensembles[self.surrogate.quantities[0].name if quantity is None else quantity]
        predictions = ensemble.predict(len(rows), lambda block: self.surrogate.features(rows[block]))
        return predictions.mean(axis=0), predictions.std(axis=0)

    def runtime(self, rows: Rows) -> Floats:
        """Return the predicted training time of each architecture in seconds, float64 of shape (n,)."""
        return self.predict(rows, "runtime")[0]

    def noisy(self, rng: np.random.Generator) -> Evaluator:
        """Return an evaluator that adds new normal noise at every call, with the ensemble's standard deviation.

        The official package adds the same noise, but draws it from numpy's global generator instead of `rng`.
        """

        def evaluate(rows: Rows) -> Floats:
            mean, std = self.predict(rows)
            return mean + std * rng.standard_normal(len(rows))

        return evaluate


def convert_folder(
    surrogate: SurrogateAdapter, official: Path, folder: Path, progress: Callable[[float], None] = lambda share: None
) -> None:
    """Convert an official model folder into a new folder.

    `progress` is called with the share that is converted, 0 to 1. Raises MissingFileError if there is no such folder,
    BenchmarkFileError if it is incomplete, damaged or of another version.
    """
    if not official.is_dir():
        raise MissingFileError(f"{official}: not a folder; {surrogate.remedy}")
    official_members = surrogate.find_members(official)
    members = {
        quantity.name: tuple(
            f"{quantity.name}-{number}{SUFFIXES[quantity.library]}"
            for number in range(len(official_members[quantity.name]))
        )
        for quantity in surrogate.quantities
    }
    tasks = [
        (path, quantity.library, folder / name)
        for quantity in surrogate.quantities
        for path, name in zip(official_members[quantity.name], members[quantity.name], strict=True)
    ]
    checksums = {}
    for converted in convert_all(tasks, surrogate.width):
        checksums[converted.name] = _checksum(converted)
        progress(len(checksums) / len(tasks))
    sources = {path.relative_to(official).as_posix(): _checksum(path) for path, _library, _converted in tasks}
    description = Description(FORMAT, surrogate.name, surrogate.page, surrogate.license, members, checksums, sources)
    (folder / DESCRIPTION).write_bytes(msgspec.json.format(msgspec.json.encode(description), indent=2))


def read_description(folder: Path) -> Description:
    """Return the description of a converted folder; raises BenchmarkFileError if it is damaged or outdated."""
    path = folder / DESCRIPTION
    try:
        description = msgspec.json.decode(path.read_bytes(), type=Description)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if description.format != FORMAT:
        raise _damaged(path, f"its layout is version {description.format} instead of {FORMAT}")
    return description


def open_folder(surrogate: SurrogateAdapter, folder: Path) -> SurrogateEvaluator:
    """Return the evaluator of a converted folder, after verifying the checksum of every file.

    Raises
    ------
    MissingFileError
        If the folder does not exist; the message says how to get it.
    BenchmarkFileError
        If the folder is damaged or of another surrogate.
    """
    if not folder.is_dir():
        raise MissingFileError(f"{surrogate.name}: its models are not here; {surrogate.remedy}")
    description = read_description(folder)
    if description.surrogate != surrogate.name:
        raise _damaged(folder, f"it is of {description.surrogate}, not of {surrogate.name}")
    models = version_folder(folder, description.checksums)
    ensembles = {}
    for quantity in surrogate.quantities:
        names = description.members.get(quantity.name, ())
        if not names:
            raise _damaged(folder, f"it has no models of {quantity.name}")
        for name in names:
            checksum = description.checksums.get(name)
            if Path(name).name != name or not checksum or checksum != _checksum(models / name):
                raise _damaged(models / name, "truncated or altered")
        ensembles[quantity.name] = Ensemble([models / name for name in names], quantity.library, surrogate.width)
    return SurrogateEvaluator(surrogate, ensembles)


def _checksum(path: Path) -> str:
    """Return the SHA-256 of a file; "" for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _damaged(path: Path, reason: str) -> BenchmarkFileError:
    return BenchmarkFileError(f"{path}: {reason}; import the surrogate again with 'lissnas data import'")
