"""Reading JSON from an untrusted file: of the given types and ranges, and no name twice."""

import json
from typing import Any, TypeVar

from msgspec import convert

from lissnas_benchmarks.errors import BenchmarkFileError

Kind = TypeVar("Kind")


def read_json(data: bytes, kind: type[Kind], name: str, remedy: str) -> Kind:
    """Return what a JSON text holds.

    Parameters
    ----------
    data
        The text.
    kind
        What it must be, as msgspec describes types.
    name
        What to call the file in an error.
    remedy
        What to do about a file that is something else.

    Raises
    ------
    BenchmarkFileError
        If it is no JSON, of other types or ranges, or has a name twice in one object.
    """
    try:
        return convert(json.loads(data, object_pairs_hook=_without_repeats), kind)
    except (ValueError, RecursionError) as error:
        raise BenchmarkFileError(f"{name}: not in the official layout ({error}); {remedy}") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names
