"""The landscapes of any benchmark of the catalog: numbers, figures, sentences and the manifest, from one call."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lissnas.errors import SettingError, UnknownNameError
from lissnas.progress import ProgressCallback
from lissnas_benchmarks.benchmark import check_ranks
from lissnas_benchmarks.cache import surrogate_folder
from lissnas_benchmarks.catalog import find_adapter, find_table_adapter
from lissnas_benchmarks.loading import load_surrogate, load_table
from lissnas_benchmarks.surrogates.surrogate import SurrogateAdapter, read_description

from lissnas_analyses import style
from lissnas_analyses.landscape import draw, measure, measure_sampled
from lissnas_analyses.landscape.result import Landscapes, dataset_names
from lissnas_analyses.results.folder import Results


@dataclass(frozen=True)
class _Measured:
    """What was measured, and how it is called where it is shown."""

    found: Landscapes
    quantity: str
    text: str
    subject: dict[str, Any]


def run_landscape(
    name: str, datasets: Sequence[str], metric: str | None, seed: int, results: Results, report: ProgressCallback
) -> tuple[str, ...]:
    """Measure the landscapes of a benchmark, leave everything in a folder, and return what it comes to in sentences.

    Parameters
    ----------
    name
        Of a benchmark or a surrogate.
    datasets, metric
        By default its first data set, and its own measure of quality.
    seed
        Of random draws, where the space is too large to go through.
    results
        Where frames and figures go.
    report
        Told how far it is.
    """
    if isinstance(find_adapter(name), SurrogateAdapter):
        measured = _surrogate(name, datasets, metric, seed, report)
    elif load_table(name).complete:
        measured = _whole_space(name, datasets, metric, report)
    else:
        measured = _sample(name, datasets, metric, report)
    found = measured.found
    for field in fields(found):
        frame = getattr(found, field.name)
        if not frame.is_empty():
            results.add_table(field.name, frame)
    report("drawing", 0)
    title = f"The landscape{'s' * (len(dataset_names(found)) > 1)} of {name}"
    with style.house_style():
        results.add_figure("landscapes", draw.draw_landscapes(found, title, measured.quantity, measured.text))
        if not found.funnels.is_empty():
            report("drawing", 0.5)
            networks = draw.draw_networks(
                found, f"The local optima of {name}", measured.quantity, _network_text(found, measured.text)
            )
            results.add_figure("local_optima_networks", networks)
    report("drawing", 1)
    told = sentences(found)
    results.save(measured.subject, {"seed": seed, "datasets": list(datasets), "metric": metric}, told)
    return told


def _whole_space(name: str, datasets: Sequence[str], metric: str | None, report: ProgressCallback) -> _Measured:
    studies = measure.open_studies(name, datasets, metric)
    first = studies[0]
    found = measure.measure(studies, report)
    text = (
        f"{name}, {', '.join(opened.dataset for opened in studies)}, {first.reports.describe()}. Exact over all "
        f"{first.space.size:,} networks; bands: 95 % intervals by the jackknife over networks."
    )
    if found.has(first.dataset, "reliability"):
        text += (
            " At distance 0, correlation: the reliability of the scores; dotted: correlations divided by it. P: a "
            "single other training."
        )
    if found.has(first.dataset, "functions"):
        text += (
            " A function scores the mean of the networks that compute it; at 0: two networks of one function; dotted: "
            "networks as they are."
        )
    subject = {
        "benchmark": name,
        "datasets": [opened.dataset for opened in studies],
        "reported_by": first.reports.describe(),
        "unit": first.unit,
        "data": asdict(first.table.provenance.source),
    }
    return _Measured(found, first.quantity, text, subject)


def _sample(name: str, datasets: Sequence[str], metric: str | None, report: ProgressCallback) -> _Measured:
    adapter, table = find_table_adapter(name), load_table(name)
    check_ranks(table, metric)
    reports = adapter.reports if metric is None else replace(adapter.reports, metric=metric)
    names = tuple(datasets) or table.datasets[:1]
    found = measure_sampled.measure_sample(table, reports, names, report)
    column = table.matching(reports, names[0])[0]
    text = (
        f"{name}, {', '.join(names)}, {reports.describe()}: a sample of {len(table.index):,} of "
        f"{table.provenance.size:.3g} networks. All pairs of the sample; bands: 95 % intervals by the jackknife over "
        "networks. Neighbors of most were not measured, so that optima, basins and regret cannot be told."
    )
    quantity = f"{column.split} {column.metric} ({column.unit})".strip()
    subject = {"benchmark": name, "datasets": list(names), "reported_by": reports.describe(), "unit": column.unit}
    return _Measured(found, quantity, text, subject | {"data": asdict(table.provenance.source)})


def _surrogate(
    name: str, datasets: Sequence[str], metric: str | None, seed: int, report: ProgressCallback
) -> _Measured:
    evaluator = load_surrogate(name)
    quantity = evaluator.surrogate.quantities[0]
    if metric not in (None, quantity.name):
        raise UnknownNameError("metric", str(metric), [quantity.name])
    if datasets:
        raise SettingError(f"{name} predicts for one data set, which it does not name: leave out --dataset")
    found = measure_sampled.measure_surrogate(evaluator.space, evaluator, name, seed, report)
    text = (
        f"{name}: predicted, not measured. {measure_sampled.CENTERS:,} random networks and as many pairs a distance; "
        f"ascent from {measure_sampled.STARTS} random starts; escapes of {measure_sampled.ESCAPE} random edits. "
        "Bands: 95 % intervals over draws. The best network found stands in for the best there is."
    )
    described = asdict(read_description(surrogate_folder(name)))
    subject = {
        "benchmark": name,
        "datasets": [],
        "reported_by": f"predicted {quantity.name}",
        "unit": quantity.unit,
        "data": described,
    }
    return _Measured(found, f"predicted {quantity.name} ({quantity.unit})", text, subject)


def _network_text(found: Landscapes, text: str) -> str:
    edits = int(found.funnels["edits"].to_numpy().min())
    return (
        f"{text.split('. ')[0]}. A dot is a local optimum, as large as its basin; lines lead to optima no worse, into "
        f"which ascent ends from up to {edits} edit{'s' * (edits != 1)} away; red squares are sinks, the bottoms of "
        f"funnels. At most {draw.DRAWN_OPTIMA} optima are drawn, the best."
    )


def sentences(found: Landscapes) -> tuple[str, ...]:
    """Return what the landscapes come to, in sentences; each tells of one data set."""
    told: list[str] = []
    for dataset in dataset_names(found):
        parts: list[str] = []
        for wording in _SENTENCE_TEMPLATES:
            named = {name: found.figure(dataset, name) for name in wording.figures if found.has(dataset, name)}
            if len(named) == len(wording.figures):
                parts.append(f"{dataset}: " + wording.text.format(*named.values()))
        told += parts
    return tuple(told)


@dataclass(frozen=True)
class _SentenceTemplate:
    """A sentence, and the figures that it takes."""

    text: str
    figures: tuple[str, ...]


_SENTENCE_TEMPLATES = (
    _SentenceTemplate(
        "networks {0[value]:.0f} apart correlate by {1[value]:.2f} [{1[low]:.2f}, {1[high]:.2f}]; so far from a top-1 "
        "% network another is one with probability {2[value]:.3f} [{2[low]:.3f}, {2[high]:.3f}]",
        ("nearest distance", "correlation at the nearest distance", "P(top 1 %) at the nearest distance"),
    ),
    _SentenceTemplate(
        "two trainings of a network correlate by {0[value]:.2f} [{0[low]:.2f}, {0[high]:.2f}]; without noise its "
        "neighbors would correlate by {1[value]:.2f} [{1[low]:.2f}, {1[high]:.2f}], and {2[value]:.0%} of the squared "
        "difference of neighbors is noise",
        (
            "correlation of two trainings",
            "correlation of neighbors without noise",
            "share of noise in the squared difference of neighbors",
        ),
    ),
    _SentenceTemplate(
        "another training puts {0[value]:.0%} [{0[low]:.0%}, {0[high]:.0%}] of a training's top 1 % there again",
        ("P(top 1 %) of another training",),
    ),
    _SentenceTemplate(
        "{0[value]:,.0f} different functions; neighboring ones correlate by {1[value]:.2f} "
        "[{1[low]:.2f}, {1[high]:.2f}]; {2[value]:,.0f} local optima, ascent ends at the best from {3[value]:.1%}",
        (
            "functions",
            "correlation of neighboring functions",
            "local optima among functions",
            "functions that lead to a global optimum",
        ),
    ),
    _SentenceTemplate(
        "the best of the neighbors leaves {0[value]:.1%} [{0[low]:.1%}, {0[high]:.1%}] of the gap to the best network",
        ("share of the gap left within 1 edit",),
    ),
    _SentenceTemplate(
        "{0[value]:,.0f} local optima with {1[value]:.1f} basins of effect; steepest ascent of {2[value]:.1f} edits "
        "ends at the best from {3[value]:.1%} of the starts",
        (
            "local optima",
            "effective number of basins",
            "edits of steepest ascent",
            "starts that end in a global optimum",
        ),
    ),
    _SentenceTemplate(
        "with escapes of 1 edit {0[value]:,.0f} funnels and {1[value]:.1%} of the starts end at the best; with 2 edits "
        "{2[value]:,.0f} and {3[value]:.1%}",
        (
            "funnels at 1 edit",
            "starts that end in a global funnel at 1 edit",
            "funnels at 2 edits",
            "starts that end in a global funnel at 2 edits",
        ),
    ),
    _SentenceTemplate(
        "ascent of {0[value]:.1f} edits ends at the best network found from {1[value]:.0%} [{1[low]:.0%}, "
        "{1[high]:.0%}] of {2[value]:.0f} starts; {3[value]:,.0f} local optima found, in {4[value]:,.0f} funnels",
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
