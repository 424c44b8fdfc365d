"""Published benchmarks of architecture search behind one door."""
