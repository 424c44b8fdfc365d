"""Measure, draw and describe the landscapes of any benchmark of the catalog, and save everything to a folder."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lissnas.errors import SettingError, UnknownNameError
from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import check_ranks
from lissnas_benchmarks.catalog import find_adapter, find_table_adapter
from lissnas_benchmarks.loading import load_surrogate, load_table
from lissnas_benchmarks.obtaining.cache import surrogate_folder
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter, read_description

from lissnas_analyses import style
from lissnas_analyses.landscape import draw, measure, measure_sampled
from lissnas_analyses.landscape.result import Landscapes, dataset_names
from lissnas_analyses.results.folder import Results

INTERVALS = "95 % interval, for a space with other networks of the same kind; of a surrogate, for other random draws"
"""What the brackets in the sentences are."""


@dataclass(frozen=True)
class _Measured:
    """The landscapes, and how figures and the manifest describe them."""

    landscapes: Landscapes
    quantity: str
    text: str
    subject: dict[str, Any]


def run_landscape(
    name: str, datasets: Sequence[str], metric: str | None, seed: int, results: Results, report: ProgressCallback
) -> tuple[str, ...]:
    """Return the findings about a benchmark's landscapes, after saving tables, figures and manifest to `results`.

    Parameters
    ----------
    name
        Name of a benchmark or a surrogate.
    datasets, metric
        Default: its first data set and its own measure of quality.
    seed
        Seed of random draws; only spaces that are too large to enumerate need it.
    results
        Folder of the results.
    report
        Receives the progress.
    """
    if isinstance(find_adapter(name), SurrogateAdapter):
        measured = _surrogate(name, datasets, metric, seed, report)
    elif load_table(name).complete:
        measured = _full_space(name, datasets, metric, report)
    else:
        measured = _sample(name, datasets, metric, report)
    landscapes = measured.landscapes
    for field in fields(landscapes):
        frame = getattr(landscapes, field.name)
        if not frame.is_empty():
            results.add_table(field.name, frame)
    report("drawing", 0)
    title = f"The landscape{'s' * (len(dataset_names(landscapes)) > 1)} of {name}"
    with style.house_style():
        results.add_figure("landscapes", draw.draw_landscapes(landscapes, title, measured.quantity, measured.text))
        if not landscapes.funnels.is_empty():
            report("drawing", 0.5)
            networks = draw.draw_networks(
                landscapes, f"The local optima of {name}", measured.quantity, _network_text(landscapes, measured.text)
            )
            results.add_figure("local_optima_networks", networks)
    report("drawing", 1)
    findings = landscape_sentences(landscapes)
    results.save(measured.subject, {"seed": seed, "datasets": list(datasets), "metric": metric}, findings)
    return findings


def _full_space(name: str, datasets: Sequence[str], metric: str | None, report: ProgressCallback) -> _Measured:
    studies = measure.open_studies(name, datasets, metric)
    first = studies[0]
    landscapes = measure.measure(studies, report)
    text = (
        f"{name}, {', '.join(opened.dataset for opened in studies)}, {first.reports.describe()}. Exact over all "
        f"{first.space.size:,} networks; bands: 95 % intervals by the jackknife over networks."
    )
    if landscapes.has(first.dataset, "reliability"):
        text += (
            " Correlation at distance 0: the reliability of the scores; dotted: correlations divided by it. P at "
            "distance 0: one other training."
        )
    if landscapes.has(first.dataset, "functions"):
        text += (
            " A function scores the mean of the networks that compute it; distance 0: two networks of one function; "
            "dotted: architectures."
        )
    subject = {
        "benchmark": name,
        "datasets": [opened.dataset for opened in studies],
        "reported_by": first.reports.describe(),
        "unit": first.unit,
        "data": asdict(first.table.provenance.source),
    }
    return _Measured(landscapes, first.quantity, text, subject)


def _sample(name: str, datasets: Sequence[str], metric: str | None, report: ProgressCallback) -> _Measured:
    adapter, table = find_table_adapter(name), load_table(name)
    check_ranks(table, metric)
    reports = adapter.reports if metric is None else replace(adapter.reports, metric=metric)
    names = tuple(datasets) or table.datasets[:1]
    landscapes = measure_sampled.measure_sample(table, reports, names, report)
    column = table.matching(reports, names[0])[0]
    text = (
        f"{name}, {', '.join(names)}, {reports.describe()}: a sample of {len(table.index):,} of "
        f"{table.provenance.size:.3g} networks. All pairs of the sample; bands: 95 % intervals by the jackknife over "
        "networks. Optima, basins and regret are unknown, because most neighbors were not measured."
    )
    quantity = f"{column.split} {column.metric} ({column.unit})".strip()
    subject = {"benchmark": name, "datasets": list(names), "reported_by": reports.describe(), "unit": column.unit}
    return _Measured(landscapes, quantity, text, subject | {"data": asdict(table.provenance.source)})


def _surrogate(
    name: str, datasets: Sequence[str], metric: str | None, seed: int, report: ProgressCallback
) -> _Measured:
    evaluator = load_surrogate(name)
    quantity = evaluator.surrogate.quantities[0]
    if metric not in (None, quantity.name):
        raise UnknownNameError("metric", str(metric), [quantity.name])
    if datasets:
        raise SettingError(f"{name} predicts for a single data set without a name: leave out --dataset")
    landscapes = measure_sampled.measure_surrogate(evaluator.space, evaluator, name, seed, report)
    text = (
        f"{name}: predicted, not measured. {measure_sampled.CENTERS:,} random networks and pairs per distance; "
        f"ascent from {measure_sampled.STARTS} random starts; escapes of {measure_sampled.ESCAPE} random edits. "
        "Bands: 95 % intervals over draws. The best network found replaces the unknown best network."
    )
    described = asdict(read_description(surrogate_folder(name)))
    subject = {
        "benchmark": name,
        "datasets": [],
        "reported_by": f"predicted {quantity.name}",
        "unit": quantity.unit,
        "data": described,
    }
    return _Measured(landscapes, f"predicted {quantity.name} ({quantity.unit})", text, subject)


def _network_text(landscapes: Landscapes, text: str) -> str:
    edits = int(landscapes.funnels["edits"].to_numpy().min())
    return (
        f"{text.split('. ')[0]}. A dot is a local optimum, its area is its basin; lines lead to optima that are "
        f"not worse and that ascent reaches from up to {edits} edit{'s' * (edits != 1)} away; red squares are sinks, "
        f"where funnels end. Only the best {draw.DRAWN_OPTIMA} optima are drawn."
    )


def landscape_sentences(landscapes: Landscapes) -> tuple[str, ...]:
    """Return the findings about the landscapes, in sentences; each is about one data set."""
    sentences: list[str] = []
    for dataset in dataset_names(landscapes):
        for template in _SENTENCE_TEMPLATES:
            names = [name for name in template.statistics if landscapes.has(dataset, name)]
            if len(names) == len(template.statistics):
                values = (landscapes.statistic(dataset, name) for name in names)
                sentences.append(f"{dataset}: " + template.text.format(*values))
    return tuple(sentences)


@dataclass(frozen=True)
class _SentenceTemplate:
    """A sentence, and the statistics of the summary that fill its places."""

    text: str
    statistics: tuple[str, ...]


_SENTENCE_TEMPLATES = (
    _SentenceTemplate(
        "correlation at edit distance {0[value]:.0f}: {1[value]:.2f} [{1[low]:.2f}, {1[high]:.2f}]; a network at this "
        "distance from a top-1 % network is in the top 1 % with probability {2[value]:.3f} "
        "[{2[low]:.3f}, {2[high]:.3f}]",
        ("nearest distance", "correlation at the nearest distance", "P(top 1 %) at the nearest distance"),
    ),
    _SentenceTemplate(
        "correlation of two trainings of a network {0[value]:.2f} [{0[low]:.2f}, {0[high]:.2f}]; correlation of "
        "neighbors without noise {1[value]:.2f} [{1[low]:.2f}, {1[high]:.2f}]; {2[value]:.0%} of the squared "
        "difference of neighbors is noise",
        (
            "correlation of two trainings",
            "correlation of neighbors without noise",
            "share of noise in the squared difference of neighbors",
        ),
    ),
    _SentenceTemplate(
        "{0[value]:.0%} [{0[low]:.0%}, {0[high]:.0%}] of a training's top 1 % is in the top 1 % of another training",
        ("P(top 1 %) of another training",),
    ),
    _SentenceTemplate(
        "{0[value]:,.0f} different functions; correlation of neighboring functions {1[value]:.2f} "
        "[{1[low]:.2f}, {1[high]:.2f}]; {2[value]:,.0f} local optima; ascent reaches the best from {3[value]:.1%}",
        (
            "functions",
            "correlation of neighboring functions",
            "local optima among functions",
            "functions that lead to a global optimum",
        ),
    ),
    _SentenceTemplate(
        "the best neighbor leaves {0[value]:.1%} [{0[low]:.1%}, {0[high]:.1%}] of the gap to the best network",
        ("share of the gap left within 1 edit",),
    ),
    _SentenceTemplate(
        "{0[value]:,.0f} local optima, effective number of basins {1[value]:.1f}; steepest ascent takes {2[value]:.1f} "
        "edits and reaches the best from {3[value]:.1%} of the starts",
        (
            "local optima",
            "effective number of basins",
            "edits of steepest ascent",
            "starts that end in a global optimum",
        ),
    ),
    _SentenceTemplate(
        "funnels with escapes of 1 edit: {0[value]:,.0f}, {1[value]:.1%} of the starts reach the best; "
        "of 2 edits: {2[value]:,.0f}, {3[value]:.1%}",
        (
            "funnels at 1 edit",
            "starts that end in a global funnel at 1 edit",
            "funnels at 2 edits",
            "starts that end in a global funnel at 2 edits",
        ),
    ),
    _SentenceTemplate(
        "steepest ascent takes {0[value]:.1f} edits and reaches the best network found from {1[value]:.0%} "
        "[{1[low]:.0%}, {1[high]:.0%}] of {2[value]:.0f} starts; {3[value]:,.0f} local optima in "
        "{4[value]:,.0f} funnels",
        (
            "edits of steepest ascent",
            "starts whose ascent ends at the best found",
            "starts",
            "local optima found",
            "funnels at 2 edits",
        ),
    ),
    _SentenceTemplate(
        "fitness-distance correlation {0[value]:.2f} [{0[low]:.2f}, {0[high]:.2f}]",
        ("fitness-distance correlation",),
    ),
)
