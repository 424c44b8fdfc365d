"""From the bytes of an image file to augmented pixels, in worker processes or on the device that trains.

Read `image_loading.py` first: its worker processes decode with `image_decoding.py` and augment with `augmentations.py`.
`device_decoding.py` and `device_augmentation.py` do the same on a device.
"""
