"""The learning-rate schedule: a linear warmup, then a decay by a straight line or by half a cosine."""

import math

from lissnas.supernet.training.training_recipe import TrainingRecipe


def learning_rate_at(recipe: TrainingRecipe, step: int) -> float:
    """Return the learning rate of a step of a training.

    The warmup has ``recipe.warmup_steps`` equal increments. The decay ends at step ``recipe.schedule_steps`` with
    ``recipe.final_learning_rate``, which later steps keep.

    Parameters
    ----------
    recipe
        The recipe. Its ``schedule_start`` is added to the step.
    step
        The step, from 0.

    Examples
    --------
    >>> recipe = TrainingRecipe(steps=100, batch_size=64, micro_batch_size=64, learning_rate=0.1)
    >>> learning_rate_at(recipe, 50)
    0.05
    """
    step += recipe.schedule_start
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    end = recipe.schedule_start + recipe.steps if recipe.schedule_steps is None else recipe.schedule_steps
    done = min((step - recipe.warmup_steps) / (end - recipe.warmup_steps), 1)
    left = 1 - done if recipe.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
    return recipe.final_learning_rate + (recipe.learning_rate - recipe.final_learning_rate) * left
