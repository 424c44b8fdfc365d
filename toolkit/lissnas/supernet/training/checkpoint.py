"""Checkpoints of a training: files that are whole or are passed over, the newest few of which are kept.

They are read with ``weights_only=True``: nothing in them is run.
"""

import json
import logging
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lissnas.errors import CheckpointError
from lissnas.storage.atomic_write import atomic_write
from lissnas.storage.run_identity import RunIdentity

FORMAT = 2
"""The version of what a checkpoint holds."""

_HELD = {"format", "run", "step", "network", "optimizer", "scaler", "average", "versions"}
"""What every checkpoint holds."""

_LOG = logging.getLogger(__name__)


class Checkpoints:
    """A folder of checkpoints of one training, each named after the step that comes next.

    Parameters
    ----------
    folder
        Made if it is not there. What a run that was killed left half-written is removed.
    run
        The identity of the training: checkpoints of any other are refused.
    kept
        How many are kept.
    """

    def __init__(self, folder: Path, run: RunIdentity, kept: int) -> None:
        self._folder = folder
        self._run = run
        self._kept = kept
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"{folder}: {error.strerror}; choose another folder for the checkpoints") from error
        for left in folder.glob(".step-*.part"):
            left.unlink(missing_ok=True)  # another process of the training may be at it

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Write a checkpoint beside its place, move it there, and remove the oldest; it is on the disk then.

        Raises CheckpointError if it cannot be written. The others stay as they are.
        """
        path = self._folder / f"step-{step:010d}.pt"
        try:
            with atomic_write(path) as file:
                torch.save({"format": FORMAT, "run": json.dumps(self._run.to_json()), "step": step, **state}, file)
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
            raise CheckpointError(
                f"{path}: {reason}; nothing is lost of the checkpoints before it: make room and run again"
            ) from error
        for old in self._newest_first()[self._kept :]:
            old.unlink()

    def newest(self) -> dict[str, Any] | None:
        """Return what the newest whole checkpoint holds, on the processor, or None if there is none.

        Raises CheckpointError if it is another training's, or if there are only damaged ones.
        """
        paths = self._newest_first()
        for path in paths:
            try:
                state = _read(path)
            except _DAMAGED as error:
                reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                _LOG.warning("%s: damaged (%s); the checkpoint before it is tried", path, reason)
                continue
            self._check_same_run(path, state)
            return state
        if paths:
            raise CheckpointError(
                f"{self._folder}: all {len(paths)} checkpoints are damaged; remove them to begin anew, "
                "or choose another folder"
            )
        return None

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("step-*.pt"), reverse=True)

    def _check_same_run(self, path: Path, state: Mapping[str, Any]) -> None:
        if state.get("format") != FORMAT:
            raise CheckpointError(f"{path}: of format {state.get('format')}, not {FORMAT}; choose another folder")
        self._run.check(path, json.loads(state["run"]), CheckpointError)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what one checkpoint holds, on the processor, whatever training it is of.

    Raises CheckpointError if it is damaged or of another format.
    """
    try:
        state = _read(path)
    except _DAMAGED as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path}: damaged ({reason}); remove it, and train again from the one before") from error
    if state.get("format") != FORMAT:
        raise CheckpointError(f"{path}: of format {state.get('format')}, not {FORMAT}; train again")
    return state


_DAMAGED = (OSError, RuntimeError, EOFError, KeyError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError)

_FOLDER = 0x10
"""Of the attributes of a file in a zip archive."""


def _read(path: Path) -> dict[str, Any]:
    """Read a checkpoint; torch itself looks at no checksum, and takes what seems a folder for empty."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.is_dir() or entry.external_attr & _FOLDER or entry.compress_type != zipfile.ZIP_STORED:
                raise zipfile.BadZipFile(f"{entry.filename} is a folder or compressed")
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"the checksum of {damaged} is wrong")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not state.keys() >= _HELD:
        raise ValueError("not the checkpoint of a training")
    return state
