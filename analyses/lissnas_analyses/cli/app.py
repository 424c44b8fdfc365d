"""The command line `lissnas`. A command is imported only when it is called, so that `--help` is fast."""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any, NoReturn, get_args

import cyclopts
from lissnas.errors import LissnasError, SettingError, explain_os_error, printable
from lissnas.stop_signals import STOP_SIGNALS

from lissnas_analyses.cli.shared.interrupts import allow_interrupts


def refuse_fractions(app: cyclopts.App, commands: tuple[str, ...], arguments: cyclopts.ArgumentCollection) -> None:
    """Raise SettingError if an option of type int has a decimal point, because Cyclopts would round 1.5 to 2.

    Cyclopts calls this function as its `config`, before it converts the words of the command line.
    """
    for argument in arguments:
        types = _parts(argument.hint)
        if int in types and float not in types:
            for token in argument.tokens:
                if "." in token.value:
                    raise SettingError(f"{argument.name} must be a whole number, not {token.value}")


def _parts(hint: Any) -> set[Any]:
    """Return a type and the types that it consists of."""
    return {hint}.union(*(_parts(part) for part in get_args(hint)))


_LAST = 9
"""Place of the last group of the help."""

_OPTIONS = cyclopts.Group("Options", sort_key=_LAST)

app = cyclopts.App(
    name="lissnas",
    help="Measure locality in architecture search spaces, and shrink them to pockets of good networks.\n\n"
    "Your own table takes the place of a benchmark: 'lissnas locality mine.csv --space nas-bench-201 --arch arch "
    "--select val --report test'.",
    version=lambda: version("lissnas"),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    config=refuse_fractions,
    default_parameter=cyclopts.Parameter(negative_iterable=()),  # no --empty-methods
    group_commands=_OPTIONS,
)


def _add(parent: cyclopts.App, groups: dict[str, tuple[tuple[str, str, str], ...]]) -> None:
    """Add commands: for each group of the help, their names, functions and texts. The help keeps this order."""
    for place, (title, commands) in enumerate(groups.items()):
        group = cyclopts.Group(title, sort_key=place)
        for number, (name, function, text) in enumerate(commands):
            parent.command(f"lissnas_analyses.cli.{function}", name=name, help=text, group=group, sort_key=number)


_add(
    app,
    {
        "Start": (
            (
                "reproduce",
                "results.reproduce:reproduce",
                "Measure locality, compare shrinkage methods and draw a map of the pockets, for every benchmark that "
                "is ready.",
            ),
            ("benchmarks", "benchmarks:benchmarks", "List the benchmarks, and which are ready."),
            (
                "doctor",
                "doctor:doctor",
                "Print what is installed, which benchmarks are ready, what is missing or broken.",
            ),
        ),
        "Look at a space": (
            ("locality", "locality:locality", "Measure and draw the locality of a benchmark."),
            (
                "landscape",
                "landscape:landscape",
                "Measure and draw the landscape of a benchmark: basins, funnels, regret, neutrality, noise.",
            ),
            ("show", "show:show", "Draw architectures side by side and mark their differences."),
        ),
        "Shrink and search": (
            ("shrink", "shrink:shrink", "Shrink the space of a benchmark, and save the subspace."),
            ("compare", "compare:compare", "Shrink benchmarks with several methods, and compare the results."),
            (
                "ablate",
                "ablate:ablate",
                "Shrink a benchmark over a grid of settings, noise and fidelity, with thousands of seeds.",
            ),
            (
                "search",
                "search:search",
                "Search inside a shrunk space and in the full space with equal evaluations: does shrinking pay?",
            ),
        ),
        "Predict": (
            (
                "tau",
                "tau:tau",
                "Measure how well predictors rank networks: in the full space, in shrunk spaces, in the true top.\n\n"
                "With --model, measure models that learn from the scores of a few random networks and rank all others.",
            ),
            ("score", "score:score", "Compute zero-cost scores of architectures, without training a network."),
        ),
        "Results": (
            ("report", "results.report:report", "Make one HTML file of results, to view and share."),
            ("rerun", "results.rerun:rerun", "Repeat results in a temporary folder, and say what differs."),
            ("cite", "results.cite:cite", "Print BibTeX entries of what results used."),
            (
                "claims",
                "results.claims:claims",
                "Print the claims of the LISSNAS paper, and what we measured about each.",
            ),
        ),
    },
)

_more = cyclopts.Group("Data and supernets", sort_key=_LAST - 1)

data = cyclopts.App(
    name="data", help="Get, import, check and list the data of benchmarks.", group=_more, group_commands=_OPTIONS
)
_add(
    data,
    {
        "Commands": (
            ("get", "data:get_data", "Download a benchmark, or print how to get it."),
            ("import", "data:import_data", "Import a benchmark's official files into the cache."),
            ("check", "data:check_data", "Check the cached data against the checksums of its import."),
            ("list", "data:list_data", "List the cached data with its size."),
        )
    },
)
app.command(data)

