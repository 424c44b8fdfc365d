"""A terminal shows progress and sentences; a pipe gets sentences only."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from pathlib import Path

import pytest
from command import Command
from forked_command import start_on_a_terminal
from lissnas_analyses.cli.shared import terminal

LOCALITY = ("locality", "nas-bench-graph-proteins")

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])(?:;\d+)*m")
_VARIABLES = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


def on_a_terminal(cache: Path, *words: str, columns: int = 100, folder: Path | None = None, **environment: str) -> str:
    """Return everything that a command writes to a terminal with this number of columns."""
    shown, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    variables = os.environ | {"LISSNAS_CACHE": str(cache), "TERM": "xterm"} | environment
    running = start_on_a_terminal(folder or Path.cwd(), os.ttyname(ours), variables, *words)
    select.select([shown], [], [], 120)  # a terminal that no process has open is closed
    os.close(ours)
    written = b""
    try:
        while part := os.read(shown, 65536):
            written += part
    except OSError:  # the other end was closed
        pass
    os.close(shown)
    running.join()
    assert running.exitcode == 0, written.decode()
    return written.decode().replace("\r\n", "\n")


def test_a_terminal_shows_progress_and_then_the_sentences(tmp_path: Path, session_cache: Path) -> None:
    written = on_a_terminal(session_cache, *LOCALITY, folder=tmp_path)
    assert "nas-bench-graph-proteins: measuring locality" in written
    assert "nas-bench-graph-proteins: drawing locality" in written
    assert re.search(r"\d:\d\d:\d\d", written)
    assert _COLOR.search(written)
    printed = _ESCAPE.sub("", written)
    assert printed.index("a neighbor of a top-1 % network") > printed.rindex("drawing locality")


@pytest.mark.parametrize("columns", [60, 120])
def test_sentences_wrap_between_words_at_the_width_of_the_terminal(columns: int, session_cache: Path) -> None:
    written = on_a_terminal(session_cache, "benchmarks", "channel-bench-macro", columns=columns, TERM="dumb")
    assert not _ESCAPE.search(written)
    lines = written.splitlines()
    assert max(map(len, lines)) <= columns
    caveat = "note: only test accuracies are published: the first run selects, and the mean of the other two reports"
    assert caveat in " ".join(written.split())
    place = next(number for number, line in enumerate(lines) if line.startswith("  note: only test accuracies"))
    assert lines[place + 1].startswith("  ")


def test_no_color_turns_colors_off(session_cache: Path) -> None:
    assert not _COLOR.search(on_a_terminal(session_cache, "benchmarks", NO_COLOR="1"))


def test_a_pipe_gets_unwrapped_sentences_and_no_progress(lissnas: Command, tmp_path: Path) -> None:
    called = lissnas(*LOCALITY, folder=tmp_path, COLUMNS="40")
    assert called.stderr == ""
    assert not _ESCAPE.search(called.stdout)
    assert called.stdout.count("\n") == 6
    assert all(line.startswith("  ") for line in called.stdout.splitlines()[1:])


def test_force_color_colors_a_pipe_without_progress(lissnas: Command, tmp_path: Path) -> None:
    words = ("benchmarks", "nas-bench-macro")
    called = lissnas(*words, folder=tmp_path, FORCE_COLOR="1", TERM="xterm-256color", COLUMNS="40")
    assert called.stderr == ""
    title = "CIFAR-10 accuracy of all 6,561 chains of 8 layers, three seeds"
    assert called.stdout.startswith(f"\x1b[1mnas-bench-macro\x1b[0m: {title}")


def test_a_run_of_more_than_a_minute_is_announced_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "_LONG_SECONDS", 0.2)
    monkeypatch.setattr(terminal, "_SETTLED_SECONDS", 0.01)
    for shares, announced in (((0.01, 0.02, 0.03, 0.04), 1), ((0.5, 0.9, 1.0), 0)):
        reported: list[float] = []
        report = terminal.warn_if_long(reported.append, "the test")
        for share in shares:
            time.sleep(0.02)
            report(share)
        assert reported == list(shares)
        said = capsys.readouterr().err
        assert said.count("seconds more; finished runs are kept, and after Ctrl-C the same command") == announced, said


def test_a_file_gets_one_line_of_progress_a_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "_LINE_SECONDS", 0.1)
    display = terminal.ActivityDisplay()
    for number in range(26):
        display.report("shrinking", number / 100)
        time.sleep(0.01)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 3
    assert re.fullmatch(r"shrinking: \d+ % done after \d+ seconds, about \d+ seconds left", lines[0])
