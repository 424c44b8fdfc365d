"""A damaged bit in any of our files is refused or harmless: it never gives another value and never ends the process.

    python tests/faults/damage.py [CLAIM ...] [--count N] [--rows FILE]

A case is 64 bits, in random order: all of the first and the last 2 kB, and 300 random ones in between. A reader that
ends its process, or returns something else than from the good file, is a failure.
"""

import os
import pickle
import random
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from claims import CannotRunError, Case, main
from lissnas.errors import LissnasError
from lissnas.evaluation.journal import Journal
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces import subspace_file
from lissnas.subspaces.subspace import ExplicitSubspace
from lissnas_benchmarks.columns import Column
from lissnas_benchmarks.predictor_file import read_predictor
from lissnas_benchmarks.table import Table
from lissnas_benchmarks.table_file import Source, file_checksum, write_table
from processes import run

BITS_PER_CASE = 64

ENDS = 2048
"""Number of bytes at each end of a file of which every bit is damaged."""

INSIDE = 300
"""Number of random bits between the ends."""

SPACE = CategoricalSpace("pairs", ("abcd",) * 5, "{}{}{}{}{}")

COLUMNS = [Column("accuracy", "toy", split, "%", epochs=3, seed=0) for split in ("validation", "test")]

SOURCE = Source("toy", "", "", {})

Reader = Callable[[Path], object]


def _values(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 100, SPACE.size)


def write_a_table(path: Path) -> None:
    write_table(path, SPACE, {column: _values(place) for place, column in enumerate(COLUMNS)}, SOURCE)


def read_a_table(path: Path) -> object:
    table = Table(path, lambda: SPACE)
    return [table.read([column.name]).tobytes() for column in COLUMNS]


def write_a_curve(path: Path) -> None:
    np.save(path, _values(2).reshape(-1, 1).repeat(3, axis=1).astype(np.float32))
    path.with_name(f"{path.name}.npy").replace(path)
    table = path.with_name("curved.parquet")
    name = "accuracy.toy.validation.3.0.npy"
    curves = {name: file_checksum(path)}
    write_table(table, SPACE, {COLUMNS[0]: _values(2)}, SOURCE, curves=curves)


def read_a_curve(path: Path) -> object:
    folder = path.with_name("curved")
    folder.mkdir(exist_ok=True)
    place = folder / "accuracy.toy.validation.3.0.npy"
    place.unlink(missing_ok=True)
    os.link(path, place)
    return Table(path.with_name("curved.parquet"), lambda: SPACE).curve(COLUMNS[0]).tobytes()


def write_a_journal(path: Path) -> None:
    journal = Journal(path, RunIdentity(space="pairs", seed=0))
    for first in range(0, 400, 8):
        journal.record(np.arange(first, first + 8), _values(3)[first : first + 8])


def read_a_journal(path: Path) -> object:
    """Return the recorded scores; a journal may end early, because its last line may be cut short."""
    return Journal(path, RunIdentity(space="pairs", seed=0)).replay(np.arange(400)).tobytes()


def write_a_subspace(path: Path) -> None:
    subspace_file.save(ExplicitSubspace(SPACE, np.arange(0, SPACE.size, 3)), path, {"method": "toy"})


def read_a_subspace(path: Path) -> object:
    subspace, provenance = subspace_file.load(path, SPACE)
    return subspace.index.tobytes(), sorted(provenance.items())


def write_predictions(path: Path) -> None:
    strings = SPACE.write(SPACE.all_rows())
    rows = (f"{string},{score!r}\n" for string, score in zip(strings, _values(4).tolist(), strict=True))
    path.write_text("architecture,score\n" + "".join(rows))


def read_predictions(path: Path) -> object:
    """Only read: a digit of a user's own text file may change unnoticed, as in any text."""
    read_predictor(f"{path}:score", SPACE)
    return None


