"""The claims of the LISSNAS paper's abstract and outline, and what we measured about each."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

PAPER = "Gopal, Sridhar, Zhang and Chen, LISSNAS, IJCAI 2023, doi 10.24963/ijcai.2023/86"
"""The source of all claims: its abstract, the opening of its text, and the caption of its figure 3."""


@dataclass(frozen=True)
class Number:
    """A measured number of a claim, and where it is committed.

    Attributes
    ----------
    file
        A file of the repository.
    row
        What the line of the file contains that has the number.
    value
        The number as this line writes it.
    """

    file: str
    row: str
    value: str


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and what we measured about it.

    Attributes
    ----------
    claim
        The claim, in our words.
    verdict
        Whether we find it: "holds", "partly", "does not hold", or "not measured".
    measured
        What we measured, with 95 % intervals, and on which data.
    reading
        For which reading of the claim the verdict holds.
    not_tried
        What we did not try.
    program
        The command that prints the numbers.
    numbers
        Every measured number, and where it is committed.
    """

    claim: str
    verdict: Literal["holds", "partly", "does not hold", "not measured"]
    measured: str
    reading: str
    not_tried: str
    program: str
    numbers: tuple[Number, ...] = ()


def read_claims() -> tuple[Claim, ...]:
    """Return the claims in the order of the paper."""
    read = tomllib.loads((files("lissnas_analyses.claims") / "claims.toml").read_text(encoding="utf-8"))
    return tuple(
        Claim(**{**claim, "numbers": tuple(Number(*number) for number in claim.get("numbers", ()))})
        for claim in read["claim"]
    )


def claims_table(claims: Sequence[Claim]) -> str:
    """Return the claims as the Markdown table of docs/claims.md, one row for each."""
    lines = [
        "| claim | our verdict | what we measured, on which data | reading | not tried | printed by |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.claim} | {one.verdict} | {one.measured} | {one.reading} | {one.not_tried} | `{one.program}` |"
        for one in claims
    ]
    return "\n".join(lines) + "\n"
