"""Converts pickled boosters one after another and predicts with each: one line of input, one line of output.

Like the child process of `convert_all` it has limits. It serves many boosters, because importing the libraries is slow.
"""

import sys
from pathlib import Path

import numpy as np
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.process_limits import process_limits
from lissnas_benchmarks.surrogates import boosters

FEATURES = 56
boosters._SECONDS = 2

rng = np.random.default_rng(0)
rows = np.concatenate([rng.integers(-2, 10, (200, FEATURES)).astype(float), np.full((1, FEATURES), np.nan)])
for line in sys.stdin:
    library, path, place = line.rstrip("\n").split("\t")
    answer = "read"
    try:
        Path(place).write_bytes(boosters._convert_within_limits(Path(path), library, FEATURES))  # type: ignore[arg-type]
    except BenchmarkFileError as error:
        answer = f"refused: {error}"
    except BaseException as error:
        answer = f"unexpected: {type(error).__name__}"
    print("\nanswer: converted" if answer == "read" else f"\nanswer: {' '.join(answer.split())}", flush=True)
    if answer == "read":
        with process_limits(1 << 30, 2):
            ensemble = boosters.Ensemble([Path(place)], library, FEATURES)  # type: ignore[arg-type]
            assert ensemble.predict(len(rows), lambda block: rows[block]).shape == (1, len(rows))
        print("\nanswer: predicted", flush=True)
