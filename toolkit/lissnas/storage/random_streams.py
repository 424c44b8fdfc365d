"""Random streams: how one seed gives independent random generators for different purposes.

A generator is made from a list of integers: the seed, the number of the run, and one integer for the purpose. That
integer is a member of an enum below, or the CRC-32 of a name. Published figures depend on these integers: add new ones,
but never change a value.
"""

import zlib
from enum import IntEnum

import numpy as np


class TrainingStream(IntEnum):
    """Purposes of draws while a supernet trains: ``[purpose, seed, ...]``."""

    IMAGE_ORDER = 1
    PATHS = 2
    DROPOUT = 3
    PATHS_FINGERPRINT = 4
    AUGMENTATION = 5
    HOLD_OUT_SET = 6
    SCORED_IMAGE_ORDER = 7


class RunStream(IntEnum):
    """Purposes of draws in the stages of a supernet run: ``[purpose, seed, ...]``."""

    SHRINKING = 5
    MEAN_SCORES = 6
    SUPERNET_WEIGHTS = 7
    SUPERNET_TRAINING = 8
    RETRAINED_WEIGHTS = 9
    RETRAINED_TRAINING = 10
    EVALUATED_NETWORKS = 11
    SEARCH = 12
    RETRAINING = 13
    SEARCH_WEIGHTS = 14
    SEARCH_TRAINING = 15


class CellStream(IntEnum):
    """Purposes of draws for the cells that are trained on digits: ``[seed, purpose, ...]``."""

    WEIGHTS = 0
    TRAINING = 1


class RankingStream(IntEnum):
    """Purposes of draws where predictors are compared with a table: ``[seed, ..., purpose]``."""

    SAMPLE = 1
    CONSTANT_NOISE = 2
    BOOTSTRAP = 3
    TRAININGS = 5


STREAM_NAMES = {"regularized-evolution": "regularised-evolution"}
"""The old names, by which published figures were drawn, of everything renamed since. Add an entry for each rename."""


SHARED_STREAMS = {"lissnas-model": "lissnas"}
"""Methods that draw from the stream of another one, so that a comparison shows what they do differently with the same
evaluations."""


def named_generator(name: str, *numbers: int) -> np.random.Generator:
    """Return the random generator of a named purpose, which depends only on the name and the numbers.

    Parameters
    ----------
    name
        For example ``"lissnas"`` or ``"search local-search"``. Names in `STREAM_NAMES` are replaced by their old names,
        and those in `SHARED_STREAMS` by the method that they share draws with.
    numbers
        The seed, and the number of the run if there are several.

    Examples
    --------
    >>> rng = named_generator("search local-search", 0, 1)  # of run 1 with seed 0
    """
    name = SHARED_STREAMS.get(name, name)
    for current, in_streams in STREAM_NAMES.items():
        name = name.replace(current, in_streams)
    return np.random.default_rng([*numbers, zlib.crc32(name.encode())])