def write_a_checkpoint(path: Path) -> None:
    import torch
    from lissnas.supernet.training.checkpoint import Checkpoints

    folder = path.with_name("checkpoints")
    weights = torch.from_numpy(_values(5))
    state = {"network": {"weights": weights}, "optimizer": {}, "scaler": {}, "average": {}, "versions": {}}
    Checkpoints(folder, RunIdentity(seed=0), 1).save(1, state)
    [written] = folder.glob("step-*.pt")
    path.write_bytes(written.read_bytes())


def read_a_checkpoint(path: Path) -> object:
    from lissnas.supernet.training.checkpoint import Checkpoints

    folder = path.with_name("checkpoints")
    [place] = folder.glob("step-*.pt")
    place.unlink()
    os.link(path, place)
    saved = Checkpoints(folder, RunIdentity(seed=0), 1).newest()
    return None if saved is None else saved["network"]["weights"].numpy().tobytes()


def damaged(
    write: Callable[[Path], None], read: Reader, needs: str = "numpy", prefix: bool = False
) -> Callable[[Path], Case]:
    """Return a claim on a kind of files.

    Parameters
    ----------
    write, read
        Make a good file, and return what is read from one.
    needs
        The package that both need.
    prefix
        Whether a part of the good content, from its start, is right too.
    """

    def make(folder: Path) -> Case:
        if find_spec(needs) is None:
            raise CannotRunError(f"{needs} is not installed")
        path, log, expected_in = folder / "file.parquet", folder / "log", folder / "expected"

        def prepare() -> None:
            write(path)
            expected_in.write_bytes(pickle.dumps(read(path)))

        ended = run(prepare, log)
        if ended.status:
            raise RuntimeError(ended.output)
        good, expected = path.read_bytes(), pickle.loads(expected_in.read_bytes())
        bits = _bits(len(good))

        def case(number: int) -> str:
            first = number * BITS_PER_CASE % len(bits)
            tried = bits[first : first + BITS_PER_CASE]
            progress = folder / "bit"

            def work() -> None:
                for bit in tried:
                    altered = bytearray(good)
                    altered[bit // 8] ^= 1 << bit % 8
                    path.unlink(missing_ok=True)
                    path.write_bytes(altered)
                    progress.write_text(str(bit))
                    try:
                        found = read(path)
                    except LissnasError:
                        continue
                    if found != expected and not (prefix and expected.startswith(found)):
                        raise SystemExit(f"bit {bit} of {8 * len(good)} gave another value")

            ended = run(work, log)
            if ended.status:
                return f"at bit {progress.read_text()}: status {ended.status}: {ended.output[-500:]}"
            return ""

        return case

    return make


def _bits(size: int) -> list[int]:
    """Return the bits that are damaged, by their places in a file of this many bytes."""
    rng = random.Random(0)
    if size <= 2 * ENDS:
        return rng.sample(range(8 * size), 8 * size)
    inside = rng.sample(range(8 * ENDS, 8 * (size - ENDS)), min(INSIDE, 8 * (size - 2 * ENDS)))
    bits = [*range(8 * ENDS), *range(8 * (size - ENDS), 8 * size), *inside]
    rng.shuffle(bits)  # so that a few cases try all parts
    return bits


CLAIMS: dict[str, Callable[[Path], Case]] = {
    "a damaged bit of a cached table is refused or harmless": damaged(write_a_table, read_a_table),
    "a damaged bit of a learning curve is refused or harmless": damaged(write_a_curve, read_a_curve),
    "a damaged bit of a checkpoint is refused or harmless": damaged(write_a_checkpoint, read_a_checkpoint, "torch"),
    "a damaged bit of a journal is refused or harmless": damaged(write_a_journal, read_a_journal, prefix=True),
    "a damaged bit of a subspace file is refused or harmless": damaged(write_a_subspace, read_a_subspace),
    "a damaged bit of a predictor file never ends the process": damaged(write_predictions, read_predictions),
}
"""What is checked, by what it promises. A case is 64 bits; 517 cases are all bits."""

if __name__ == "__main__":
    main(CLAIMS, count=517)
