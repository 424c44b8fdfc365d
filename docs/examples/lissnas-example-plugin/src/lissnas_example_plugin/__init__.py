"""An example of a package that adds a space, a benchmark and a method of shrinking to lissnas."""
