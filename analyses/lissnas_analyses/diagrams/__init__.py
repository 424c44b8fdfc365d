"""Drawings of architectures with their differences marked.

Read `diagram.py` first.
"""
