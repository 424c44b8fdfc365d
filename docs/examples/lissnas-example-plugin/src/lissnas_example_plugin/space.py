"""A grid of points, to stand for a search space: four coordinates of nine steps each."""

from lissnas.spaces.categorical import CategoricalSpace

STEPS = tuple(f"{step / 2:g}" for step in range(-4, 5))
"""What a coordinate may be, as strings write it: -2 to 2 in halves."""

COORDINATES = 4


def rastrigin_grid() -> CategoricalSpace:
    """Return the 9^4 = 6,561 points, written "0,-1.5,2,0.5"; steps are ordinal."""
    pattern = ",".join(["{}"] * COORDINATES)
    return CategoricalSpace("rastrigin-grid", (STEPS,) * COORDINATES, pattern, (True,) * COORDINATES)
