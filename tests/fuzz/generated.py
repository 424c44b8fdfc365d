"""Draws tables as people write them, and checks that each is read as it was meant.

    python tests/fuzz/generated.py [N [SEED]]

N is the number of tables, by default 10,000. It prints how often each outcome occurred. The first table that is read
wrongly, or refused without its reason, ends the program with the smallest table of this kind that hypothesis finds.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import polars as pl
from hypothesis import HealthCheck, given, seed, settings

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from generated_tables import Generated, check, generated_tables


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    outcomes: Counter[str] = Counter()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:

        @seed(first)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(table=generated_tables())
        def every_table(table: Generated) -> None:
            outcomes[f"{table.name.partition('.')[2]:<10} {check(table, Path(folder))}"] += 1

        # In this process: the trial in a separate one is for damaged files and takes half a second.
        with patch(
            "lissnas_benchmarks.readers.own_file.scan_untrusted_parquet", lambda path: pl.scan_parquet(path, glob=False)
        ):
            every_table()
    for outcome, number in sorted(outcomes.items()):
        print(f"{number:>8,}  {outcome}")
    print(f"{sum(outcomes.values()):>8,}  tables in {time.monotonic() - started:.0f} s, none read wrongly")


if __name__ == "__main__":
    main()
