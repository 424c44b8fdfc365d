"""What a training reports: its progress, and the logs of experiment trackers.

Read `training_log.py` first: what a tracker must offer. `progress.py` has the lines for people.
"""
