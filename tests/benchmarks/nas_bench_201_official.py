"""Writes files in exactly the layout of NAS-Bench-201 and NATS-Bench, with numbers that are drawn.

The layout is that of the authors' program and of real records: the order of keys, which strings are shared, seeds as
strings, costs as numpy scalars, and only the last epoch of all but one evaluation set after 200 epochs.
"""

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from lissnas.spaces.space import Space

Record = dict[str, Any]

SETS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"),
    "ImageNet16-120": ("ori-test", "x-valid", "x-test"),
}
CLASSES = {"cifar10-valid": 10, "cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}
BATCH = 1000
"""How many items pickle puts into a dictionary at once."""

MIDDLE = 5.0
"""Accuracies are drawn above, losses below."""


def shuffled_strings(space: Space, seed: int = 0) -> list[str]:
    """Return all architectures in some order that is not the space's, as the official one is not."""
    return space.write(space.rows(np.random.default_rng(seed).permutation(space.size)))


def seeds_of(index: int, length: int) -> dict[str, list[int]]:
    """Return the seeds on each data set: after 200 epochs one, two or three, as often as officially (2 : 5 : 7)."""
    if length == 12:
        return {"cifar10-valid": [111, 777], "cifar10": [111], "cifar100": [111], "ImageNet16-120": [111]}
    return {dataset: [777, 888, 999][: 1 + (index % 14 > 1) + (index % 14 > 6)] for dataset in SETS}


def record(
    rng: np.random.Generator, index: int, string: str, epochs: int, seeds: dict[str, list[int]], whole: bool
) -> Record:
    """Return the record of one training; if `whole`, every evaluation split has every epoch."""
    costs = {dataset: rng.random(5) + 0.1 for dataset in SETS}
    runs = {
        (dataset, seed): _run(rng, dataset, seed, string, epochs, costs[dataset], whole)
        for seed in (999, 111, 777, 888)
        for dataset in SETS
        if seed in seeds.get(dataset, ())
    }
    return {
        "arch_index": index,
        "arch_str": string,
        "all_results": runs,
        "dataset_seed": seeds,
        "clear_net_done": True,
    }


def _run(
    rng: np.random.Generator, dataset: str, seed: int, string: str, epochs: int, costs: np.ndarray, whole: bool
) -> Record:
    sets = SETS[dataset]
    measured = [
        (name, epoch) for name in sets for epoch in range(epochs) if whole or name == sets[0] or epoch == epochs - 1
    ]
    keys = [f"{name}@{epoch}" for name, epoch in measured]
    if whole:
        keys_of_losses = keys_of_times = keys
    else:  # the authors' older program writes each key again
        keys_of_losses = [f"{name}@{epoch}" for name, epoch in measured]
        keys_of_times = [f"{name}@{epoch}" for name in sets for epoch in range(epochs)]
    return {
        "name": dataset,
        "train_acc1es": dict(enumerate(_accuracies(rng, epochs))),
        "train_acc5es": None,
        "train_losses": dict(enumerate(_losses(rng, epochs))),
        "train_times": OrderedDict((epoch, float(costs[0])) for epoch in range(epochs)),
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": string, "class_num": CLASSES[dataset]},
        "params": np.float64(costs[1]),
        "flop": float(100 * costs[2]),
        "seed": f"{seed:04d}",
        "epochs": epochs,
        "latency": [np.float64(costs[3] / 50)],
        "eval_names": list(sets),
        "eval_acc1es": dict(zip(keys, _accuracies(rng, len(keys)), strict=True)),
        "eval_times": dict.fromkeys(keys_of_times, float(costs[4])),
        "eval_losses": dict(zip(keys_of_losses, _losses(rng, len(keys)), strict=True)),
        "net_state_dict": None,
    }


def _accuracies(rng: np.random.Generator, count: int) -> list[float]:
    return rng.uniform(MIDDLE, 100, count).tolist()


def _losses(rng: np.random.Generator, count: int) -> list[float]:
    return rng.uniform(0, MIDDLE, count).tolist()


def official(strings: Sequence[str], indices: Sequence[int], seed: int = 0) -> Record:
    """Return the content of the official file, with some of the architectures."""
    rng = np.random.default_rng(seed)
    infos = {}
    for index in indices:
        infos[index] = {
            "full": record(rng, index, strings[index], 200, seeds_of(index, 200), whole=False),
            "less": record(rng, index, strings[index], 12, seeds_of(index, 12), whole=True),
        }
    return {
        "meta_archs": list(strings),
        "total_archs": len(strings),
        "arch2infos": infos,
        "evaluated_indexes": set(indices),
    }


def pickled(value: Any) -> bytes:
    """Pickle as the authors did: protocol 2, numpy by its old name."""
    return pickle.dumps(value, 2).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def legacy(body: bytes) -> bytes:
    """Put a pickle into the container of torch before 1.6."""
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, machine))
    return head + body + pickle.dumps([], 2)


