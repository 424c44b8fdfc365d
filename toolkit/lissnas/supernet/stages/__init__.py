"""The stages of a supernet run in its folder, and its plan.

Read `run_folder.py` first.
"""
