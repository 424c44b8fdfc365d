"""Adapters of benchmarks whose networks are the cells of NAS-Bench-201: other data sets, devices and attacks.

Read `nas_bench_201.py` first. NATS-Bench and HW-NAS-Bench, which have a second space, and SpikeNAS-Bench, which has
other operations, are in the folder above.
"""
