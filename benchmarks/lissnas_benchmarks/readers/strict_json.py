"""Read JSON from an untrusted file: only the given types and ranges, and no name twice in an object."""

import json
from typing import Any, TypeVar

from msgspec import convert

from lissnas_benchmarks.errors import BenchmarkFileError

Kind = TypeVar("Kind")


def read_json(data: bytes, kind: type[Kind], name: str, remedy: str) -> Kind:
    """Return the value of a JSON text.

    Parameters
    ----------
    data
        The text.
    kind
        The expected type, as msgspec describes types.
    name
        The file's name in error messages.
    remedy
        What to do about another file; the end of error messages.

    Raises
    ------
    BenchmarkFileError
        If it is not JSON, has other types or ranges, or has a name twice in one object.
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
