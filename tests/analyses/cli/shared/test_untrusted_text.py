"""What is printed obeys nobody but us: control characters of names and titles are printed as escapes."""

import pytest
from lissnas_analyses.cli.shared.terminal import say, say_on_stderr, show
from rich.table import Table

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m"


def test_no_control_character_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table()
    table.add_column(HOSTILE)
    table.add_row(f"\r{HOSTILE}")
    say(HOSTILE, indent=2, bold=HOSTILE)
    show(HOSTILE)
    show(table)
    say_on_stderr(HOSTILE)
    written = capsys.readouterr()
    assert r"\x1b[2J\x9b31m" in written.out
    assert r"\x1b[2J\x9b31m" in written.err
    assert (written.out + written.err).replace("\n", "").isprintable()
