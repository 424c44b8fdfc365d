"""Published benchmarks of architecture search: each becomes a table of measurements or a surrogate that predicts.

Read `benchmark.py` first: `open_benchmark("nas-bench-201")` is the usual entry. `catalog.py` lists the adapters,
`table.py` is what they become, and `adapters/nas_bench_macro.py` is the shortest adapter.
"""
