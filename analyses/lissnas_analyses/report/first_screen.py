"""The first screen of a report: which method keeps the best networks, at what cost, in sentences, a table, a figure."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import polars as pl
from lissnas.errors import LissnasError
from lissnas.storage.sealed_parquet import read_parquet
from lissnas_benchmarks.benchmark import subject
from lissnas_benchmarks.catalog import find_adapter
from matplotlib.figure import Figure

from lissnas_analyses import style
from lissnas_analyses.comparison.across_benchmarks.draw_overview import draw_recall
from lissnas_analyses.comparison.across_benchmarks.draw_ranks import draw_ranks
from lissnas_analyses.comparison.across_benchmarks.overview import ALL_LABELS, optimism, read_overview, verdicts
from lissnas_analyses.comparison.across_benchmarks.ranks import rank_methods, ranks_sentence
from lissnas_analyses.report.packed import Packed
from lissnas_analyses.report.picture import picture
from lissnas_analyses.results.folder import figure_files

_TABLES = ("recall", "methods")
"""The tables of a comparison that the first screen shows."""

_TERMS = {
    "Recall": "the share of the top 1 % of the space that a method keeps: 1 if it loses none",
    "kept": "the number of networks in the shrunk space, mean over the runs",
    "evaluations": "the number of networks whose score the method requested, mean over the runs",
    "all labels": "keeps the networks with the best selection scores of the full space: a method that knew all labels",
    "failed": "runs in which the method kept the full space, so that their recall is 1 and nothing was shrunk",
    "random-subset": "keeps random networks: the chance level",
}
"""Terms that explain themselves on hover and focus."""


def compared_folders(folders: Sequence[Path], manifests: Sequence[dict[str, Any]]) -> list[Path]:
    """Return the folders that have a comparison of methods."""
    needed = {f"{name}.parquet" for name in _TABLES}
    return [folder for folder, manifest in zip(folders, manifests, strict=True) if needed <= set(manifest["files"])]


def first_screen(folders: Sequence[Path], manifests: Sequence[dict[str, Any]], packed: Packed) -> str:
    """Return the verdict, the table and the figure of the comparisons in some folders.

    Of several comparisons on the same data set, the first one counts.
    """
    curves: list[pl.DataFrame] = []
    tables: dict[tuple[str, str], pl.DataFrame] = {}
    optimistic: list[str] = []
    for folder, manifest in zip(folders, manifests, strict=True):
        curve, table = (read_parquet(folder / f"{name}.parquet") for name in _TABLES)
        benchmark, dataset = table.select("benchmark", "dataset").row(0)
        if (benchmark, dataset) not in tables:
            tables[benchmark, dataset] = table
            curves.append(curve)
            if "selected_by" in manifest and manifest["selected_by"] == manifest.get("reported_by"):
                optimistic.append(subject(benchmark, dataset))
    shown = read_overview(curves, list(tables.values()), optimistic)
    ranks = rank_methods(shown.tables, ALL_LABELS)
    with style.house_style():
        wide = _drawing("recall", draw_recall(shown))
        narrow = _drawing("recall", draw_recall(shown, is_narrow=True)) if len(tables) > 1 else b""
        drawn = picture(wide, "recall", packed, narrow=narrow)
        if any(each.critical_difference is not None for each in ranks):
            drawn += picture(_drawing("ranks", draw_ranks(ranks)), "ranks", packed)
    said = "".join(f'<p class="verdict">{escape(sentence)}</p>' for sentence in verdicts(shown))
    remarks = (*optimism(shown), *map(ranks_sentence, ranks))
    notes = "".join(f'<p class="faint">{escape(remark[0].upper() + remark[1:].rstrip("."))}.</p>' for remark in remarks)
    return f'{said}<div class="first"><div>{_methods_table(tables)}</div><div>{drawn}</div></div>{notes}'


def _drawing(name: str, figure: Figure) -> bytes:
    return figure_files(name, figure)[f"{name}.svg"]


def _methods_table(tables: dict[tuple[str, str], pl.DataFrame]) -> str:
    """Return an HTML table with a row for each method and a column for each benchmark."""
    head = "".join(f'<th scope="col">{_explained(subject(*of), _measured(of[0]))}</th>' for of in tables)
    methods = dict.fromkeys(method for table in tables.values() for method in table["method"])
    body = "".join(
        f'<tr><th scope="row">{_term(method)}</th>'
        + "".join(_cell(table.filter(pl.col("method") == method)) for table in tables.values())
        + "</tr>"
        for method in methods
    )
    return (
        f'<p class="faint">{_term("Recall")} of the top 1 % with its 95 % interval; networks {_term("kept")}; '
        f"{_term('evaluations')}. Bold: above every other method by the paired interval.</p>"
        '<p class="hint" hidden>Scroll the table sideways: it has more columns \N{RIGHTWARDS ARROW}</p>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Methods by benchmarks">'
        f'<table class="methods"><thead><tr><th scope="col">method</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return "<td>not run</td>"
    row = rows.row(0, named=True)
    recall = f"<b>{row['recall']:.2f}</b>" if row["best"] else f"{row['recall']:.2f}"
    interval = f" [{row['low']:.2f}, {row['high']:.2f}]" if row["runs"] > 1 else ""
    if failed := row.get("failed"):  # tables of earlier versions do not count them
        interval = f", median {row['median']:.2f}, {_term('failed')} {failed:,} of {row['runs']:,}"
    cost = f"{row['size']:,.0f} kept<br>{row['evaluations']:,.0f} evaluations"
    return f'<td>{recall}{interval}<br><span class="faint">{cost}</span></td>'


def _term(name: str) -> str:
    """Return a name for HTML; a known term explains itself on hover and focus."""
    return _explained(name, _TERMS.get(name, ""))


def _explained(name: str, meaning: str) -> str:
    if not meaning:
        return escape(name)
    return f'<span class="term" tabindex="0" data-meaning="{escape(meaning)}">{escape(name)}</span>'


def _measured(benchmark: str) -> str:
    """Return what a benchmark measured; "" if this installation does not have the benchmark."""
    try:
        return find_adapter(benchmark).title
    except LissnasError:
        return ""
