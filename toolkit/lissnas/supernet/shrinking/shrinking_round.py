"""One round of the shrinking loop: a shrinker shrinks the space, and the same weights score it before and after.

Our own choice: LISSNAS says only that its loop ends when the average accuracy stops rising. Here a round counts as an
improvement if the mean over networks sampled from the result is one standard error above the mean over networks
sampled from the space before.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
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
from lissnas.subspaces.subspace import FullSpace, Subspace
from lissnas.supernet.networks.supernet import Supernet
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.scoring.weight_angle import WeightAngleEvaluator
from lissnas.supernet.shrinking.weight_angle_shrinkage import WeightAngleShrinkage, drop_lowest, within_limits
from lissnas.supernet.training.process_group import ProcessGroup


@dataclass(frozen=True)
class ShrinkingRound:
    """The result of one round.

    Attributes
    ----------
    number
        Number of the round, starting at 1.
    subspace
        The shrunk space, even if the loop rejected it.
    before, after
        Mean scores of the space before the round and of the shrunk space, both by the weights before the round; None
        if the round computed no means, as ABS on weight angles.
    ended
        Why the loop ended with this round, as part of a sentence; None if the loop adopted the shrunk space.
    evaluations
        Number of distinct networks scored, including those for the means.
    notes
        Notes of the shrinker.
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
    """Shrinks the space in each round.

    Attributes
    ----------
    space
        The space before the first round.
    shrinker, sizes, radii, mean_sample_size
        As in `shrink_in_rounds` and `ShrinkingSchedule`.
    seed
        Seed of all draws, together with the number of the round.
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
        """Raise SettingError if the space cannot satisfy the settings of the first round; scores no network.

        Every shrinker checks its settings before it requests the first score, so this stops it there.
        """
        if isinstance(self.shrinker, WeightAngleShrinkage):
            return

        def stop(rows: Rows) -> Floats:
            raise _FirstScoreRequestError

        with suppress(_FirstScoreRequestError):
            shrink(self.space, stop, self._shrinker_of(1), np.random.default_rng([RunStream.SHRINKING, self.seed, 1]))

    def by_angles(
        self, number: int, subspace: Subspace, network: Supernet, initial: Mapping[str, Tensor]
    ) -> ShrinkingRound:
        """Drop the operations with the lowest mean weight angle; end the loop if few enough networks remain."""
        shrinker = cast(WeightAngleShrinkage, self.shrinker)
        box = box_of(subspace)
        if box.size <= shrinker.stop_size:
            return ShrinkingRound(
                number, subspace, None, None, f"at most {shrinker.stop_size:,} networks remain", 0, ()
            )
        rng = np.random.default_rng([RunStream.SHRINKING, self.seed, number])
        smaller, evaluations = drop_lowest(self.space, box, WeightAngleEvaluator(network, initial), shrinker, rng)
        ended = None if smaller.size < box.size else "every layer has one operation left"
        return ShrinkingRound(number, within_limits(self.space, smaller), None, None, ended, evaluations.count, ())

    def by_scores(
        self, number: int, subspace: Subspace, evaluator: SupernetEvaluator, journals: Path
    ) -> ShrinkingRound:
        """Run the shrinker inside the current space, and compare the means before and after."""
        evaluations = Evaluations(self.space, evaluator, Journal(journals / f"means-{number}.jsonl", self.run))
        try:
            shrunk, trace, scored = self._shrink(number, subspace, evaluator, self._shrinker_of(number), journals)
        except SettingError as error:
            if number == 1:
                raise
            return ShrinkingRound(number, subspace, None, None, f"the space cannot be shrunk further ({error})", 0, ())
        notes = tuple(map(str, trace.notes))
        if len(trace.rounds) == 1 or shrunk.size_bounds[1] == subspace.size_bounds[0]:
            return ShrinkingRound(number, subspace, None, None, "the shrinker kept all networks", len(scored), notes)
        before, after = (
            estimate_mean(
                each,
                self.mean_sample_size,
                evaluations,
                np.random.default_rng([RunStream.MEAN_SCORES, self.seed, number, place]),
            )
            for place, each in enumerate((subspace, shrunk))
        )
        ended = None if after.exceeds(before) else f"its mean {after} % is not one standard error above {before} %"
        count = len(np.union1d(scored, evaluations.history[0]))
        return ShrinkingRound(number, shrunk, before, after, ended, count, notes)

    def _shrinker_of(self, number: int) -> Shrinker:
        """Return the shrinker of a round, with the size or radius of that round."""
        per_round = {"size": self.sizes, "radius": self.radii}
        changes = {name: values[number - 1] for name, values in per_round.items() if values}
        shrinker: Shrinker = replace(cast(Any, self.shrinker), **changes)
        return shrinker

    def _shrink(
        self, number: int, subspace: Subspace, evaluator: SupernetEvaluator, shrinker: Shrinker, journals: Path
    ) -> tuple[Subspace, Trace, Indices]:
        """Return the shrunk space, the shrinker's trace, and the indices of the networks it scored."""
        rng = np.random.default_rng([RunStream.SHRINKING, self.seed, number])
        journal = journals / f"shrinking-{number}.jsonl"
        if isinstance(subspace, FullSpace):
            trace = shrink(self.space, evaluator, shrinker, rng, journal=journal)
            return trace.subspace, trace, trace.evaluations.history[0]
        shrunk_space = ShrunkSpace(subspace)
        trace = shrink(shrunk_space, evaluator, shrinker, rng, journal=journal)
        scored = shrunk_space.full_space_index(trace.evaluations.history[0])
        return shrunk_space.in_full_space(trace.subspace), trace, scored


class _FirstScoreRequestError(LissnasError):
    """Stops a shrinker at its first request for a score."""


def box_of(subspace: Subspace) -> Box:
    """Return the box that ABS has kept, in the space without limits; before the first round it has every choice."""
    if isinstance(subspace, Box):
        return subspace
    if isinstance(subspace, LimitedSubspace):
        return cast(Box, subspace.unlimited)
    space = subspace.space
    return Box.full(space.full_space if isinstance(space, LimitedSpace) else space)


def check_agreement(group: ProcessGroup, subspace: Subspace) -> None:
    """Raise LissnasError if the processes have different shrunk spaces."""
    rows = subspace.sample(min(100, max(1, subspace.size_bounds[0])), np.random.default_rng(0))
    digest = int.from_bytes(hashlib.sha256(rows.tobytes()).digest()[:4], "big") >> 1
    total = group.sum(torch.tensor([digest], device=group.device)).item()
    if total != group.world_size * digest:
        raise LissnasError("the processes shrank to different spaces: run them on machines of the same kind")
