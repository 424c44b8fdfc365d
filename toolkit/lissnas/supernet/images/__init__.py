"""Images for training and scoring, from memory, folders or shards. Read `image_source.py` first.

`image_file_source.py` serves images from files: `image_folder.py` and `image_shards.py` list them, `image_loading.py`
decodes them in worker processes, and `augmentations.py` augments them there. `device_augmentation.py` and
`device_decoding.py` do the same on the device that trains. `resized_shards.py` writes copies that are decoded faster.
`small_tasks.py` has the images in memory.
"""
