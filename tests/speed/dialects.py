"""How fast 100,000 architecture texts of each form become rows. The aim is one second of one core."""

import time

import numpy as np
from lissnas.bridges.dialects import format_names, read_architectures, write_architectures
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.macro import macro
from lissnas.spaces.published.nasbench101 import nasbench101
from lissnas.spaces.published.transnas import transnas_macro, transnas_micro

TEXTS = 100_000

for space in (cell201(), macro(), darts(), transnas_micro(), transnas_macro(), nasbench101(5)):
    rows = space.sample(1000, np.random.default_rng(0))
    for form in format_names(space):
        texts = write_architectures(rows, form, space) * (TEXTS // 1000)
        started = time.process_time()
        read_architectures(texts, form, space)
        print(f"{space.name:12.12} {form:22}{TEXTS:,} texts in {time.process_time() - started:.2f} s")
