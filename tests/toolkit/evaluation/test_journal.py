"""The journal: a killed run resumes and ends with the same bits."""

import json
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.errors import EvaluatorError, JournalError
from lissnas.evaluation.journal import Journal
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.sampling_baselines import BestOfSample
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink
from lissnas.shrinkers.visited import VisitedByLocalSearch
from lissnas.spaces.published.macro import macro
from lissnas.spaces.space import Floats, Rows
from lissnas.storage.run_identity import RunIdentity

SPACE = macro()
SCORES = np.random.default_rng(0).normal(90, 2, SPACE.size) + np.arange(SPACE.size) / 1000
SCORES[::5], SCORES[::7], SCORES[::11] = np.nan, np.inf, -np.inf
SHRINKERS = [
    Lissnas(confidence=0.5, seeds=5),
    VisitedByLocalSearch(evaluations=60, size=20),
    BestOfSample(evaluations=60, size=20),
]


class _Evaluator:
    """The table; it counts its rows and fails after a given number of them."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.count = 0
        self._fails_at = fails_at

    def __call__(self, rows: Rows) -> Floats:
        if self._fails_at is not None and self.count + len(rows) > self._fails_at:
            raise RuntimeError("out of memory")
        self.count += len(rows)
        return SCORES[SPACE.index(rows)]


def _run(shrinker: Shrinker, journal: Path | None = None, evaluator: Any = None, seed: int = 0) -> Trace:
    return shrink(SPACE, evaluator or _Evaluator(), shrinker, np.random.default_rng(seed), journal=journal)


def _assert_same_bits(a: Trace, b: Trace) -> None:
    assert a.evaluations.index.tobytes() == b.evaluations.index.tobytes()
    assert a.evaluations.scores.tobytes() == b.evaluations.scores.tobytes()
    assert a.evaluations.missing.tobytes() == b.evaluations.missing.tobytes()
    assert a.evaluations.describe_missing() == b.evaluations.describe_missing()
    assert [step.evaluations for step in a.rounds] == [step.evaluations for step in b.rounds]
    for first, second in zip(a.rounds, b.rounds, strict=True):
        assert first.subspace.index.tobytes() == second.subspace.index.tobytes()


@pytest.fixture(params=SHRINKERS, ids=lambda shrinker: type(shrinker).__name__)
def shrinker(request: pytest.FixtureRequest) -> Shrinker:
    return request.param


def test_a_journal_does_not_change_the_result(shrinker: Shrinker, tmp_path: Path) -> None:
    _assert_same_bits(_run(shrinker, tmp_path / "journal"), _run(shrinker))


def test_a_run_whose_evaluator_failed_resumes_and_ends_with_the_same_bits(shrinker: Shrinker, tmp_path: Path) -> None:
    whole = _run(shrinker)
    for fails_at in (0, 1, 9, 50, whole.evaluations.count - 1):
        journal = tmp_path / str(fails_at)
        with pytest.raises(EvaluatorError, match="out of memory"):
            _run(shrinker, journal, _Evaluator(fails_at))
        evaluator = _Evaluator()
        _assert_same_bits(_run(shrinker, journal, evaluator), whole)
        assert evaluator.count <= whole.evaluations.count - fails_at + 8


def test_a_finished_run_evaluates_nothing_again(shrinker: Shrinker, tmp_path: Path) -> None:
    first = _run(shrinker, tmp_path / "journal")
    _assert_same_bits(_run(shrinker, tmp_path / "journal", _Evaluator(fails_at=0)), first)


def test_the_error_keeps_the_scores() -> None:
    with pytest.raises(EvaluatorError) as caught:
        _run(BestOfSample(evaluations=100, size=20), evaluator=lambda rows: np.full(len(rows), 3.0))
    assert caught.value.evaluations.scores.tolist() == [3.0] * 100


# What a killed process leaves of the file


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Trace]:
    path = tmp_path_factory.mktemp("journals") / "journal"
    trace = _run(SHRINKERS[0], path)
    return path, path.read_bytes(), trace


@given(st.data())
def test_a_journal_truncated_anywhere_is_continued(written: tuple[Path, bytes, Trace], data: st.DataObject) -> None:
    path, content, trace = written
    header = content.index(b"\n") + 1
    path.write_bytes(content[: data.draw(st.integers(header, len(content)))])
    _assert_same_bits(_run(SHRINKERS[0], path), trace)
    assert path.read_bytes() == content


@pytest.mark.parametrize("tail", [b"\0" * 200, b"{", b"\n", b'{"crc32":1,"scored":{"index":[1],"scores":[2.0]}}\n'])
def test_a_damaged_last_line_is_dropped(written: tuple[Path, bytes, Trace], tail: bytes) -> None:
    path, content, trace = written
    path.write_bytes(content + tail)
    _assert_same_bits(_run(SHRINKERS[0], path), trace)
    assert path.read_bytes() == content


_TOO_LARGE = b'{"index":[1000000000000000000000000000000],"scores":[2.0]}'

_DAMAGED_LINES = [
    b'{"crc32":%d,"scored":%b}' % (zlib.crc32(_TOO_LARGE), _TOO_LARGE),
    b'{"crc32":1,"scored":{"index":[1],"scores":[2.0]}}',
    b'{"crc32":1,"scored":{"index":[1],"scores":[]}}',
    b"[" * 10_000,
    b"",
]


@pytest.mark.parametrize("damage", _DAMAGED_LINES)
@pytest.mark.parametrize("after", [b"", b"{"], ids=["complete", "cut short"])
def test_a_damaged_line_before_the_last_is_refused_by_its_number(
    written: tuple[Path, bytes, Trace], damage: bytes, after: bytes
) -> None:
    path, content, _trace = written
    header, first, *rest = content.splitlines()
    lines = [header, first, damage, *rest]
    path.write_bytes(b"\n".join(lines) + b"\n" + after)
    with pytest.raises(JournalError, match="line 3 is damaged; delete it and all later lines"):
        Journal(path, _identity(path, content))
    assert path.read_bytes() == b"\n".join(lines) + b"\n" + after


@pytest.mark.parametrize("damage", _DAMAGED_LINES)
def test_a_damaged_line_before_one_that_was_cut_short_is_refused(
    written: tuple[Path, bytes, Trace], damage: bytes
) -> None:
    path, content, _trace = written
    path.write_bytes(content + damage + b"\n{")
    with pytest.raises(JournalError, match=f"line {len(content.splitlines()) + 1} is damaged"):
        Journal(path, _identity(path, content))


def _identity(path: Path, content: bytes) -> RunIdentity:
    """Return the identity in a journal."""
    identity = json.loads(content.splitlines()[0])
    del identity["lissnas_journal"]
    return RunIdentity(**identity)


@given(st.data())
def test_a_flipped_bit_is_detected_or_changes_no_score(written: tuple[Path, bytes, Trace], data: st.DataObject) -> None:
    path, content, trace = written
    damaged = bytearray(content)
    last_line = content.rindex(b"\n", 0, -1)
    damaged[data.draw(st.integers(0, last_line - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(damaged)
    try:
        again = _run(SHRINKERS[0], path)
    except JournalError:
        assert path.read_bytes() == bytes(damaged)
    else:  # the last digit of a score changed, but it reads as the same number
        np.testing.assert_array_equal(again.evaluations.scores, trace.evaluations.scores)


@pytest.mark.parametrize("content", [b"", b"\n", b"notes of mine", b"notes\nof\nmine\n", b"[1]\n", b"{}\n", b"\xff\n"])
def test_a_file_that_is_not_a_journal_is_refused_and_unchanged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes"
    path.write_bytes(content)
    with pytest.raises(JournalError, match="not a journal"):
        _run(SHRINKERS[0], path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("other", "seed", "message"),
    [
        (Lissnas(confidence=0.5, seeds=6), 0, "settings.seeds is 5; in this run it is 6"),
        (SHRINKERS[1], 0, "method is Lissnas; in this run it is VisitedByLocalSearch"),
        (SHRINKERS[0], 1, "seed is .*; in this run it is"),
    ],
)
def test_the_journal_of_another_run_is_refused(
    written: tuple[Path, bytes, Trace], other: Shrinker, seed: int, message: str
) -> None:
    path, content, _trace = written
    path.write_bytes(content)
    with pytest.raises(JournalError, match=message):
        _run(other, path, seed=seed)
    assert path.read_bytes() == content


def test_the_journal_of_another_space_is_refused(written: tuple[Path, bytes, Trace], mixed: Any) -> None:
    path, content, _trace = written
    path.write_bytes(content)
    with pytest.raises(JournalError, match="space is macro; in this run it is mixed"):
        shrink(mixed.space, _Evaluator(), SHRINKERS[0], np.random.default_rng(0), journal=path)


def test_a_journal_without_scores_can_be_used_by_any_run(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path, RunIdentity(seed=1))
    Journal(path, RunIdentity(seed=2)).record(np.array([1]), np.zeros(1))
    assert Journal(path, RunIdentity(seed=2)).replay(np.array([1])).tolist() == [0.0]
    with pytest.raises(JournalError, match="seed is 2; in this run it is 1"):
        Journal(path, RunIdentity(seed=1))


def test_a_journal_with_other_networks_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", RunIdentity()).record(np.array([1, 2]), np.zeros(2))
    with pytest.raises(JournalError, match="from evaluation 1 on it has other networks"):
        Journal(tmp_path / "journal", RunIdentity()).replay(np.array([1, 3]))


@pytest.mark.parametrize("version", [1, 3, "2", None])
def test_a_journal_of_another_format_is_refused_and_unchanged(tmp_path: Path, version: object) -> None:
    path = tmp_path / "journal"
    content = json.dumps({"lissnas_journal": version, "seed": 1}).encode() + b"\n"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=f"a journal of format {version}, not 2; give the name of a new file"):
        Journal(path, RunIdentity(seed=1))
    assert path.read_bytes() == content


def test_two_runs_cannot_write_to_one_journal(tmp_path: Path) -> None:
    first, second = (Journal(tmp_path / "journal", RunIdentity()) for _ in range(2))
    first.record(np.array([1]), np.zeros(1))
    with pytest.raises(JournalError, match="another run is writing to it"):
        second.record(np.array([2]), np.zeros(1))


def test_a_journal_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="No such file or directory; choose another place"):
        _run(SHRINKERS[0], tmp_path / "nowhere" / "journal")


@given(st.lists(st.floats(width=64), max_size=20))
def test_every_score_is_read_with_all_its_bits(tmp_path_factory: pytest.TempPathFactory, scores: list[float]) -> None:
    path = tmp_path_factory.mktemp("bits") / "journal"
    index = np.arange(len(scores)) + 2**62
    Journal(path, RunIdentity()).record(index, np.array(scores))
    np.testing.assert_array_equal(Journal(path, RunIdentity()).replay(index), np.array(scores))


def test_a_journal_is_lines_of_json(written: tuple[Path, bytes, Trace]) -> None:
    _path, content, trace = written
    header, *lines = map(json.loads, content.decode().splitlines())
    assert (header["space"], header["settings"]["seeds"]) == ("macro", 5)
    index = [place for line in lines for place in line["scored"]["index"]]
    assert len(index) == trace.evaluations.count


# A process that is killed

_PROGRAM = """
import sys, time
import numpy as np
from pathlib import Path
from lissnas.shrinkers.shrink import shrinker_class, shrink
from lissnas.spaces.published.macro import macro

