"""Messages of errors: safe to print, and helpful where a name is misspelled."""

import pytest
from lissnas.errors import LissnasError, UnknownNameError, one_line


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("kernal", "kernel"), ("Kernel", "kernel"), ("conv_3x3", "Conv_3x3"), ("CONV_3x3", "Conv_3x3")],
)
def test_an_unknown_name_suggests_the_nearest_in_any_case(name: str, nearest: str) -> None:
    error = UnknownNameError("word", name, ["kernel", "Conv_3x3", "angle"])
    assert str(error) == f"unknown word '{name}': did you mean '{nearest}'? known: Conv_3x3, angle, kernel"


def test_a_name_without_a_near_one_lists_all() -> None:
    assert str(UnknownNameError("word", "zzz", ["kernel"])) == "unknown word 'zzz': known: kernel"


def test_control_characters_are_written_as_escapes() -> None:
    assert str(LissnasError("a\x1b[2J\nb")) == "a\\x1b[2J\nb"
    assert one_line("a\nb") == "a\\nb"


def test_a_long_message_is_shortened_in_the_middle() -> None:
    message = str(LissnasError("a" * 3000 + "b" * 3000))
    assert len(message) <= 2000
    assert (message[0], message[-1]) == ("a", "b")
    assert " ... " in message
