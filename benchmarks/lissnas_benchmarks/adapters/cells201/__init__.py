"""Adapters of benchmarks whose networks are the cells of NAS-Bench-201: other data sets, devices and attacks.

Read `nas_bench_201.py` first.
"""
