"""Finished loops that several tests look at."""

from collections.abc import Callable

import pytest
import tiny_loop as tiny


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tiny.FinishedLoop]:
    """Return a loop of `tiny.LOOPS`, run once. Tests must not change its folder."""
    loops: dict[str, tiny.FinishedLoop] = {}

    def run(name: str) -> tiny.FinishedLoop:
        if name not in loops:
            loops[name] = tiny.finished_loop(tmp_path_factory.mktemp(name), **tiny.LOOPS[name])
        return loops[name]

    return run
