"""The initial weights of a run: those of a file, which may not change while the run needs them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from lissnas.errors import LissnasError
from lissnas.storage.atomic_write import atomic_write
from lissnas.supernet.networks.pretrained_weights import PretrainedWeights, pretrained_weights
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.stages.supernet_run import SupernetRun

_DIGEST = "initial-weights.sha256"
"""Name of the file with the digest of the weights that the run began with."""


def initial_weights(run: SupernetRun, network: Supernet) -> Mapping[str, Tensor] | None:
    """Return the weights of the file of a recipe, by the names of the supernet; None if the recipe has no file.

    Raises
    ------
    LissnasError
        If the file cannot be read, or is not the one that the run began with.
    SettingError
        If its weights do not fit the supernet.
    """
    if not run.recipe.initial_weights:
        return None
    path, known = Path(run.recipe.initial_weights), run.folder.path / _DIGEST
    found = pretrained_weights(network, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not run.folder.has_work("train"):
        if run.is_main_process:
            with atomic_write(known) as file:
                file.write(digest.encode())
    elif not known.exists() or known.read_text() != digest:
        raise LissnasError(
            f"{path}: is not the file that the run in {run.folder.path} began with: restore that file, or start "
            "another run in another folder with --out"
        )
    run.announce(_sentence(path, network, found))
    return found.values


def _sentence(path: Path, network: Supernet, found: PretrainedWeights) -> str:
    if found.row is None:
        what = "all paths begin"
    else:
        [architecture] = network.space.write(found.row[None])
        what = f"the path {architecture} begins"
    classifier = "" if found.has_classifier else "; the classifier is new, because the file has other classes"
    return f"{what} with the weights of {path} ({found.name_map.title}){classifier}"
