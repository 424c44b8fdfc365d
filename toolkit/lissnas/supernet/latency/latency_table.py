"""LatencyTable: the measured milliseconds of each block of a space; a path takes the sum of its blocks, times a scale.

Sums of blocks that ran alone come out below the latency of complete networks; docs/tutorials/imagenet.md has
measurements. The scale corrects this (our own choice): the median of measured / summed over some complete networks.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from lissnas.errors import LissnasError
from lissnas.spaces.limited import Limit
from lissnas.spaces.published.cell201 import cell201
from lissnas.spaces.space import Floats, Rows
from lissnas.storage.atomic_write import atomic_write
from lissnas.supernet.networks.cell_network import used_edges

FORMAT = 1
"""Version of the file format."""


@dataclass(frozen=True)
class SumCheck:
    """How well sums of blocks predict complete networks.

    Attributes
    ----------
    networks
        Number of random networks that were measured from end to end. The first half of them gives the scale.
    tau
        Kendall's tau between summed and measured latency over all of them; None if all sums are equal.
    mean_error
        Mean of |predicted - measured| / measured over the second half, in percent.
    mean_error_of_sums
        The same without the scale.
    """

    networks: int
    tau: float | None
    mean_error: float
    mean_error_of_sums: float


@dataclass(frozen=True)
class LatencyTable:
    """Milliseconds of each block of a space on one device.

    Attributes
    ----------
    space
        Name of the search space.
    device
        Name of the device.
    batch_size, threads
        Number of images at once, and of threads of the processor.
    image
        Channels, height and width of an image.
    versions
        Versions of the packages that computed.
    fixed
        Milliseconds of the layers that all networks share.
    by_choice
        Milliseconds of each choice of each gene.
    scale
        Factor by which sums are multiplied.
    check
        How well the table predicts complete networks; None if it was not measured.

    Examples
    --------
    >>> table = LatencyTable("two layers", "phone", 1, 1, (3, 8, 8), {}, 1.0, ((0.0, 2.0), (0.5, 1.5)))
    >>> table(np.array([[1, 0]], dtype=np.uint8)).tolist()
    [3.5]
    """

    space: str
    device: str
    batch_size: int
    threads: int
    image: tuple[int, int, int]
    versions: dict[str, str]
    fixed: float
    by_choice: tuple[tuple[float, ...], ...]
    scale: float = 1.0
    check: SumCheck | None = None

    def __call__(self, rows: Rows) -> Floats:
        """Return the predicted milliseconds of each row, float64 of shape (n,)."""
        added = np.stack([np.array(values)[rows[:, gene]] for gene, values in enumerate(self.by_choice)], axis=1)
        if self.space == cell201().name:
            added = added * used_edges(rows)
        return self.scale * (self.fixed + added.sum(axis=1))

    def limit(self, at_most: float) -> Limit:
        """Return the limit of this many milliseconds; its name identifies the table."""
        content = json.dumps([self.scale, self.fixed, self.by_choice]).encode()
        digest = hashlib.sha256(content).hexdigest()[:8]
        return Limit(f"latency in ms by table {digest}", self, at_most)


def save_latency_table(table: LatencyTable, path: Path) -> None:
    """Write a table as JSON; raise LissnasError if the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(json.dumps({"format": FORMAT, **asdict(table)}, indent=2).encode() + b"\n")
    except OSError as error:
        raise LissnasError(f"{path}: cannot be written ({error.strerror}); choose another file") from error


def load_latency_table(path: Path) -> LatencyTable:
    """Return the table in a file; raise LissnasError if it cannot be read."""
    advice = "measure it with 'lissnas supernet latency'"
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict)
        if content.pop("format", None) != FORMAT:
            raise LissnasError(f"{path}: not a latency table of format {FORMAT}; {advice}")
        return msgspec.convert(content, LatencyTable)
    except OSError as error:
        raise LissnasError(f"{path}: {error.strerror}; {advice}") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise LissnasError(f"{path}: not a latency table ({error}); {advice}") from error
