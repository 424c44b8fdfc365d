"""Mutations that preserve the format of a file: opcodes of pickles, values of JSON, parts of records."""

import base64
import json
import pickle
import pickletools
import random
import struct
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random], bytes]

_SPECIAL = (0, 1, 2, 127, 128, 255, 256, 1 << 15, (1 << 16) - 1, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 10**10)
"""Numbers that are critical for lengths, counts and positions."""

_FRAGMENTS = (
    *(b"(", b")", b"]", b"}", b"N", b"\x88", b"\x89", b"0", b"1", b"2", b"K\x00", b"M\xff\xff", b"J\xff\xff\xff\xff"),
    *(b"\x85", b"\x86", b"\x87", b"t", b"l", b"d", b"a", b"e", b"s", b"u", b"\x8f", b"\x90", b"\x91", b"\x94", b"R"),
    *(b"b", b"\x81", b"\x93", b"Q", b"\x97", b"\x98", b"q\x00", b"h\x00", b"q\x01", b"h\x01", b"j\xff\xff\xff\xff"),
    *(b"G" + struct.pack(">d", number) for number in (0.0, -1.0, 1e308, float("inf"), float("nan"))),
    *(b"X\x01\x00\x00\x00a", b"\x8c\x01b", b"X\xff\xff\xff\x7f", b"\x8d" + b"\xff" * 8, b"C\x02ab", b"U\x01c"),
    *(b"B\x04\x00\x00\x00abcd", b"\x8e" + (10**10).to_bytes(8, "little"), b"\x96" + (10**10).to_bytes(8, "little")),
    *(
        b"\x8a\x01\x05",
        b"\x8a\xff" + b"\x01" * 255,
        b"\x8b\xff\xff\xff\x7f",
        b"\x95" + b"\xff" * 8,
        b"\x82\x01",
        b"I1\n",
    ),
    *(
        b"cposix\nsystem\n",
        b"cbuiltins\neval\n",
        b"ccollections\nOrderedDict\n",
        b"cnumpy\ndtype\n",
        b"cnumpy\nndarray\n",
    ),
    *(b"cnumpy._core.multiarray\nscalar\n", b"cnumpy.core.multiarray\n_reconstruct\n", b"c_codecs\nencode\n"),
    *(b"X\x02\x00\x00\x00f8\x85R", b"X\x02\x00\x00\x00O8\x85R", b")R", b")\x81", b"}b", b"\x80\x04", b"."),
    b")" + b"2\x86" * 40,  # a tuple doubled forty times, whose hash would take forever
    b")\x94" + b"".join(b"h" + bytes([number]) + b"\x86\x94" for number in range(40)),
    b"]q\x00" + b"".join(b"](h" + bytes([n]) + b"h" + bytes([n]) + b"eq" + bytes([n + 1]) for n in range(40)),
    b")" + b"\x85" * 5000,
)
"""Opcodes with arguments to insert, harmless and hostile."""


