"""How well models that learn from a few random networks rank all others.

`measure.py` has the protocol, `published.py` the figures of papers.
"""
