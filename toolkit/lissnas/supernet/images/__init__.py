"""Images for training and scoring, from memory, folders or shards. Read `image_source.py` first.

`image_file_source.py` serves images from files: `image_folder.py` and `image_shards.py` list them, and `decoding` turns
them into pixels. `resized_shards.py` writes copies that are decoded faster, and `decoded_image_cache.py` keeps the
pixels of images that score every path. `small_tasks.py` has its images in memory.
"""
