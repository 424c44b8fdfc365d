"""NAS-Bench-201 and NATS-Bench: all trainings of two architectures."""

import bz2
import copy
import pickle
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import mutations
import nas_bench_201_official as official
import numpy as np
from lissnas_benchmarks.adapter import Import
from lissnas_benchmarks.adapters import nats_bench
from lissnas_benchmarks.adapters.cells201 import nas_bench_201
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.readers.pickles.pickle_allowlist import RefusedError

from targets.pickles import pickled
from targets.target import Target, imported, small_space

_TWO_CELLS = small_space(("none", "nor_conv_3x3"), pattern="|{}~0|+|none~0|none~1|+|none~0|none~1|none~2|")

_LENGTHS = {"less": 2, "full": 8}


def _trained(lengths: dict[str, int]) -> list[Any]:
    """Lay out two architectures as NAS-Bench-201 does, with trainings of a few epochs."""
    rng = np.random.default_rng(0)
    strings = _TWO_CELLS.write(_TWO_CELLS.all_rows())[::-1]
    seeds = {"cifar10-valid": [777], "cifar100": [777]}
    trained = [
        {
            name: official.record(rng, index, string, epochs, copy.deepcopy(seeds), whole=epochs < 8)
            for name, epochs in lengths.items()
        }
        for index, string in enumerate(strings)
    ]
    frame = {"meta_archs": strings, "total_archs": 2, "evaluated_indexes": {0, 1}}
    return [frame | {"arch2infos": dict(enumerate(trained))}, trained[0], frame]


def _trained_seeds(lengths: dict[str, int]) -> list[bytes]:
    return [pickled(_trained(lengths)[0], 2)]


def _read_201(path: Path) -> object:
    with patch.object(nas_bench_201, "LENGTHS", _LENGTHS):
        return imported(nas_bench_201.reader(lambda: _TWO_CELLS))(path)


_NATS_SPACE = nats_bench.NatsSpace("any", lambda: _TWO_CELLS, {"02": 2, "08": 8}, nats_bench.cell_costs)


def _read_nats_folder(path: Path) -> object:
    """Read the file as the first architecture of a folder."""
    with tempfile.TemporaryDirectory(dir=path.parent) as curves:
        folder = path.with_name("nats")
        folder.mkdir(exist_ok=True)
        (folder / "000000.pickle.pbz2").write_bytes(path.read_bytes())
        (folder / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(_trained(dict(_NATS_SPACE.lengths))[2], 4)))
        reading = nats_bench.ArchitectureFolder(folder, _NATS_SPACE, Import((folder,), Path(curves)))
        reading.read(0)
        reading.check_order()
        try:
            return len(reading.runs.columns())
        except RefusedError as error:  # `nats_bench.reader` turns it into this
            raise BenchmarkFileError(str(error)) from error


TARGETS = (
    Target(
        "NAS-Bench-201 legacy .pth",
        lambda: _trained_seeds(_LENGTHS),
        _read_201,
        mutations.pickles,
        official.legacy,
        ".pth",
        share=0.2,
    ),
    Target(
        "NAS-Bench-201 zip .pth",
        lambda: _trained_seeds(_LENGTHS),
        _read_201,
        mutations.pickles,
        official.archive,
        ".pth",
        share=0.2,
    ),
    Target(
        "NATS-Bench packed",
        lambda: _trained_seeds(dict(_NATS_SPACE.lengths)),
        imported(nats_bench.reader(_NATS_SPACE, "get it again")),
        mutations.pickles,
        bz2.compress,
        share=0.2,
    ),
    Target(
        "NATS-Bench folder",
        lambda: [pickle.dumps(_trained(dict(_NATS_SPACE.lengths))[1], 4)],
        _read_nats_folder,
        mutations.pickles,
        bz2.compress,
        share=0.2,
    ),
)
