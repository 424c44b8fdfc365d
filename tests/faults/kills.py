"""Runs that `kill -9` ends, at random moments and at every operation on files, lose nothing and leave nothing behind.

    python tests/faults/kills.py [CLAIM ...] [--count N] [--rows FILE]

Afterwards the same command is run again. It must end with the bytes of a run that was not disturbed, and with no other
file. Between the two, a folder of results has all files of one run, and a cache its table.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from claims import Case, main
from disturbed import Disturbed
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.journal import ROWS_PER_LINE, Journal
from lissnas.optimizers.regularized_evolution import RegularizedEvolution
from lissnas.optimizers.search import search
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.categorical import CategoricalSpace
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.subspace import FullSpace
from lissnas_analyses import reproduce
from lissnas_analyses.cli import ablate, compare, locality, tau  # noqa: F401
from lissnas_analyses.cli import search as search_command  # noqa: F401
from lissnas_analyses.cli import shrink as shrink_command  # noqa: F401
from lissnas_analyses.cli.results import report as report_command  # noqa: F401
from lissnas_analyses.cli.results import reproduce as reproduce_command  # noqa: F401
from lissnas_analyses.results.folder import Results, read_manifest
from lissnas_benchmarks.adapter import Import, OfficialFile, TableAdapter
from lissnas_benchmarks.columns import Column, Measure
from lissnas_benchmarks.obtaining.cache import table_path
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table
from matplotlib import pyplot  # noqa: F401
from processes import lissnas, run

SPACE = CategoricalSpace("pairs", ("abcd",) * 5, "{}{}{}{}{}")
"""A space of 1,024 architectures."""

BENCHMARK = "nas-bench-graph-proteins"
"""A benchmark of 2,021 networks that an installed package contains."""

JOURNAL = Path("run.jsonl")

SMALL = ("--runs", "2", "--workers", "1")


def _save(names: tuple[str, ...], content: bytes) -> None:
    results = Results(Path("results"), "compare")
    results.add_files(dict.fromkeys(names, content))
    results.save({}, {})


def _one_run() -> str:
    """Return what is wrong if the folder mixes files of two runs."""
    folder = Path("results")
    files = read_manifest(folder)["files"]
    found = {(folder / name).read_bytes() for name in files}
    if len(found) != 1:
        return f"files of {len(found)} runs"
    expected = {*files, "manifest.json"}
    left = {path.name for path in folder.iterdir()} - expected - {".results.lock"}
    return f"left over: {', '.join(sorted(left))}" if left and not (folder / ".saving").exists() else ""


def results(folder: Path) -> Case:
    """Replace the results of another run."""
    return Disturbed(
        folder,
        partial(_save, ("kept.csv", "new.csv", "new.svg"), b"new"),
        partial(_save, ("kept.csv", "old.csv", "old.svg"), b"old"),
        _one_run,
    )


def each(*commands: tuple[str, ...]) -> None:
    """Run several commands, one after another."""
    for words in commands:
        try:
            lissnas(*words)
        except SystemExit as ended:
            if ended.code:
                raise


def report(folder: Path) -> Case:
    """Replace a report of one folder of results by a report of two."""
    return Disturbed(
        folder,
        partial(lissnas, "report", "results", "more"),
        partial(
            each,
            ("locality", BENCHMARK),
            ("report", "results"),
            ("shrink", BENCHMARK, "--method", "progressive", "--out", "more"),
        ),
        lambda: "" if Path("report.html").read_text().endswith("</html>\n") else "report.html is incomplete",
        LISSNAS_CACHE=str(folder / "cache"),
    )


def reproduction(folder: Path) -> Case:
    """Reproduce one benchmark, over the results of another seed."""

    def run_one(seed: str) -> None:
        reproduce.BENCHMARKS = (BENCHMARK,)
        lissnas("reproduce", *SMALL, "--seed", seed)

    return Disturbed(
        folder,
        partial(run_one, "0"),
        partial(run_one, "1"),
        _readable,
        LISSNAS_CACHE=str(folder / "cache"),
        LOKY_MAX_CPU_COUNT="1",
    )


def command(*words: str) -> Callable[[Path], Case]:
    """Return a claim on a command, whose folder has results of another seed."""

    def make(folder: Path) -> Case:
        cache = folder / "cache"
        ended = run(lambda: lissnas("locality", BENCHMARK), folder / "log", folder, LISSNAS_CACHE=str(cache))
        if ended.status:
            raise RuntimeError(ended.output)
        return Disturbed(
            folder,
            lambda: lissnas(*words, "--seed", "0"),
            lambda: lissnas(*words, "--seed", "1"),
            _readable,
            LISSNAS_CACHE=str(cache),
            LOKY_MAX_CPU_COUNT="1",
        )

    return make


def _readable() -> str:
    """Return which file of the results is missing; reading finishes a save that was killed."""
    for manifest in Path().rglob("manifest.json"):
        for name in read_manifest(manifest.parent)["files"]:
            if not (manifest.parent / name).is_file():
                return f"{manifest.parent / name} is missing"
    return ""


def _journaled(work: Callable[[Callable[[np.ndarray], np.ndarray]], object]) -> None:
    """Run work with a journal, and log each architecture that is scored."""
    log = open("scored.log", "ab", buffering=0)  # noqa: SIM115

    def evaluator(rows: np.ndarray) -> np.ndarray:
        log.write("".join(f"{place}\n" for place in SPACE.index(rows).tolist()).encode())
        return np.sin(rows @ np.array([1.0, 2.3, 3.1, 5.7, 0.4]))

    work(evaluator)


def _shrink(evaluator: Callable[[np.ndarray], np.ndarray]) -> None:
    trace = shrink(SPACE, evaluator, Lissnas(seeds=4), np.random.default_rng(0), journal=JOURNAL)
    Path("kept.txt").write_text(str(trace.subspace.index.tolist()))


def _search(evaluator: Callable[[np.ndarray], np.ndarray]) -> None:
    scored = Evaluations(SPACE, evaluator, Journal(JOURNAL, RunIdentity(seed=0)))
    optimizer = RegularizedEvolution(population=10, tournament=3)
    found = search(FullSpace(SPACE), scored, optimizer, np.random.default_rng(0), 60)
    Path("kept.txt").write_text(str(found.evaluations.history[0].tolist()))


def journaled(work: Callable[[Callable[[np.ndarray], np.ndarray]], object]) -> Callable[[Path], Case]:
    """Return a claim on a run with a journal: the same bytes, and at most one line of architectures scored twice."""

    def make(folder: Path) -> Case:
        disturbed = Disturbed(folder, partial(_journaled, work))
        once = len(disturbed.expected.pop("scored.log").splitlines())

        def case(number: int) -> str:
            failure = disturbed(number).removesuffix("left over: scored.log").rstrip("; ")
            if failure and not failure.endswith(":"):
                return failure
            twice = len((disturbed.place / "scored.log").read_bytes().splitlines()) - once
            return f"{twice} architectures scored twice" if twice > ROWS_PER_LINE else ""

        return case

    return make


ACCURACY = Column("accuracy", "toy", "test", "%", epochs=3, seed=0)


def _toy(seed: int) -> TableAdapter:
    """Return a benchmark with learning curves; each seed has other values."""

    def read(source: Import) -> dict[Column, np.ndarray]:
        values = np.random.default_rng(seed).uniform(0, 100, SPACE.size)
        source.curves(ACCURACY, SPACE.size, 3)[:] = values[:, None].astype(np.float32)
        return {ACCURACY: values}

    return TableAdapter(
        name="toy",
        title="",
        page="",
        license="",
        paper="",
        space=lambda: SPACE,
        files=(OfficialFile("toy.txt"),),
        read=read,
        selects=Measure("accuracy", "test"),
        reports=Measure("accuracy", "test"),
    )


def _import(seed: int) -> None:
    Path("toy.txt").touch()
    import_files(_toy(seed), (Path("toy.txt"),))


def _good_table() -> str:
    """Return what is wrong with the table in the cache, and with its curves."""
    table = Table(table_path("toy"), lambda: SPACE)
    values = table.read([ACCURACY.name])[:, 0]
    if not np.array_equal(table.curve(ACCURACY)[:, 2], values.astype(np.float32)):
        return "the curves are of another import"
    return ""


def _good_table_or_none() -> str:
    return _good_table() if table_path("toy").exists() else ""


def import_over(good: bool) -> Callable[[Path], Case]:
    """Return a claim on an import, over an empty cache or over a good one."""
    before = partial(_import, 1) if good else (lambda: None)
    return lambda folder: Disturbed(
        folder,
        partial(_import, 0),
        before,
        _good_table if good else _good_table_or_none,
        LISSNAS_CACHE=str(folder / "place" / "cache"),
    )


CLAIMS: dict[str, Callable[[Path], Case]] = {
    "kill -9 of a save of results leaves all old files or all new files": results,
    "kill -9 of a shrinking with a journal changes no score and repeats at most a line": journaled(_shrink),
    "kill -9 of a search with a journal changes no score and repeats at most a line": journaled(_search),
    "kill -9 of an import leaves no half table": import_over(good=False),
    "kill -9 of an import over a good table keeps a good table": import_over(good=True),
    "kill -9 of lissnas locality": command("locality", BENCHMARK),
    "kill -9 of lissnas shrink": command("shrink", BENCHMARK, "--method", "progressive"),
    "kill -9 of lissnas compare": command("compare", BENCHMARK, *SMALL, "--methods", "lissnas", "angle"),
    "kill -9 of lissnas ablate": command("ablate", BENCHMARK, *SMALL, "--seeds", "3", "5"),
    "kill -9 of lissnas search": command("search", BENCHMARK, *SMALL, "--method", "lissnas", "--optimizer", "random"),
    "kill -9 of lissnas tau": command("tau", BENCHMARK, *SMALL, "--model", "gp"),
    "kill -9 of lissnas report leaves the old report or the new one": report,
    "kill -9 of lissnas reproduce": reproduction,
}
"""What is checked, by what it promises. The claims on commands compare all files and find no leftovers."""

if __name__ == "__main__":
    main(CLAIMS, count=100)
