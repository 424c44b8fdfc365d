"""One round of the loop: a space is shrunk by what a supernet says of it, and the same weights judge the result.

Our own choice, where the outline of LISSNAS says only that the loop ends when the average accuracy no longer rises: the
mean over networks drawn from what was made is to be one standard error above that over networks drawn from before.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from lissnas.errors import LissnasError, SettingError
from lissnas.evaluation.evaluations import Evaluations
from lissnas.evaluation.journal import Journal
from lissnas.shrinkers.shrink import Shrinker, Trace, shrink
from lissnas.spaces.limited import LimitedSpace
from lissnas.spaces.space import Floats, Indices, Rows, Space
from lissnas.statistics.sampled_subspace import SampledMean, estimate_mean
from lissnas.storage.random_streams import RunStream
from lissnas.storage.run_identity import RunIdentity
from lissnas.subspaces.box import Box
from lissnas.subspaces.limited_subspace import LimitedSubspace
from lissnas.subspaces.shrunk_space import ShrunkSpace
from lissnas.subspaces.subspace import Subspace, WholeSpace
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.scoring.weight_angle import WeightAngleEvaluator
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage, drop_lowest, within_limits
from lissnas.supernet.training.process_group import ProcessGroup


@dataclass(frozen=True)
class ShrinkingRound:
    """What one shrinking made of a space.

    Attributes
    ----------
    number
        From 1.
    subspace
        What was made, also if the loop does not go on with it.
    before, after
        The mean score of the space that was shrunk, and that of what was made, by the same weights; None where they
        were not asked for, as by ABS on weight angles.
    ended
        Why the loop ended with this round, as part of a sentence; None if it went on with what was made.
    evaluations
        How many distinct networks were scored, for the means too.
    notes
        What the shrinker had to tell.
    """

    number: int
    subspace: Subspace
    before: SampledMean | None
    after: SampledMean | None
    ended: str | None
    evaluations: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        at_least, at_most = self.subspace.size_bounds
        size = f"{at_most:,}" if at_least == at_most else f"{at_least:,} to {at_most:,}"
        means = "" if self.before is None else f", mean {self.before} % before and {self.after} % after"
        end = "" if self.ended is None else f"; the loop ends: {self.ended}"
        return f"round {self.number}: {size} networks{means}, {self.evaluations:,} scored{end}"


@dataclass(frozen=True)
class RoundShrinker:
    """How a space is shrunk in each round.

    Attributes
    ----------
    space
        All networks that there are.
    shrinker, sizes, radii, mean_sample_size
        As in `shrink_in_rounds` and `ShrinkingSchedule`.
    seed
        Together with the number of a round decides what is drawn.
    run
        The identity of this run, for its journals.
    """

    space: Space
    shrinker: Shrinker | WeightAngleShrinkage
    sizes: tuple[int, ...]
    radii: tuple[int, ...]
    mean_sample_size: int
    seed: int
    run: RunIdentity

    def check(self) -> None:
        """Raise SettingError if the settings of the first round cannot be met in the space; nothing is scored for it.

        A shrinker looks at its settings before it asks for a score.
        """
        if isinstance(self.shrinker, WeightAngleShrinkage):
            return

        def ask(rows: Rows) -> Floats:
            raise _FirstScoreRequestError

        with suppress(_FirstScoreRequestError):
            shrink(self.space, ask, self._settings(1), np.random.default_rng([RunStream.SHRINKING, self.seed, 1]))

    def by_angles(
        self, number: int, subspace: Subspace, network: Supernet, initial: Mapping[str, Tensor]
    ) -> ShrinkingRound:
        """Drop the operations of the lowest angles, unless few enough networks are left."""
        settings = cast(WeightAngleShrinkage, self.shrinker)
        box = box_of(subspace)
        if box.size <= settings.stop_size:
            return ShrinkingRound(
                number, subspace, None, None, f"at most {settings.stop_size:,} networks are left", 0, ()
            )
        rng = np.random.default_rng([RunStream.SHRINKING, self.seed, number])
        smaller, scored = drop_lowest(self.space, box, WeightAngleEvaluator(network, initial), settings, rng)
        ended = None if smaller.size < box.size else "every layer has one operation left"
        return ShrinkingRound(number, within_limits(self.space, smaller), None, None, ended, scored.count, ())

    def by_scores(
        self, number: int, subspace: Subspace, evaluator: SupernetEvaluator, journals: Path
    ) -> ShrinkingRound:
        """Run the shrinker on what is left, and compare the means before and after."""
        memory = Evaluations(self.space, evaluator, Journal(journals / f"means-{number}.jsonl", self.run))
        try:
            made, trace, scored = self._shrunk(number, subspace, evaluator, self._settings(number), journals)
        except SettingError as error:
            if number == 1:
                raise
            return ShrinkingRound(number, subspace, None, None, f"what is left cannot be shrunk ({error})", 0, ())
        notes = tuple(map(str, trace.notes))
        if len(trace.rounds) == 1 or made.size_bounds[1] == subspace.size_bounds[0]:
            return ShrinkingRound(number, subspace, None, None, "the shrinker kept all networks", len(scored), notes)
        before, after = (
            estimate_mean(
                each,
                self.mean_sample_size,
                memory,
                np.random.default_rng([RunStream.MEAN_SCORES, self.seed, number, place]),
            )
            for place, each in enumerate((subspace, made))
        )
        ended = None if after.exceeds(before) else f"its mean {after} % is not one standard error above {before} %"
        evaluations = len(np.union1d(scored, memory.history[0]))
        return ShrinkingRound(number, made, before, after, ended, evaluations, notes)

    def _settings(self, number: int) -> Shrinker:
        """Return the shrinker of a round."""
        given = {"size": self.sizes, "radius": self.radii}
        changed = {name: each[number - 1] for name, each in given.items() if each}
        shrinker: Shrinker = replace(cast(Any, self.shrinker), **changed)
        return shrinker

    def _shrunk(
        self, number: int, subspace: Subspace, evaluator: SupernetEvaluator, shrinker: Shrinker, journals: Path
    ) -> tuple[Subspace, Trace, Indices]:
        """Return what the shrinker made, what it told, and the places of all networks that it scored."""
        rng = np.random.default_rng([RunStream.SHRINKING, self.seed, number])
        journal = journals / f"shrinking-{number}.jsonl"
        if isinstance(subspace, WholeSpace):
            trace = shrink(self.space, evaluator, shrinker, rng, journal=journal)
            return trace.subspace, trace, trace.evaluations.history[0]
        inside = ShrunkSpace(subspace)
        trace = shrink(inside, evaluator, shrinker, rng, journal=journal)
        return inside.in_whole(trace.subspace), trace, inside.whole_index(trace.evaluations.history[0])


class _FirstScoreRequestError(LissnasError):
    """Ends a shrinker that asks for a score: by then it has looked at its settings."""


def box_of(subspace: Subspace) -> Box:
    """Return the box that ABS has made, of the whole of a limited space; to begin with it leaves every choice."""
    if isinstance(subspace, Box):
        return subspace
    if isinstance(subspace, LimitedSubspace):
        return cast(Box, subspace.unlimited)
    space = subspace.space
    return Box.whole(space.whole if isinstance(space, LimitedSpace) else space)


@contextmanager
def per_rank_journals(folder: Path, group: ProcessGroup) -> Iterator[Path]:
    """Yield the folder of this process's journals: the first has the real ones, all others have copies.

    So all are answered alike from what an earlier run scored, ask alike for the rest, and one writes.
    """
    nobody_leaves = torch.zeros(1, device=group.device)
    group.sum(nobody_leaves)
    if group.rank == 0:
        group.sum(nobody_leaves)
        yield folder
        return
    with TemporaryDirectory() as own:
        for journal in folder.glob("*.jsonl"):
            copy(journal, own)
        group.sum(nobody_leaves)
        yield Path(own)


def check_agreement(group: ProcessGroup, subspace: Subspace) -> None:
    """Raise LissnasError if the processes made different spaces of one."""
    rows = subspace.sample(min(100, max(1, subspace.size_bounds[0])), np.random.default_rng(0))
    mine = int.from_bytes(hashlib.sha256(rows.tobytes()).digest()[:4], "big") >> 1
    if group.sum(torch.tensor([mine], device=group.device)).item() != group.world_size * mine:
        raise LissnasError("the processes shrank to different spaces: run them on machines of one kind")
