"""How fast 100,000 architecture texts of each form become rows. The aim is one second of one core."""

import time

import numpy as np
from lissnas.bridges.dialects import format_names, read_architectures, write_architectures
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.published.darts import darts
from lissnas.spaces.published.macro import macro

TEXTS = 100_000

for space in (cell201(), macro(), darts()):
    rows = space.sample(1000, np.random.default_rng(0))
    for form in format_names(space):
        texts = write_architectures(rows, form, space) * (TEXTS // 1000)
        started = time.process_time()
        read_architectures(texts, form, space)
        print(f"{space.name:12}{form:18}{TEXTS:,} texts in {time.process_time() - started:.2f} s")
