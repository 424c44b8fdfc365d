"""What a person runs: analyses of benchmarks, their figures, and the command line."""
