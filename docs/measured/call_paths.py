"""Print the functions that a batch of rows passes from the command line to a file, as docs/architecture.md shows them.

python docs/measured/call_paths.py

Three commands run on small inputs, and a profiler watches the places where rows are read, scored, judged, drawn and
written. At each place it takes the shortest call stack of all visits, without lambdas, comprehensions and functions of
other libraries. The list of a command joins the stacks of its places. What a function does is the first line of its
docstring, or that of its class.
"""

import inspect
import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from pkgutil import resolve_name
from types import FrameType

from lissnas.spaces.published.macro import macro

PACKAGES = ("lissnas", "lissnas_benchmarks", "lissnas_analyses")

OFFICIAL = "nas-bench-macro_cifar10.json"
"""The file to import: it has the layout of the official one, and the same invented accuracy for every network."""

SUPERNET = ("training.steps=4", "loop.steps_per_round=2", "loop.max_rounds=1", "shrinking.settings.seeds=5")

COMMANDS = {
    ("compare", "digits-cells", "--runs", "2", "--workers", "1", "--out", "comparison"): (
        "lissnas.statistics.sampled_subspace:estimate_mean > lissnas.evaluation.evaluator:TableEvaluator.__call__",
        "lissnas.statistics.quality:quality",
        "lissnas_analyses.grid.row_store:RowStore.append",
        "lissnas_analyses.comparison.draw:draw_rounds",
        "lissnas_analyses.results.folder:figure_files",
        "lissnas_analyses.results.folder:Results.save > lissnas.storage.atomic_write:atomic_write",
    ),
    ("supernet", "shrink", "digits", "--out", "run", *(word for key in SUPERNET for word in ("--set", key))): (
        "lissnas.shrinkers.lissnas:Lissnas.rounds > "
        "lissnas.supernet.scoring.shared_operations:SharedOperations.outputs",
        "lissnas.subspaces.subspace_file:save",
        "lissnas_analyses.results.folder:Results.save > lissnas.storage.atomic_write:atomic_write",
    ),
    ("data", "import", "nas-bench-macro", OFFICIAL): (
        "lissnas_benchmarks.readers.strict_json:read_json",
        "lissnas.spaces.categorical:CategoricalSpace.read",
        "lissnas.spaces.categorical:CategoricalSpace.index",
        "lissnas.storage.atomic_write:atomic_write",
    ),
}
"""The commands and their places; "caller > function" is a call of the function below the caller."""


class Profiler:
    """Finds the shortest call stack that leads to each place."""

    def __init__(self, places: tuple[str, ...]) -> None:
        self.stacks: dict[str, list[str]] = {place: [] for place in places}
        self._functions = {place.rpartition(" > ")[2] for place in places}

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and _name(frame) in self._functions:
            stack = _stack(frame)
            for place, shortest in self.stacks.items():
                caller, _, function = place.rpartition(" > ")
                is_here = function == stack[-1] and (not caller or caller in stack)
                if is_here and (not shortest or len(stack) < len(shortest)):
                    self.stacks[place] = stack


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}"


def _stack(frame: FrameType | None) -> list[str]:
    """Return the named functions of the project on the stack, the first call first."""
    names: list[str] = []
    while frame is not None:
        if _name(frame).startswith(PACKAGES) and not frame.f_code.co_name.startswith("<"):
            names.insert(0, _name(frame))
        frame = frame.f_back
    return names


def call_path(words: tuple[str, ...], places: tuple[str, ...]) -> list[str]:
    """Run a command line in this process, and return the functions that lead to the places."""
    from lissnas_analyses.cli.app import main

    profiler = Profiler(places)
    sys.argv = ["lissnas", *words]
    sys.setprofile(profiler)
    try:
        with redirect_stdout(sys.stderr):
            main()
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        sys.setprofile(None)
    for place, stack in profiler.stacks.items():
        if not stack:
            sys.exit(f"lissnas {' '.join(words)} never called {place}")
    return list(dict.fromkeys(name for stack in profiler.stacks.values() for name in stack))


def does(name: str) -> str:
    """Return the first line of the docstring of a function, or of what is around it if it has none of its own."""
    outer = name.partition(".<locals>")[0]
    documented = inspect.getdoc(resolve_name(outer)) or inspect.getdoc(resolve_name(outer.rpartition(".")[0]))
    return str(documented).partition("\n")[0]


def main() -> None:
    """Run the commands in a temporary folder, and print a table for each."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["LISSNAS_CACHE"] = f"{folder}/cache"
        network = {"test_acc": [90.0, 91.0, 92.0], "mean_acc": 91.0, "params": 1, "flops": 1}
        Path(OFFICIAL).write_text(json.dumps(dict.fromkeys(macro().write(macro().all_rows()), network)))
        for words, places in COMMANDS.items():
            print(f"\n`lissnas {' '.join(words)}`\n\n| step | function | what it does |\n|---|---|---|")
            for step, name in enumerate(call_path(words, places), 1):
                print(f"| {step} | `{name.replace(':', '.')}` | {does(name)} |")


if __name__ == "__main__":
    main()
