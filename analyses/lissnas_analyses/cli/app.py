"""The command line: `lissnas`. Commands are imported when they are called, so that help is quick."""

import os
import sys
from importlib.metadata import version
from typing import NoReturn

import cyclopts
from lissnas.errors import LissnasError

from lissnas_analyses.cli.whole_numbers import refuse_fractions

app = cyclopts.App(
    name="lissnas",
    help="Measure locality in architecture search spaces, and shrink them to pockets of good networks.",
    version=lambda: version("lissnas"),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    config=refuse_fractions,
    default_parameter=cyclopts.Parameter(negative_iterable=()),  # no --empty-methods
)

_DATA = "lissnas_analyses.cli.data"

app.command(
    "lissnas_analyses.cli.reproduce:reproduce",
    name="reproduce",
    help="Do everything, for every benchmark that is there: locality, shrinking, a map of the pockets.",
)
app.command(f"{_DATA}:benchmarks", name="benchmarks", help="List the benchmarks and what is there of them.")
app.command(
    "lissnas_analyses.cli.locality:locality", name="locality", help="Measure and draw the locality of a benchmark."
)
app.command(
    "lissnas_analyses.cli.landscape:landscape",
    name="landscape",
    help="Measure and draw what a benchmark's landscape is like: basins, funnels, regret, neutrality, noise.",
)
app.command(
    "lissnas_analyses.cli.shrink:shrink", name="shrink", help="Shrink a benchmark's space, and save what is kept."
)
app.command(
    "lissnas_analyses.cli.compare:compare", name="compare", help="Shrink a benchmark with several methods, and compare."
)
app.command(
    "lissnas_analyses.cli.tau:tau",
    name="tau",
    help="Measure how well predictors rank networks: everywhere, in a shrunk space, in the true top.",
)
app.command(
    "lissnas_analyses.cli.ablate:ablate",
    name="ablate",
    help="Shrink a benchmark over a grid of settings, noise and fidelity, with thousands of seeds.",
)
app.command(
    "lissnas_analyses.cli.search:search",
    name="search",
    help="Search inside a shrunk space and in the full one, at equal evaluations: does shrinking pay?",
)
app.command("lissnas_analyses.cli.show:show", name="show", help="Draw architectures, with what they differ in marked.")
app.command(
    "lissnas_analyses.cli.report:report",
    name="report",
    help="Make one HTML file of results, to look at and share.",
)

app.command("lissnas_analyses.cli.cite:cite", name="cite", help="Print BibTeX for whatever results used.")
app.command(
    "lissnas_analyses.cli.doctor:doctor",
    name="doctor",
    help="Tell what is installed, which benchmarks are ready, what is missing and how to get it.",
)

data = cyclopts.App(name="data", help="Get, import, check and list the data of benchmarks.")
data.command(f"{_DATA}:get_data", name="get", help="Download a benchmark, or say how to get it.")
data.command(f"{_DATA}:import_data", name="import", help="Read a benchmark's official files into the cache.")
data.command(f"{_DATA}:check_data", name="check", help="Compare what is in the cache with what was imported.")
data.command(f"{_DATA}:list_data", name="list", help="List what is in the cache, with sizes.")
app.command(data)

_SUPERNET = "lissnas_analyses.cli.supernet.stages"
supernet = cyclopts.App(name="supernet", help="Train one network that shares its weights among all of a space's.")
supernet.command(
    f"{_SUPERNET}:train",
    name="train",
    help="Train a supernet over its whole space.\n\n"
    "A training that was stopped goes on. Checkpoints and the recipe that was used lie in the folder.",
)
supernet.command(
    f"{_SUPERNET}:evaluate",
    name="evaluate",
    help="Score architectures by a trained supernet.\n\n"
    "On images that are held out, each with batch-norm statistics of its own, by the weights that were trained last. "
    "Scores lie in the folder evaluation of the run.",
)
supernet.command(
    f"{_SUPERNET}:shrink",
    name="shrink",
    help="Train, shrink the space, train on in what is left.\n\n"
    "A training that is there is not done again. What each round kept lies in the folder loop of the run, the rounds "
    "in shrinking.",
)
supernet.command(
    f"{_SUPERNET}:search",
    name="search",
    help="Search for the best network of what is left.\n\n"
    "Before anything was shrunk, of the whole space. All that were scored lie in the folder search of the run.",
)
supernet.command(
    f"{_SUPERNET}:retrain",
    name="retrain",
    help="Train the winner on its own, and judge it once.\n\n"
    "From new weights, on the official validation images. Checkpoints and score lie in the run's folder retraining.",
)
supernet.command(
    "lissnas_analyses.cli.supernet.recipe:recipe",
    name="recipe",
    help="Print a recipe, whole, with what each key means.",
)
supernet.command(
    "lissnas_analyses.cli.supernet.plan:plan", name="plan", help="Say what a run will take, before anything is spent."
)
supernet.command(
    "lissnas_analyses.cli.supernet.study:study", name="study", help="Hold supernets against networks trained alone."
)
supernet.command(
    "lissnas_analyses.cli.supernet.study:demo", name="demo", help="Do what study does, in minutes and in small."
)
app.command(supernet)
app.register_install_completion_command(help="Install completion for this shell.")


_TOLD_TO_STOP = (130, 143)
"""What a training ends with after SIGINT or SIGTERM."""


def main() -> None:
    """Run the command line; every error that the user can mend is one line, with exit status 2."""
    try:
        sys.exit(app(sys.argv[1:], exit_on_error=False, print_error=False))
    except (LissnasError, cyclopts.CycloptsError) as error:
        _stop(error, " ".join(str(error).split()), 2)
    except KeyboardInterrupt as error:
        _stop(error, "stopped; what was finished is kept, and nothing is half-written", 130)
    except SystemExit as ended:
        if ended.code in _TOLD_TO_STOP:
            _stop(ended, "stopped, and the state is saved: the same command goes on from there", int(ended.code))
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _stop(error: BaseException, message: str, exit_status: int) -> NoReturn:
    from lissnas_analyses.cli.json_command import write_error
    from lissnas_analyses.cli.terminal import is_main_process

    write_error(error, message, exit_status)
    if is_main_process() or not isinstance(error, SystemExit | KeyboardInterrupt):
        print(f"lissnas: {message}", file=sys.stderr)
    sys.exit(exit_status)


if __name__ == "__main__":
    main()
