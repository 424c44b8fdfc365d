"""Checkpoints of a training: written atomically, verified when they are read, and only the newest are kept.

They are read with ``weights_only=True``, so no code in them is run.
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
"""Version of the checkpoint format."""

_KEYS = {"format", "run", "step", "network", "optimizer", "scaler", "average", "versions"}
"""Keys of every checkpoint."""

_LOG = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of one training in a folder, each named after the next step.

    Parameters
    ----------
    folder
        The folder. It is created if it does not exist; incomplete files of a killed run are removed.
    run
        Identity of the training. Checkpoints of any other training are refused.
    keep
        Number of checkpoints that are kept.
    """

    def __init__(self, folder: Path, run: RunIdentity, keep: int) -> None:
        self._folder = folder
        self._run = run
        self._keep = keep
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"{folder}: {error.strerror}; choose another folder for the checkpoints") from error
        for left in folder.glob(".step-*.part"):
            left.unlink(missing_ok=True)  # another process of the training may have removed it

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Write a checkpoint, then remove the oldest ones; on return it is on the disk.

        Raises CheckpointError if it cannot be written; older checkpoints remain.
        """
        path = self._folder / f"step-{step:010d}.pt"
        try:
            with atomic_write(path) as file:
                torch.save({"format": FORMAT, "run": json.dumps(self._run.to_json()), "step": step, **state}, file)
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
            raise CheckpointError(
                f"{path}: cannot be written ({reason}); older checkpoints are intact: free disk space and run again"
            ) from error
        for old in self._newest_first()[self._keep :]:
            old.unlink()

    def newest(self) -> dict[str, Any] | None:
        """Return the newest intact checkpoint, its tensors on the processor; None if there are no checkpoints.

        Raises CheckpointError if it belongs to another training, or if all checkpoints are damaged.
        """
        paths = self._newest_first()
        for path in paths:
            try:
                state = _read(path)
            except _DAMAGED as error:
                reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                _LOG.warning("%s: damaged (%s); trying the checkpoint before it", path, reason)
                continue
            self._check_same_run(path, state)
            return state
        if paths:
            raise CheckpointError(
                f"{self._folder}: all {len(paths)} checkpoints are damaged; remove them to train from the "
                "start, or choose another folder"
            )
        return None

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("step-*.pt"), reverse=True)

    def _check_same_run(self, path: Path, state: Mapping[str, Any]) -> None:
        if state.get("format") != FORMAT:
            raise CheckpointError(
                f"{path}: has checkpoint format {state.get('format')}, not {FORMAT}; choose another folder"
            )
        self._run.check(path, json.loads(state["run"]), CheckpointError)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return one checkpoint of any training, its tensors on the processor.

    Raises CheckpointError if it is damaged, or has another format.
    """
    try:
        state = _read(path)
    except _DAMAGED as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path}: damaged ({reason}); remove it, and train again from the checkpoint before it"
        ) from error
    if state.get("format") != FORMAT:
        raise CheckpointError(f"{path}: has checkpoint format {state.get('format')}, not {FORMAT}; train again")
    return state


_DAMAGED = (OSError, RuntimeError, EOFError, KeyError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError)

_FOLDER = 0x10
"""Bit of the attributes of a file in a zip archive that marks a folder."""


def _read(path: Path) -> dict[str, Any]:
    """Read a checkpoint and verify its checksums: torch does not, and it reads an entry marked as a folder as empty."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.is_dir() or entry.external_attr & _FOLDER or entry.compress_type != zipfile.ZIP_STORED:
                raise zipfile.BadZipFile(f"{entry.filename} is a folder or compressed")
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"the checksum of {damaged} is wrong")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not state.keys() >= _KEYS:
        raise ValueError("not the checkpoint of a training")
    return state
