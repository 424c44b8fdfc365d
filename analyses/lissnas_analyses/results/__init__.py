"""What an analysis leaves: a folder of numbers and figures with its manifest, and citations.

Read `folder.py` first.
"""
