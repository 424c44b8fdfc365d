"""Simulate the coverage of every interval that lissnas prints: the share of intervals that contain the true value.

python tests/coverage/run.py            computes what docs/measured/coverage.csv lacks, and prints all of it
python tests/coverage/run.py NAME ...   computes the intervals again whose name begins with a NAME
"""

import csv
import io
import sys
from pathlib import Path
from time import perf_counter

import locality
import numpy as np
import other_measures
import over_runs
import rank_correlation
from lissnas.statistics.estimate import wilson_estimate
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.random_streams import named_generator
from situation import Situation

FILE = Path(__file__).parents[2] / "docs" / "measured" / "coverage.csv"

HEADING = ("interval", "data", "n", "repetitions", "coverage", "low", "high")


def main(again: list[str]) -> None:
    """Compute what is missing, one situation after the other, and store each at once."""
    known = {}
    if FILE.exists():
        with FILE.open(newline="") as file:
            known = {(row["interval"], row["data"], row["n"]): row for row in csv.DictReader(file)}
    every = [
        *over_runs.situations(),
        *locality.situations(),
        *other_measures.situations(),
        *rank_correlation.situations(),
        *other_measures.cheap_scores(),
    ]
    keys = {_key(situation): situation for situation in every}
    rows = {key: row for key, row in known.items() if key in keys and not key[0].startswith(tuple(again) or "\0")}
    for key, situation in keys.items():
        start = perf_counter()
        if key not in rows:
            rows[key] = _measured(situation)
            _write([rows[each] for each in keys if each in rows])
        print(f"{_text(rows[key])}  {perf_counter() - start:.0f} s", flush=True)


def _key(situation: Situation) -> tuple[str, str, str]:
    return situation.interval, situation.data, str(situation.n)


def _measured(situation: Situation) -> dict[str, str]:
    rng = named_generator(f"coverage {situation.interval} {situation.data}", 0, situation.n)
    simulated = situation.simulate(rng, situation.repetitions)
    rounding = 1e-12 * abs(simulated.truth)
    hits = (simulated.low <= simulated.truth + rounding) & (simulated.truth - rounding <= simulated.high)
    defined = ~np.isnan(simulated.low)
    count = np.asarray(float(np.count_nonzero(defined)))
    share = np.asarray(hits[defined].mean())
    found = wilson_estimate(share, np.sqrt(share * (1 - share) / count), count)
    numbers = (f"{float(value):.3f}" for value in (found.value, found.low, found.high))
    return dict(zip(HEADING, (*_key(situation), f"{int(count)}", *numbers), strict=True))


def _write(rows: list[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADING, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_write(FILE) as file:
        file.write(text.getvalue().encode())


def _text(row: dict[str, str]) -> str:
    return "{interval:32} {data:42} n {n:>5}  {coverage} [{low}, {high}]".format_map(row)


if __name__ == "__main__":
    main(sys.argv[1:])
