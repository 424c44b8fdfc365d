"""Results of the stages of a supernet run, and the study that compares supernets with networks trained alone.

Read `stage_results.py` first; the study starts in `study.py`.
"""
