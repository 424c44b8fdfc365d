"""`lissnas claims`: the claims of the LISSNAS paper, and what we measured about each."""

from dataclasses import dataclass

from lissnas_analyses.claims.claims import PAPER, Claim, read_claims
from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import say


@dataclass(frozen=True)
class ClaimsResult(CommandResult):
    """The claims of the LISSNAS paper, with our measurements.

    Attributes
    ----------
    paper
        The source of the claims.
    claims
        Each claim, in the order of the paper.
    """

    paper: str
    claims: tuple[Claim, ...]


@json_command
def claims() -> ClaimsResult:
    """Print each claim of the LISSNAS paper, whether we find it, and what we measured about it.

    The numbers are those of committed tables: nothing is measured by this command, and each row names the program that
    prints its numbers.
    """
    found = read_claims()
    say(f"Claims of {PAPER}; intervals are 95 % intervals.")
    for one in found:
        say("")
        say("", bold=one.claim)
        say(f"our verdict: {one.verdict}", indent=2)
        say(f"measured: {one.measured}", indent=2)
        say(f"reading: {one.reading}.", indent=2)
        say(f"not tried: {one.not_tried}.", indent=2)
        say(f"printed by: {one.program}", indent=2)
    return ClaimsResult(PAPER, found)
