"""Training a supernet. Read `training_loop.py` first: it is the loop, from top to bottom.

The loop clips gradients, averages weights and writes checkpoints (`checkpoint.py`). `optimizer.py` makes the optimizer,
`learning_rate_schedule.py` has the schedule, `gradients.py` the backward passes and mixed precision, `path_samplers.py`
chooses the paths of a step, and `training_recipe.py` holds all settings. What a training reports is in `logs`.
"""
