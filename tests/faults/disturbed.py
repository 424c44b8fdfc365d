"""Work that `kill -9` ends and that is done again: it must end with what an undisturbed run leaves."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from folders import contents, difference
from processes import Ended, at_file_operation, kill_this_process, run, run_and_kill

KILLED = -9


class Disturbed:
    """A piece of work that is killed and run again, in a folder that starts with the same files each time.

    Parameters
    ----------
    folder
        An empty folder.
    before
        Fills the folder `place`, where the work begins; it runs once.
    work
        The work, in the folder `place`.
    between
        Called in the folder after the kill; returns what is wrong there.
    comparable
        Returns the content of a folder that must be equal in the end.
    environment
        Variables of the environment.
    """

    def __init__(
        self,
        folder: Path,
        work: Callable[[], object],
        before: Callable[[], object] = lambda: None,
        between: Callable[[], str] = lambda: "",
        comparable: Callable[[Path], dict[str, bytes]] = contents,
        **environment: str,
    ) -> None:
        self.place, self._before, self._log = folder / "place", folder / "before", folder / "log"
        self._work, self._between, self._comparable, self._environment = work, between, comparable, environment
        self.place.mkdir()
        self._expect(self._run(before), 0)
        shutil.copytree(self.place, self._before)
        counted = folder / "operations"

        def count() -> None:
            operations = at_file_operation(-1, kill_this_process, self.place)
            try:
                work()
            finally:
                number = operations()
                counted.write_text(str(number))

        ended = self._run(count)
        self._expect(ended, 0)
        self.seconds, self.operations = ended.seconds, int(counted.read_text())
        self.expected = comparable(self.place)

    def _run(self, work: Callable[[], object]) -> Ended:
        return run(work, self._log, self.place, **self._environment)

    def _expect(self, ended: Ended, status: int) -> None:
        if ended.status != status:
            raise RuntimeError(f"the undisturbed run ended with status {ended.status}: {ended.output[-3000:]}")

    def __call__(self, number: int) -> str:
        """Kill the work at an operation on files, or at a random moment; run it again, and compare."""
        shutil.rmtree(self.place)
        shutil.copytree(self._before, self.place)
        if number % 2:
            moment = float(np.random.default_rng(number).uniform(0, self.seconds))
            where, ended = (
                f"killed after {moment:.3f} s",
                run_and_kill(self._work, moment, self._log, self.place, **self._environment),
            )
        else:
            operation = self.operations - number // 2 % self.operations  # the last ones replace what was there

            def killed() -> None:
                at_file_operation(operation, kill_this_process, self.place)
                self._work()

            where, ended = f"killed at operation {operation}", self._run(killed)
        if ended.status not in (KILLED, 0):
            return f"{where}: ended with status {ended.status}: {ended.output[-300:]}"
        checked = self._run(partial(_check, self._between))
        if checked.status:
            return f"{where}: {checked.output.strip().splitlines()[-1]}"
        again = self._run(self._work)
        if again.status:
            return f"{where}: the next run ended with status {again.status}: {again.output[-300:]}"
        wrong = difference(self._comparable(self.place), self.expected)
        return f"{where}: {wrong}" if wrong else ""


def _check(between: Callable[[], str]) -> None:
    if wrong := between():
        raise SystemExit(print(wrong) or 1)