def archive(body: bytes, **options: Any) -> bytes:
    """Put a pickle into the container of torch since 1.6."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", **options) as file:
        file.writestr("NAS-Bench-201-v1_1-096897/data.pkl", body)
        file.writestr("NAS-Bench-201-v1_1-096897/version", "3\n")
    return target.getvalue()


def write_large(file: BinaryIO, strings: Sequence[str], count: int, seed: int = 0) -> None:
    """Write the legacy container of the first `count` architectures, one after another, in little memory.

    Architectures of as many seeds and of strings as long as each other are pickled once; for each the drawn numbers and
    the numbers of what pickle remembers are then put in anew, so the bytes are those that pickling all would give.
    """
    rng = np.random.default_rng(seed)
    body = _Body(strings, rng)
    before, after = legacy(b"|").split(b"|")
    file.write(before)
    file.write(body.head())
    for index in range(count):
        if index % BATCH == 0 and index:
            file.write(b"u(")
        file.write(body.architecture(index))
    file.write(body.tail(count))
    file.write(after)


class _Body:
    """The pickle of all architectures, piece by piece."""

    def __init__(self, strings: Sequence[str], rng: np.random.Generator) -> None:
        self._strings, self._rng = list(strings), rng
        self._parts = {name: {} for name in ("all", "arch2infos")}
        self._buffer = io.BytesIO()
        self._pickler = pickle.Pickler(self._buffer, 2)
        self._templates: dict[tuple[int, int, int], _Template] = {}

    def head(self) -> bytes:
        pieces = [b"\x80\x02", self._piece(self._parts["all"]), b"("]
        pieces += [self._piece("meta_archs"), self._piece(self._strings), self._piece("total_archs")]
        pieces += [self._piece(len(self._strings)), self._piece("arch2infos"), self._piece(self._parts["arch2infos"])]
        # The first architecture puts what all share into the memo; it is written as any other when its turn comes.
        self._zero = self._infos(0)
        self._first = self._piece(self._zero)
        self._memo = self._pickler.memo.copy()
        self._used = len(self._memo)
        return b"".join(pieces) + b"("

    def architecture(self, index: int) -> bytes:
        key = pickle.dumps(index, 2)[2:-1]
        if index == 0:
            return key + self._first
        kind = len(seeds_of(index, 200)["cifar10"]), len(self._strings[index]), len(key)
        if kind not in self._templates:
            self._templates[kind] = _Template(self._memo, self._infos(index), self._strings[index])
        data, put = self._templates[kind].fill(self._rng, key, self._strings[index], self._used)
        self._used += put
        return key + data

    def tail(self, count: int) -> bytes:
        return b"u" + self._piece("evaluated_indexes") + pickle.dumps(list(range(count)), 2)[2:-1] + b"u."

    def _infos(self, index: int) -> Record:
        # A copy of the string, as each record of the authors' file has its own.
        string = "".join(list(self._strings[index]))
        return {
            "full": record(self._rng, index, string, 200, seeds_of(index, 200), whole=False),
            "less": record(self._rng, index, string, 12, seeds_of(index, 12), whole=True),
        }

    def _piece(self, value: Any) -> bytes:
        self._buffer.seek(0)
        self._buffer.truncate()
        self._pickler.dump(value)
        return self._buffer.getvalue()[2:-1].replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


class _Template:
    def __init__(self, memo: dict[int, Any], value: Record, string: str) -> None:
        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, 2)
        pickler.memo = memo
        self._base = len(memo)
        pickler.dump(value)
        data = buffer.getvalue()
        floats, numbers, indices, self._puts = [], [], [], 0
        key = next(number for number, thing in memo.values() if isinstance(thing, str) and thing == "arch_index")
        before = None
        for operation, argument, place in pickletools.genops(data):
            if before == key:
                indices.append(place - 2)
            before = argument if operation.name in ("BINGET", "LONG_BINGET") else None
            if operation.name == "BINFLOAT":
                floats.append(
                    (place - 1, argument >= MIDDLE)
                )  # without the two bytes of the protocol, after one of code
            elif operation.name in ("LONG_BINPUT", "LONG_BINGET") and argument >= self._base:
                numbers.append(place - 1)
                self._puts += operation.name == "LONG_BINPUT"
        self._data = np.frombuffer(data[2:-1], dtype=np.uint8).copy()
        places = np.array([place for place, _ in floats])[:, None] + np.arange(8)
        high = np.array([is_high for _, is_high in floats])
        self._high, self._low = places[high], places[~high]
        self._numbers = np.array(numbers)[:, None] + np.arange(4)
        self._string = data[2:-1].index(string.encode())
        self._indices = np.array(indices)

    def fill(self, rng: np.random.Generator, key: bytes, string: str, used: int) -> tuple[bytes, int]:
        data = self._data.copy()
        for places, low, high in ((self._high, MIDDLE, 100), (self._low, 0, MIDDLE)):
            data[places] = rng.uniform(low, high, len(places)).astype(">f8").view(np.uint8).reshape(-1, 8)
        numbers = data[self._numbers].view("<u4") + np.uint32(used - self._base)
        data[self._numbers] = numbers.astype("<u4").view(np.uint8)
        data[self._string : self._string + len(string)] = np.frombuffer(string.encode(), dtype=np.uint8)
        data[self._indices[:, None] + np.arange(len(key))] = np.frombuffer(key, dtype=np.uint8)
        return data.tobytes(), self._puts
