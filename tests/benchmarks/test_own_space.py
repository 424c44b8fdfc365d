"""Search spaces of one's own from a short text or a TOML file."""

import pytest
from lissnas.errors import SettingError
from lissnas_benchmarks.own_space import own_space

WIDTHS = """
name = "widths"
pattern = "{}:{}"

[[genes]]
name = "first"
choices = [8, 16, 32]
ordinal = true

[[genes]]
name = "second"
choices = ["none", "pool"]
"""


@pytest.mark.parametrize(("text", "choices"), [("4x5", (4, 5)), ("5^3", (5, 5, 5)), ("2x3^2", (2, 3, 3)), ("7", (7,))])
def test_numbers_declare_plain_choices(text: str, choices: tuple[int, ...]) -> None:
    declared = own_space(text)
    assert declared is not None
    space, genes = declared
    assert (space.name, space.choices) == (text, choices)
    assert genes == tuple(f"gene{gene}" for gene in range(len(choices)))
    assert space.write(space.all_rows()[-1:]) == [",".join(str(count - 1) for count in choices)]


def test_a_toml_file_declares_names_choices_and_scales() -> None:
    declared = own_space(WIDTHS)
    assert declared is not None
    space, genes = declared
    assert (space.name, space.size, space.ordinal, genes) == ("widths", 6, (True, False), ("first", "second"))
    assert space.write(space.read(["16:pool"])) == ["16:pool"]


@pytest.mark.parametrize("text", ["cell201", "nas-bench-201", "4x", "x4", "4*5", ""])
def test_another_text_declares_no_space(text: str) -> None:
    assert own_space(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0x4", "each must have 1 to 256"),
        ("300x4", "each must have 1 to 256"),
        ("2^256", "256 genes, but the maximum is 255"),
        ("name = 3", r"not a space in TOML .* needs a name and for each gene \[\[genes\]\]"),
        ("name = 'a'", "not a space in TOML"),
        (WIDTHS.replace('"pool"', '"none"'), "a name occurs twice in second"),
        (WIDTHS.replace('"second"', '"first"'), "a name occurs twice in the genes"),
        (WIDTHS.replace("{}:{}", "{}"), r"its pattern '\{\}' needs one \{\} for each of its 2 genes"),
    ],
)
def test_an_impossible_space_is_refused(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        own_space(text)
