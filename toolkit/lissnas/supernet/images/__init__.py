"""Images to train on and to score by, from memory, folders or shards.

Read `image_source.py` first, then `image_file_source.py`.
"""
