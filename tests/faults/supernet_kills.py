"""Supernets and tables of trained cells that `kill -9` ends, at random moments and at every operation on files.

    python tests/faults/supernet_kills.py [CLAIM ...] [--count N] [--rows FILE]

As in kills.py, the same command then ends with the bytes of a run that was not disturbed, and with no other file. No
finished training is repeated, and no score but those of one line of the journal.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from claims import CannotRunError, Case, main
from disturbed import Disturbed
from folders import contents
from processes import lissnas

FEW = (
    "training.steps=6",
    "checkpoints.save_every=2",
    "loop.steps_per_round=2",
    "loop.max_rounds=1",
    "loop.mean_sample_size=2",
    "scoring.recalibration_batches=1",
    "scoring.closing_batches=1",
    "search.evaluations=21",
    "retraining.steps=4",
)
"""What makes a run of the recipe "digits" small."""

SET = tuple(word for change in FEW for word in ("--set", change))

STAGES = {
    "train": ("supernet", "train", "digits", *SET, "--out", "run"),
    "shrink": ("supernet", "shrink", "--out", "run"),
    "search": ("supernet", "search", "--out", "run"),
    "retrain": ("supernet", "retrain", "--out", "run"),
}

SCORED = "scored.log"

PACKS = 2

_MODULES = (
    "lissnas.supernet.standalone.train_cells",
    *(f"lissnas_analyses.cli.supernet.{stage}" for stage in STAGES),
    "sklearn.datasets",
    "torch._dynamo",
)


def _import() -> None:
    """Import what the work needs, so that its forks do not."""
    if find_spec("torch") is None:
        raise CannotRunError("PyTorch is not installed")
    for name in _MODULES:
        import_module(name)


def _stage(name: str) -> None:
    """Run a stage, and log the paths of each line of a journal before they are scored."""
    from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator

    log = open(SCORED, "ab", buffering=0)  # noqa: SIM115
    score = SupernetEvaluator.__call__

    def logged(self: SupernetEvaluator, rows: np.ndarray) -> np.ndarray:
        known = {path for _weights, path in self._scores}
        if new := [row.tolist() for row in rows if row.tobytes() not in known]:
            log.write(f"{new}\n".encode())
        return score(self, rows)

    SupernetEvaluator.__call__ = logged  # type: ignore[method-assign]
    try:
        lissnas(*STAGES[name])
    except SystemExit as ended:
        if ended.code:
            raise


def _before(name: str) -> None:
    """Run all stages before one; the log of their scores is left out."""
    for earlier in list(STAGES)[: list(STAGES).index(name)]:
        _stage(earlier)
    Path(SCORED).unlink(missing_ok=True)


def _without_log(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if name != SCORED}


def stage(name: str) -> Callable[[Path], Case]:
    """Return a claim on a stage: the same bytes, and at most one line of a journal scored twice."""

    def make(folder: Path) -> Case:
        _import()
        disturbed = Disturbed(folder, partial(_stage, name), partial(_before, name), comparable=_without_log)
        log = disturbed.place / SCORED
        once = len(log.read_bytes().splitlines())

        def case(number: int) -> str:
            failure = disturbed(number)
            twice = len(log.read_bytes().splitlines()) - once if log.exists() else 0
            return failure or (f"{twice} lines of paths were scored twice" if twice > 1 else "")

        return case

    return make


def _cells() -> None:
    """Train the packs of a small table that are missing."""
    from lissnas.supernet.images.small_tasks import digits
    from lissnas.supernet.networks.cell_network import Skeleton
    from lissnas.supernet.standalone.cell_packs import CellTableRecipe
    from lissnas.supernet.standalone.grouped_training import StandaloneRecipe
    from lissnas.supernet.standalone.pack_store import PackStore
    from lissnas.supernet.standalone.train_cells import train_missing

    recipe = CellTableRecipe("digits", StandaloneRecipe(epochs=1, batch_size=500), Skeleton(channels=2))
    store = PackStore(Path("packs"), recipe, digits())
    if missing := PACKS - len(list(store.folder.glob("seed-*.parquet"))):
        train_missing(store, recipe, workers=1, limit=missing)
    store.collect(Path("table.parquet"))


def _without_seconds(folder: Path) -> dict[str, bytes]:
    """Return the values of tables without the seconds that their training took."""
    import pyarrow.parquet

    found = contents(folder)
    for name in found:
        if name.endswith(".parquet"):
            found[name] = str(pyarrow.parquet.read_table(folder / name).drop(["seconds"]).to_pydict()).encode()
    return found


def cells(folder: Path) -> Case:
    """Train cells; a pack that is finished keeps its bytes, also the seconds that its training took."""
    _import()
    finished = folder / "finished"

    def keep() -> str:
        finished.write_text(repr({path.name: path.read_bytes() for path in Path("packs").glob("seed-*.parquet")}))
        return ""

    disturbed = Disturbed(folder, _cells, between=keep, comparable=_without_seconds)

    def case(number: int) -> str:
        if failure := disturbed(number):
            return failure
        before: dict[str, bytes] = eval(finished.read_text())
        again = [name for name, content in before.items() if (disturbed.place / "packs" / name).read_bytes() != content]
        return f"trained twice: {', '.join(again)}" if again else ""

    return case


CLAIMS: dict[str, Callable[[Path], Case]] = {
    **{f"kill -9 of lissnas supernet {name}": stage(name) for name in STAGES},
    "kill -9 of a table of trained cells repeats no finished pack": cells,
}
"""What is checked, by what it promises."""

if __name__ == "__main__":
    main(CLAIMS, count=100)
