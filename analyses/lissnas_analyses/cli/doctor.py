"""`lissnas doctor`: what is installed, what is missing, and what is broken."""

from dataclasses import dataclass

from lissnas_analyses.cli.shared.json_command import CommandResult, json_command
from lissnas_analyses.cli.shared.terminal import progress, say
from lissnas_analyses.environment import Cache, Environment, Machine, Package, inspect_environment
from lissnas_analyses.sentences import counted


@dataclass(frozen=True)
class EnvironmentResult(CommandResult):
    """The environment. The exit status is 1 if something is broken; missing parts are not an error."""

    environment: Environment

    @property
    def exit_status(self) -> int:
        return 1 if self.environment.problems else 0


@json_command
def doctor() -> EnvironmentResult:
    """Print what is installed, which benchmarks are ready, what is missing or broken, and how to fix it.

    The exit status is 1 if something is broken. Missing extras and benchmarks are not an error.
    """
    with progress() as report:
        environment = inspect_environment(report)
    _print_packages(environment)
    _print_benchmarks(environment)
    _print_cache(environment.cache)
    _print_machine(environment.machine)
    if not environment.problems:
        say("", bold="Nothing is broken.")
        return EnvironmentResult(environment)
    say("", bold=f"{counted(len(environment.problems), 'problem')}:")
    for problem in environment.problems:
        say(problem.problem, indent=2)
        say(f"-> {problem.remedy}", indent=4)
    return EnvironmentResult(environment)


def _print_packages(environment: Environment) -> None:
    say(f": {_versions(environment.packages)}", bold=f"lissnas {environment.lissnas}")
    say("")
    say("", bold="Extras")
    for extra in environment.extras:
        say(f"{extra.name}, {'installed' if extra.installed else 'not installed'}: {extra.purpose}", indent=2)
        if extra.packages:
            say(_versions(extra.packages), indent=4)
        if extra.command:
            say(f"to install it: {extra.command}", indent=4)
    say("")


def _versions(packages: tuple[Package, ...]) -> str:
    return ", ".join(f"{package.name} {package.installed or 'missing'}" for package in packages)


def _print_benchmarks(environment: Environment) -> None:
    ready = [status.benchmark for status in environment.benchmarks if status.ready]
    commands = [status.command for status in environment.benchmarks if not status.ready]
    say(f": {', '.join(ready) or 'none'}", bold="Benchmarks that are ready")
    if commands:
        say("The other benchmarks; each command downloads one or prints how to get it:", indent=2)
    for command in commands:
        say(command, indent=4)
    say("")


def _print_cache(cache: Cache) -> None:
    say(f": {cache.folder} ({cache.chosen_by})", bold="Cache")
    access = "writable" if cache.writable else "not writable"
    say(f"{access}; {cache.bytes / 1e6:,.1f} MB used, {cache.free_bytes / 1e9:,.1f} GB free", indent=2)
    say("")


def _print_machine(machine: Machine) -> None:
    say(f": Python {machine.python}, {machine.platform}, {counted(machine.cores, 'core')}", bold="Machine")
    say(f"math libraries and their threads: {', '.join(machine.blas) or 'none found'}", indent=2)
    gpus = ", ".join(machine.gpus) or "no GPU available"
    say(f"torch {machine.torch}, {gpus}" if machine.torch else "torch is not installed; GPUs are not used", indent=2)
    say("")