def pickles(data: bytes, rng: random.Random) -> bytes:
    """Delete, repeat, move, replace or insert opcodes, or change the number in one."""
    parts = _opcodes(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        place = rng.randrange(len(parts) + 1)
        stop = min(len(parts), place + rng.choice((1, 1, 1, 2, 5, 30)))
        kind = rng.randrange(7)
        if kind == 0:
            del parts[place:stop]
        elif kind == 1:
            parts[place:place] = parts[place:stop] * rng.choice((1, 1, 2, 50))
        elif kind == 2 and parts:
            other = rng.randrange(len(parts))
            parts[place:place] = parts[other : other + stop - place]
        elif kind in (3, 4):
            parts.insert(place, rng.choice(_FRAGMENTS))
        elif kind == 5:
            parts[place : place + 1] = [rng.choice(_FRAGMENTS)]
        elif place < len(parts) and len(parts[place]) > 1:
            parts[place] = _renumbered(parts[place], rng)
    return b"".join(parts)


def _opcodes(data: bytes) -> list[bytes]:
    """Split one or several pickles into opcodes with their arguments; an unreadable rest is one part."""
    parts: list[bytes] = []
    place = 0
    while place < len(data):
        starts = []
        try:
            starts.extend(position for _code, _argument, position in pickletools.genops(data[place:]))
            end = data.index(pickle.STOP, place + starts[-1]) + 1
        except Exception:
            end = len(data)
        starts = [place + position for position in starts] or [place]
        parts += [data[start:stop] for start, stop in zip(starts, [*starts[1:], end], strict=True)]
        place = end
    return parts


def _renumbered(part: bytes, rng: random.Random) -> bytes:
    size = min(len(part) - 1, rng.choice((1, 2, 4, 8)))
    number = rng.choice((*_SPECIAL, rng.getrandbits(8 * size)))
    return part[:1] + (number % (1 << 8 * size)).to_bytes(size, rng.choice(("little", "big"))) + part[1 + size :]


_VALUES = (
    *(None, True, False, 0, -1, 1, 2**53, 2**53 + 1, -(2**63), 2**64, 10**30, 10**400, 0.5, -0.5, 1e308, -1e308),
    *("", "0", "1", "x" * 2000, "\ud800", "\x00", "ü", "\u202e", [], {}, [[]], {"": None}, [0, 0, 0]),
)


def json_texts(data: bytes, rng: random.Random) -> bytes:
    """Replace, delete, repeat or nest a value somewhere in a JSON text, or in one of several lines of them."""
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    try:
        value = json.loads(lines[place])
    except (ValueError, RecursionError):
        return data[: rng.randrange(len(data) + 1)] + rng.choice((b"[" * 3000, b'{"a":', b"NaN", b"1e999", b"")) + data
    holders = [value] if isinstance(value, dict | list) and value else []
    for holder in holders:
        inner = holder.values() if isinstance(holder, dict) else holder
        holders += [part for part in inner if isinstance(part, dict | list) and part]
    if not holders:
        return json.dumps(rng.choice(_VALUES)).encode()
    holder = rng.choice(holders)
    key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    kind = rng.randrange(5)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif kind == 2 and isinstance(holder, dict):
        holder[rng.choice(("", "0", "x", str(key) + "0", "\ud800"))] = holder[key]
    elif kind == 3:
        holder[key] = [holder[key]] if rng.random() < 0.5 else {str(key): holder[key]}
    else:
        holder[key] = rng.choice(_VALUES)
    lines[place] = json.dumps(value).encode()
    if rng.random() < 0.1:
        lines.append(rng.choice(lines))
    return b"\n".join(lines)


def records(data: bytes, rng: random.Random) -> bytes:
    """Change the JSON of a record of NAS-Bench-101, or the message of metrics in it."""
    if rng.random() < 0.4:
        return json_texts(data, rng)
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    try:
        fields = json.loads(lines[place])
        fields[4] = base64.encodebytes(octets(base64.b64decode(fields[4]), rng)).decode()
        lines[place] = json.dumps(fields).encode()
    except (ValueError, LookupError, TypeError, RecursionError):
        return octets(data, rng)
    return b"\n".join(lines)


def octets(data: bytes, rng: random.Random) -> bytes:
    """Flip bits, delete and repeat bytes, and overwrite bytes with special numbers, in any file."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        place = rng.randrange(len(changed) + 1)
        kind = rng.randrange(6)
        if kind <= 1 and place < len(changed):
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del changed[place : place + rng.choice((1, 1, 2, 8, 64))]
        elif kind == 3:
            changed[place:place] = changed[place : place + rng.choice((1, 2, 8, 64, 1000))]
        elif kind == 4:
            size = rng.choice((1, 2, 4, 8))
            changed[place : place + size] = (rng.choice(_SPECIAL) % (1 << 8 * size)).to_bytes(size, "little")
        elif rng.random() < 0.2:
            del changed[place:]
    return bytes(changed)


def parquets(data: bytes, rng: random.Random) -> bytes:
    """Change a variable-length number, of which Parquet's headers and metadata consist, or any bytes."""
    footer = int.from_bytes(data[-8:-4], "little")
    if rng.random() < 0.3 or data[:4] != b"PAR1" or footer + 8 > len(data):
        return octets(data, rng)
    body, described = data[: -8 - footer], data[-8 - footer : -8]
    for _ in range(rng.choice((1, 1, 2, 4))):
        if rng.random() < 0.7:
            described = _with_varint(described, rng)
        else:
            body = _with_varint(body, rng)
    return body + described + len(described).to_bytes(4, "little") + data[-4:]


def _with_varint(data: bytes, rng: random.Random) -> bytes:
    place = stop = rng.randrange(len(data) + 1)
    while stop < len(data) and data[stop] & 128:
        stop += 1
    number = rng.choice((*_SPECIAL, 2 * 10**9, 2**40, 2**62, rng.getrandbits(7), rng.getrandbits(32)))
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return data[:place] + bytes([*written, number]) + data[stop + 1 :]


def trees(data: bytes, rng: random.Random) -> bytes:
    """Change a number of a booster's text, or any bytes."""
    if rng.random() < 0.2:
        return octets(data, rng)
    rows = data.split(b"\n")
    row = rng.randrange(len(rows))
    name, equals, values = rows[row].partition(b"=")
    numbers = values.split(b" ")
    place = rng.randrange(len(numbers))
    kind = rng.randrange(6)
    if kind == 0:
        del numbers[place]
    elif kind == 1:
        numbers.insert(place, numbers[place])
    elif kind == 2:
        del rows[row]
        return b"\n".join(rows)
    else:
        numbers[place] = rng.choice((b"-1", b"0", b"1", b"2", b"7", b"-9", b"56", b"2147483647", b"-2147483648", b""))
    rows[row] = name + equals + b" ".join(numbers)
    return b"\n".join(rows)


def lines(data: bytes, rng: random.Random) -> bytes:
    """Change a cell of a CSV text, or delete, repeat or break a line."""
    rows = [line.split(b",") for line in data.split(b"\n")]
    row = rng.randrange(len(rows))
    kind = rng.randrange(5)
    if kind == 0:
        del rows[row]
    elif kind == 1:
        rows.insert(row, list(rows[row]))
    elif kind == 2:
        rows[row].insert(rng.randrange(len(rows[row]) + 1), b"")
    else:
        cells = (b"", b"-1", b"256", b"nan", b"inf", b"1e999", b'"', b'"a\n"', b"\xff", b"x" * 5000, b"true", b"9" * 40)
        rows[row][rng.randrange(len(rows[row]))] = rng.choice(cells)
    return b"\n".join(b",".join(row) for row in rows)
