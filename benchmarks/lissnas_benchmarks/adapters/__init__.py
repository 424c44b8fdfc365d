"""Adapters of published benchmarks, one file per benchmark.

An adapter names the official files of a benchmark and turns them into columns. Read `nas_bench_macro.py` first.
"""
