"""The command that looks for what is missing or broken."""

from dataclasses import dataclass

from lissnas_analyses.cli.json_command import CommandResult, json_command
from lissnas_analyses.cli.terminal import counted, progress, say
from lissnas_analyses.environment import Cache, Environment, Machine, Package, inspect_environment


@dataclass(frozen=True)
class EnvironmentResult(CommandResult):
    """What is here; the exit status is 1 if something is broken, 0 if things are merely absent."""

    environment: Environment

    @property
    def exit_status(self) -> int:
        return 1 if self.environment.problems else 0


@json_command
def doctor() -> EnvironmentResult:
    """Tell what is installed, which benchmarks are ready, what is missing and how to get it, and what is broken.

    The exit status is 1 if something is broken; what is merely absent is not.
    """
    with progress() as report:
        health = inspect_environment(report)
    _tell_packages(health)
    _tell_benchmarks(health)
    _tell_cache(health.cache)
    _tell_machine(health.machine)
    if not health.problems:
        say("", bold="Nothing is broken.")
        return EnvironmentResult(health)
    say("", bold=f"{counted(len(health.problems), 'problem')}:")
    for problem in health.problems:
        say(problem.problem, indent=2)
        say(f"-> {problem.remedy}", indent=4)
    return EnvironmentResult(health)


def _tell_packages(health: Environment) -> None:
    say(f": {_written(health.packages)}", bold=f"lissnas {health.lissnas}")
    say("")
    say("", bold="Extras")
    for extra in health.extras:
        say(f"{extra.name}, {'here' if extra.installed else 'not here'}: {extra.purpose}", indent=2)
        if extra.packages:
            say(_written(extra.packages), indent=4)
        if extra.command:
            say(f"to get it: {extra.command}", indent=4)
    say("")


def _written(packages: tuple[Package, ...]) -> str:
    return ", ".join(f"{package.name} {package.installed or 'missing'}" for package in packages)


def _tell_benchmarks(health: Environment) -> None:
    ready = [one.benchmark for one in health.benchmarks if one.ready]
    commands = [one.command for one in health.benchmarks if not one.ready]
    say(f": {', '.join(ready) or 'none is ready'}", bold="Benchmarks that are ready")
    if commands:
        say("the others, by the command that fetches each or says how:", indent=2)
    for command in commands:
        say(command, indent=4)
    say("")


def _tell_cache(cache: Cache) -> None:
    say(f": {cache.folder} (by {cache.chosen_by})", bold="Cache")
    written = "can be written" if cache.writable else "cannot be written"
    say(f"holds {cache.bytes / 1e6:,.1f} MB, {cache.free_bytes / 1e9:,.1f} GB are free, {written}", indent=2)
    say("")


def _tell_machine(machine: Machine) -> None:
    say(f": Python {machine.python}, {machine.platform}, {counted(machine.cores, 'core')}", bold="Machine")
    say(f"libraries and their threads: {', '.join(machine.blas) or 'none found'}", indent=2)
    gpus = ", ".join(machine.gpus) or "no GPU that it can use"
    say(f"torch {machine.torch}, {gpus}" if machine.torch else "no torch, so that no GPU is used", indent=2)
    say("")