method, journal, result = sys.argv[1:]
space = macro()

def score(rows):
    time.sleep(0.002)
    return np.sin(space.index(rows) * 1.37) + rows.sum(axis=1)

trace = shrink(space, score, shrinker_class(method)(), np.random.default_rng(5), journal=Path(journal))
np.savez(result, trace.evaluations.index, trace.evaluations.scores, trace.subspace.index)
"""


@pytest.mark.parametrize("method", ["lissnas", "operation-pruning", "local-search"])
def test_a_killed_process_resumes_and_ends_with_the_same_bits(method: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(method))

    def start(name: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", _PROGRAM, method, str(tmp_path / name), str(tmp_path / f"{name}.npz")]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    assert start("whole").wait(60) == 0
    length = (tmp_path / "whole").stat().st_size
    journal = tmp_path / "killed"
    for kill_at in np.sort(rng.integers(1, length - 1000, 2)):
        running = start("killed")
        while not (journal.exists() and journal.stat().st_size >= kill_at):
            assert running.poll() is None
            time.sleep(0.001)
        running.kill()
        assert running.wait(60) == -signal.SIGKILL
        assert journal.stat().st_size < length
    assert start("killed").wait(60) == 0
    assert journal.read_bytes() == (tmp_path / "whole").read_bytes()
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "killed.npz") as killed:
        for name in whole.files:
            assert whole[name].tobytes() == killed[name].tobytes()


def test_an_evaluator_sets_the_batch_size_and_a_run_resumes_with_another(tmp_path: Path) -> None:
    """For example if a run resumes with more processes, each of which scores a share."""

    class Wants(_Evaluator):
        def __init__(self, rows_at_once: int, fails_at: int | None = None) -> None:
            super().__init__(fails_at)
            self.rows_at_once = rows_at_once
            self.batches: list[int] = []

        def __call__(self, rows: Rows) -> Floats:
            self.batches.append(len(rows))
            return super().__call__(rows)

    shrinker = BestOfSample(evaluations=60, size=20)
    with pytest.raises(EvaluatorError):
        _run(shrinker, tmp_path / "journal.jsonl", Wants(20, fails_at=45))
    later = Wants(16)
    resumed = _run(shrinker, tmp_path / "journal.jsonl", later)
    assert later.batches == [16, 4]
    _assert_same_bits(resumed, _run(shrinker))
