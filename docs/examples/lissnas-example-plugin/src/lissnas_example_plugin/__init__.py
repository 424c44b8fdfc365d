"""An example package that adds a search space, a benchmark and a shrinker to lissnas."""
