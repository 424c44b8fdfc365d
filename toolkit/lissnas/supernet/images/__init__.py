"""Images to train on and to score by, from memory, folders or shards.

Read `image_source.py` first, then `stored_source.py`.
"""
