"""The claims: the command and the page show the same rows, and every number is the one of a committed table."""

import csv
import re
from pathlib import Path

import pytest
from lissnas_analyses.claims.claims import Claim, claims_table, read_claims
from lissnas_analyses.cli.results.claims import claims as claims_command

ROOT = Path(__file__).parents[3]

_NUMBER = re.compile(r"[+-]?\d*\.\d+%?(?: \[[^\]]+\]| ± \d\.\d+)?|\d+\.\d%")
"""A measured number: one with decimals, and its interval."""


def test_the_page_has_the_rows_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    claims_command()
    assert claims_table(read_claims()) in (ROOT / "docs/claims.md").read_text(encoding="utf-8")
    printed = " ".join(capsys.readouterr().out.split())
    for one in read_claims():
        for text in (one.claim, one.verdict, one.measured, one.reading, one.not_tried, one.program):
            assert text in printed


@pytest.mark.parametrize("one", read_claims(), ids=lambda one: one.claim[:30])
def test_every_number_is_that_of_its_committed_table(one: Claim) -> None:
    for number in one.numbers:
        lines = (ROOT / number.file).read_text(encoding="utf-8").splitlines()
        line = next(line for line in lines if line.startswith(number.row))
        cells = next(csv.reader([line])) if number.file.endswith(".csv") else [cell.strip() for cell in line.split("|")]
        assert number.value in cells, number
    stated = set(_NUMBER.findall(f"{one.measured} {one.reading}")) - {"77.6"}
    assert stated <= {number.value for number in one.numbers}


def test_each_claim_says_what_was_not_tried_and_for_which_reading_it_holds() -> None:
    claims = read_claims()
    assert len(claims) == 9
    assert all(one.measured and one.reading and one.not_tried and one.program for one in claims)
    assert {one.verdict for one in claims} <= {"holds", "partly", "does not hold", "not measured"}
