"""A grid of points as a search space: four coordinates with nine steps each."""

from lissnas.spaces.categorical import CategoricalSpace

STEPS = tuple(f"{step / 2:g}" for step in range(-4, 5))
"""The values of a coordinate, as strings: -2 to 2 in steps of 0.5."""

COORDINATES = 4
"""Number of coordinates."""


def rastrigin_grid() -> CategoricalSpace:
    """Return the space of 9^4 = 6,561 points, written "0,-1.5,2,0.5"; its genes are ordinal."""
    pattern = ",".join(["{}"] * COORDINATES)
    return CategoricalSpace("rastrigin-grid", (STEPS,) * COORDINATES, pattern, (True,) * COORDINATES)
