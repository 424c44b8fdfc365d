"""Killed shrinking loops end with the same bits when they run again; other loops' folders are refused."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_loop as tiny
import torch
from forked_group import run_group, start_process
from lissnas.errors import CheckpointError, JournalError
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.shrinking.shrinking_loop import ShrinkingRound
from lissnas.supernet.training.logs.progress import Progress

Finished = Callable[[str], tiny.FinishedLoop]


class Killed(BaseException):
    """Nothing in the loop catches it, as nothing catches a kill."""


@pytest.mark.parametrize("name", ["kernel", "restart", "angles"])
def test_a_loop_killed_anywhere_ends_with_the_same_bits(
    tmp_path: Path, name: str, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed three times: at a random step, at a random score, and after the first round."""
    whole, arguments = finished(name), tiny.LOOPS[name]
    rng = np.random.default_rng()
    last_step = int(rng.integers(1, len(whole.steps) + 1))
    last_score = int(rng.integers(1, whole.scored + 1)) if whole.scored else 0
    steps = scores = 0
    score = SupernetEvaluator._score

    def kill_at_step(progress: Progress) -> None:
        nonlocal steps
        steps += 1
        if steps == last_step:
            raise Killed

    def count_score(self: SupernetEvaluator, paths: list[list[int]], *images: Any) -> torch.Tensor:
        nonlocal scores
        scores += len(paths)
        return score(self, paths, *images)

    def kill_at_score(self: SupernetEvaluator, paths: list[list[int]], *images: Any) -> torch.Tensor:
        if scores + len(paths) >= last_score:
            raise Killed
        return count_score(self, paths, *images)

    def kill_after_round(made: ShrinkingRound) -> None:
        if made.number == 1:
            raise Killed

    monkeypatch.setattr(SupernetEvaluator, "_score", count_score)
    with pytest.raises(Killed):
        tiny.loop(tmp_path, **arguments, report=kill_at_step)
    if scores < last_score:
        monkeypatch.setattr(SupernetEvaluator, "_score", kill_at_score)
        with pytest.raises(Killed):
            tiny.loop(tmp_path, **arguments)
        monkeypatch.setattr(SupernetEvaluator, "_score", score)
    with pytest.raises(Killed):
        tiny.loop(tmp_path, **arguments, report_round=kill_after_round)
    _network, resumed = tiny.loop(tmp_path, **arguments)
    assert tiny.facts(resumed) == tiny.facts(whole.trace), f"killed at step {last_step} and score {last_score}"
    tiny.assert_same_bits(tmp_path, whole.folder)


def test_a_killed_process_ends_with_the_same_bits(tmp_path: Path, finished: Finished) -> None:
    run = start_process(tiny.main, tmp_path / "killed", tmp_path / "results", 11)
    run.join()
    assert run.exitcode == -signal.SIGKILL
    tiny.loop(tmp_path / "killed")
    tiny.assert_same_bits(tmp_path / "killed", finished("lissnas").folder)


def test_two_processes_shrink_as_one_does_and_resume(tmp_path: Path, finished: Finished) -> None:
    """A score's last digit could change the selection against one process; that both agree is checked."""
    runs = []
    for _ in range(2):
        run_group(tiny.main, tmp_path / "two", tmp_path / "results")
        runs.append(json.loads((tmp_path / "results").read_text()))
        (tmp_path / "two" / "training-1" / "step-0000000008.pt").unlink(missing_ok=True)
    first, second = runs
    assert first["scored"] > 0
    assert second["scored"] < first["scored"]
    assert second["index"] == first["index"]
    assert second["rounds"] == first["rounds"]
    assert first["index"] == finished("lissnas").trace.subspace.index.tolist()


def test_a_later_round_keeps_its_journal_in_the_shrunk_space(finished: Finished) -> None:
    run, *scored = map(json.loads, (finished("kernel").folder / "shrinking-2.jsonl").read_text().splitlines())
    assert run["space"].startswith("12 networks (")
    assert all(place < 12 for line in scored for place in line["scored"]["index"])


OTHERS: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"scoring": replace(tiny.SCORING, recalibration_batches=3)},
        JournalError,
        "recalibration_batches is 2; in this run it is 3",
    ),
    ({"shrinker": replace(tiny.KERNEL["shrinker"], batch=1)}, JournalError, "batch is .*; in this run it is 1"),
    ({"recipe": replace(tiny.RECIPE, steps=25)}, CheckpointError, "steps is 24; in this run it is 25"),
    (
        {"schedule": replace(tiny.KERNEL["schedule"], steps_per_round=9)},
        JournalError,
        "steps_per_round is 8; in this run it is 9",
    ),
    ({"rng": np.random.default_rng(2)}, CheckpointError, "seed is .*; in this run it is"),
]


@pytest.mark.parametrize(("other", "error", "message"), OTHERS, ids=lambda value: str(value)[:20])
def test_the_folder_of_another_loop_is_refused(
    finished: Finished, other: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tiny.loop(finished("kernel").folder, **(tiny.KERNEL | other))


def test_the_number_of_rounds_may_be_raised_later(tmp_path: Path, finished: Finished) -> None:
    for rounds in (0, 1, 2):
        schedule = replace(tiny.KERNEL["schedule"], max_rounds=rounds)
        _network, trace = tiny.loop(tmp_path, **(tiny.KERNEL | {"schedule": schedule}))
        assert len(trace.rounds) == rounds
    assert tiny.facts(trace) == tiny.facts(finished("kernel").trace)
    tiny.assert_same_bits(tmp_path, finished("kernel").folder)


def test_the_number_of_images_scored_at_once_may_change(finished: Finished) -> None:
    """The scores come from the journals of the finished loop."""
    loop = finished("kernel")
    _network, trace = tiny.loop(loop.folder, **tiny.KERNEL, scoring=replace(tiny.SCORING, batch_size=50))
    assert tiny.facts(trace) == tiny.facts(loop.trace)
