"""The folder of results of an analysis, with its manifest, and the citations of what the results used.

Read `folder.py` first.
"""
