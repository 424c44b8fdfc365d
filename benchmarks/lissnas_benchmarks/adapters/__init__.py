"""Adapters of published benchmarks, one file per benchmark.

An adapter names the official files of a benchmark and turns them into columns. Read `nas_bench_macro.py` first.
Benchmarks of the cells of NAS-Bench-201 are in `cells201`.
"""
