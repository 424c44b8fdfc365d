"""Latency on a device: a table of measured blocks predicts any path. Read `latency_table.py` first."""
