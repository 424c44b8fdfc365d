"""Zero-cost scores: what an untrained network says about its accuracy. Read `catalog.py` first; it lists all scores.

Each score is one function of a network and a batch of images, as its paper defines it.
"""
