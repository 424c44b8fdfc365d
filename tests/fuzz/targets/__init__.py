"""The readers of benchmark files and of the project's own files; one module per group."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # the writers of official files

from targets import (
    accel_nasbench,
    nas_bench_101,
    other_packages,
    own_files,
    pickled_boosters,
    pickled_tables,
    pickles,
    trained_chains,
    trainings,
    transnas_bench_101,
    user_tables,
)

GROUPS = (
    pickles,
    pickled_tables,
    trainings,
    transnas_bench_101,
    nas_bench_101,
    trained_chains,
    accel_nasbench,
    user_tables,
    own_files,
    other_packages,
    pickled_boosters,
)

TARGETS = {target.name: target for group in GROUPS for target in group.TARGETS}
