"""The stage `shrink`: trains the supernet and shrinks its space in turn."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from lissnas.supernet.images.image_source import ImageSource
from lissnas.supernet.recipes.recipe_images import first_paths
from lissnas.supernet.shrinking.shrinking_loop import ShrinkingTrace, shrink_in_rounds
from lissnas.supernet.shrinking.shrinking_round import ShrinkingRound
from lissnas.supernet.shrinking.shrinking_schedule import training_recipe_after
from lissnas.supernet.stages.initial_weights import initial_weights
from lissnas.supernet.stages.supernet_run import SupernetRun, scores_reporter
from lissnas.supernet.training.logs.progress import Progress


def run_shrinking(
    run: SupernetRun,
    images: ImageSource,
    max_rounds: int,
    report_round: Callable[[ShrinkingRound], None] = lambda finished: None,
    report_loss: Callable[[float], None] = lambda loss: None,
) -> ShrinkingTrace:
    """Train the supernet and shrink its space, for a number of rounds; rounds done earlier are not repeated.

    Parameters
    ----------
    run, images
        The run and its images.
    max_rounds
        Number of rounds; 0 only trains.
    report_round
        Called after each round, in the main process.
    report_loss
        Called after each step of training, with the loss.
    """
    recipe = run.recipe
    rounds_done = 0

    def report_step(progress: Progress) -> None:
        run.report_training(f"training {rounds_done}" if max_rounds else "training", progress)
        report_loss(progress.loss)

    with ExitStack() as until:

        def logged() -> Callable[[Progress], None]:
            training = training_recipe_after(recipe.training, recipe.loop, rounds_done)
            return run.logged(f"training-{rounds_done}", training, report_step, until)

        report = logged()

        def finish_round(finished: ShrinkingRound) -> None:
            nonlocal rounds_done, report
            rounds_done = finished.number
            report = logged()
            run.write_recipe()
            report_round(finished)

        network = recipe.network.build(np.random.default_rng(0))
        trace = shrink_in_rounds(
            network,
            images,
            first_paths(recipe),
            recipe.training,
            replace(recipe.loop, max_rounds=max_rounds),
            recipe.shrinking.settings,
            recipe.scoring,
            np.random.default_rng(recipe.seed),
            run.folder.loop,
            space=recipe.limited_space(recipe.limits.shrinking_flops),
            pretrained=initial_weights(run, network),
            device=str(run.process_group.device),
            save_every=recipe.checkpoints.save_every,
            keep=recipe.checkpoints.keep,
            report=lambda progress: report(progress),
            report_round=finish_round,
            report_scores=lambda number, scored: scores_reporter(run.report_work, f"shrinking {number}")(scored),
        )
    run.write_recipe()
    return trace
