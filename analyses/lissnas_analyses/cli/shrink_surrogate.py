"""Shrinking a space of which no table lists every network: a surrogate predicts, and samples judge."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from lissnas.shrinkers.shrink import Shrinker
from lissnas.shrinkers.shrink import shrink as run
from lissnas.subspaces import subspace_file
from lissnas_benchmarks.loading import load_surrogate

from lissnas_analyses.cli.command_results import PredictedQuality, ShrinkageResult
from lissnas_analyses.cli.terminal import counted, say, trace_notes

JUDGED = 10_000
"""How many networks of the space, and at most how many of those kept, are predicted to judge by."""


def shrink_predicted(benchmark: str, method: str, shrinker: Shrinker, seed: int, folder: Path) -> ShrinkageResult:
    """Shrink a surrogate's space, save what is kept, and compare samples of it and of the space.

    The predictions that judge are those that selected: the figures are optimistic.
    """
    evaluator = load_surrogate(benchmark)
    space, quantity = evaluator.space, evaluator.surrogate.quantities[0]
    shrinking, judging = np.random.default_rng(seed).spawn(2)
    trace = run(space, evaluator, shrinker, shrinking)
    kept = trace.subspace
    path = folder / f"shrunk-{method}.parquet"
    origin = {"benchmark": benchmark, "selected_by": f"predicted {quantity.name}", "method": method}
    spent = {"settings": asdict(cast(Any, shrinker)), "seed": seed, "evaluations": trace.evaluations.count}
    subspace_file.save(kept, path, origin | spent)
    least, most = kept.size_bounds
    whole = evaluator(space.sample(JUDGED, judging))
    inside = evaluator(kept.sample(min(JUDGED, least), judging))
    high = np.quantile(whole, 0.99)
    size = f"{least:,}" if least == most else f"{least:.3g} to {most:.3g}"
    say(
        f"{benchmark}: {method} keeps {size} of {space.size:.3g} networks after "
        f"{counted(len(trace.rounds) - 1, 'round')} and {counted(trace.evaluations.count, 'evaluation')}"
    )
    say(f"selected and judged by the same predicted {quantity.name}: there is no other", indent=2)
    notes = trace_notes(trace)
    for note in notes:
        say(note, indent=2)
    say(
        f"mean {inside.mean():.2f} {quantity.unit} in {counted(len(inside), 'network')} of it, {whole.mean():.2f} in "
        f"{counted(len(whole), 'network')} of the space; best {inside.max():.2f}, {whole.max():.2f}",
        indent=2,
    )
    share = float((inside > high).mean())
    say(f"{share:.0%} of it predicted above 99 % of the space ({high:.2f} {quantity.unit})", indent=2)
    say(str(path), indent=2)
    best = float(inside.max()), float(whole.mean()), float(whole.max())
    return ShrinkageResult(
        benchmark=benchmark,
        dataset=None,
        method=method,
        settings=asdict(cast(Any, shrinker)),
        selected_by=f"predicted {quantity.name}",
        reported_by=f"predicted {quantity.name}",
        networks=space.size,
        size_at_least=least,
        size_at_most=most,
        limits=(),
        rounds=len(trace.rounds) - 1,
        evaluations=trace.evaluations.count,
        notes=notes,
        quality=None,
        predicted=PredictedQuality(len(inside), len(whole), float(inside.mean()), *best, share),
        file=path,
    )
