"""`lissnas compare`: shrinking methods side by side on one benchmark or several.

Read `measure.py` first; `describe.py` writes the folder of results. What several benchmarks show together is in
`across_benchmarks`.
"""
