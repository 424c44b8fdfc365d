"""WithoutNeighbors: the architectures of a sample, for methods that need no others."""

from lissnas.errors import SettingError
from lissnas.spaces.listed import ListedSpace
from lissnas.spaces.space import Floats, Indices, Rows, ShellSums


class WithoutNeighbors(ListedSpace):
    """Listed architectures whose neighbors nobody may ask for.

    Most neighbors of a listed architecture are not listed, so a method that relies on them would do something else than
    in the full space. It gets a SettingError with this reason.

    Parameters
    ----------
    listed
        The listed architectures.

    Examples
    --------
    >>> from lissnas.spaces.published.macro import macro
    >>> WithoutNeighbors(ListedSpace(macro(), macro().all_rows()[::10])).size
    657
    """

    def __init__(self, listed: ListedSpace) -> None:
        super().__init__(listed.full_space, listed.all_rows())

    def neighbors(self, rows: Rows) -> tuple[Rows, Indices]:
        raise self._refused()

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        raise self._refused()

    def _refused(self) -> SettingError:
        size = f"{self.full_space.size:,}" if self.full_space.enumerable else f"{self.full_space.size:.3g}"
        return SettingError(
            f"it needs the neighbors of architectures, and only {self.size:,} of the {size} of {self.full_space.name} "
            "have a score; kernel, regression, best-of-sample and operation-pruning need none"
        )