supernet = cyclopts.App(
    name="supernet",
    help="Train a supernet: one network whose weights all architectures share.",
    group=_more,
    group_commands=_OPTIONS,
)
_add(
    supernet,
    {
        "Before a run": (
            ("recipe", "supernet.recipe:recipe", "Print a complete recipe, with the meaning of each key."),
            ("plan", "supernet.plan:plan", "Estimate the time, memory and disk space of a run before it starts."),
            (
                "resize",
                "supernet.resize:resize",
                "Write resized copies of the images of a recipe, which are decoded faster.",
            ),
            (
                "latency",
                "supernet.latency:latency",
                "Measure the latency of each block of a space on your device, and check sums on complete networks.",
            ),
        ),
        "Stages of a run": (
            (
                "train",
                "supernet.train:train",
                "Train a supernet over its full space.\n\n"
                "The same command resumes a training that was stopped. Checkpoints and the recipe are in the run's "
                "folder.",
            ),
            (
                "shrink",
                "supernet.shrink:shrink",
                "Train, shrink the space, and continue training in the shrunk space.\n\n"
                "Trainings that are finished are not repeated. The subspaces of the rounds are in the folder loop of "
                "the run, the statistics of the rounds in the folder shrinking.",
            ),
            (
                "evaluate",
                "supernet.evaluate:evaluate",
                "Score architectures with a trained supernet.\n\n"
                "Each architecture is scored on the hold-out images, with its own recalibrated batch-norm statistics "
                "and the weights of the last training. Scores are in the folder evaluation of the run.",
            ),
            (
                "search",
                "supernet.search:search",
                "Search for the best network in the shrunk space.\n\n"
                "If the space is not shrunk yet, the search covers the full space. All scored networks are in the "
                "folder search of the run.",
            ),
            (
                "retrain",
                "supernet.retrain:retrain",
                "Train the best network of the search from scratch, and test it once.\n\n"
                "The test uses the official validation images. Checkpoints and score are in the folder retraining "
                "of the run.",
            ),
            (
                "export",
                "supernet.export:export",
                "Write one network for use without lissnas: PyTorch, safetensors or ONNX, with a model card.",
            ),
        ),
        "Can its ranking be trusted?": (
            ("study", "supernet.study:study", "Compare supernets with networks that were trained separately."),
            ("demo", "supernet.study:demo", "Run a small version of study that takes minutes."),
        ),
    },
)
app.command(supernet)
app.register_install_completion_command(help="Install completion for this shell.")


_STOPPED = (129, 130, 143)
"""Exit statuses of a training that SIGHUP, SIGINT or SIGTERM stopped."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived: the command ends as after Ctrl-C."""


def main() -> None:
    """Run the command line. An error that the user can fix is one line on standard error, with exit status 2."""
    try:
        with _stop_signals_raise():
            _print_any_text()
            status = app(_with_own_file(sys.argv[1:]), exit_on_error=False, print_error=False)
            sys.stdout.flush()
        sys.exit(status)
    except (LissnasError, cyclopts.CycloptsError) as error:
        _stop(error, " ".join(str(error).split()), 2)
    except KeyboardInterrupt as error:
        number = error.args[0] if isinstance(error, Terminated) else signal.SIGINT
        _stop(error, "stopped; finished results are saved, and no file is incomplete", 128 + number)
    except SystemExit as ended:
        if ended.code in _STOPPED:
            _stop(ended, "stopped, and the state is saved: run the same command again to resume", int(ended.code))
        raise
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)
    except OSError as error:
        _stop(error, explain_os_error(error), 2)
    except MemoryError as error:
        _stop(error, f"the memory is too small ({error}): close other programs, or raise the limit of 'ulimit -v'", 2)


@contextmanager
def _stop_signals_raise() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise `Terminated` in this context, unless the caller ignores them, as nohup does.

    They end the processes of torchrun at once: such a process may wait for another one, outside of Python.
    """

    def terminate(number: int, _frame: object) -> NoReturn:
        raise Terminated(number)

    in_main_thread = threading.current_thread() is threading.main_thread()
    can_raise = in_main_thread and "RANK" not in os.environ
    changed = [each for each in STOP_SIGNALS if can_raise and signal.getsignal(each) is signal.SIG_DFL]
    for each in changed:
        signal.signal(each, terminate)
    try:
        yield
    finally:
        for each in changed:
            signal.signal(each, signal.SIG_DFL)


def _print_any_text() -> None:
    """Let standard output escape what its encoding lacks: most of Unicode in ASCII, bytes that are no UTF-8."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Let the interpreter write to nowhere what it flushes at its end, because standard output takes nothing."""
    with suppress(OSError, ValueError):  # standard output may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _with_own_file(words: list[str]) -> list[str]:
    """Return the words of the command line with a file of the user replaced by the benchmark that it declares."""
    if words[:1] == ["score"] or not any(word == "--space" or word.startswith("--space=") for word in words):
        return words
    from lissnas_analyses.cli.shared.own_file import declare_own_file

    allow_interrupts()
    return declare_own_file(words)


def _stop(error: BaseException, message: str, exit_status: int) -> NoReturn:
    from lissnas_analyses.cli.shared.json_command import write_error
    from lissnas_analyses.cli.shared.terminal import is_main_process

    message = printable(message)
    try:
        write_error(error, message, exit_status)
        sys.stdout.flush()
    except OSError:
        _discard_output()
    if is_main_process() or not isinstance(error, SystemExit | KeyboardInterrupt):
        with suppress(OSError):
            print(f"lissnas: {message}", file=sys.stderr)
    sys.exit(exit_status)


if __name__ == "__main__":
    main()
