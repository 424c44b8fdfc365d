"""Result: what every function of the public API returns."""

import base64
import html
import io
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Result(ABC):
    """The outcome of an analysis: sentences, a table, a picture, and files."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the findings as sentences, those that the command line prints."""

    @abstractmethod
    def frame(self) -> "pl.DataFrame":
        """Return the numbers as a Polars frame."""

    @abstractmethod
    def plot(self, *, axes: "Axes | None" = None) -> "Axes":
        """Draw the main figure into Matplotlib axes and return them; new axes by default."""

    @abstractmethod
    def save(self, path: str | Path) -> Path:
        """Write the result, and return where."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """Return sentences, table and picture for a notebook."""
        table = self.frame()._repr_html_()
        figure = cast("Figure", self.plot().figure)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=100, bbox_inches="tight")
        encoded = base64.b64encode(picture.getvalue()).decode()
        return f'<pre>{html.escape(str(self))}</pre>{table}<img alt="" src="data:image/png;base64,{encoded}">'


def new_axes(width: float = 4.5, height: float = 3.2) -> "Axes":
    """Return empty axes of a figure of its own, in the style of this project; the size is in inches."""
    from lissnas_analyses import style

    with style.house_style():
        return style.new_figure(1, 1, width=width, height=height)[1][0]
