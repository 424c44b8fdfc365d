"""Landscape tables agree with the toolkit's measures, for full spaces, samples and surrogates."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command import Command
from lissnas.locality.edit_regret import edit_regret
from lissnas.locality.exact_locality import pair_locality
from lissnas.locality.landscape import Landscape
from lissnas.locality.local_optima_network import funnels, local_optima_network
from lissnas.locality.sampled_locality import sample_locality
from lissnas.spaces.published.cell201 import distinct_cell201
from lissnas_analyses.landscape import measure, measure_sampled
from lissnas_analyses.landscape.describe import run_landscape
from lissnas_analyses.landscape.draw import draw_landscapes, draw_networks
from lissnas_analyses.landscape.result import Landscapes
from lissnas_analyses.locality.measure import measure as measure_locality
from lissnas_analyses.results.folder import Results
from lissnas_benchmarks.adapters.nas_bench_301 import ADAPTER
from lissnas_benchmarks.benchmark import Benchmark
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.loading import is_ready, load_table
from lissnas_benchmarks.obtaining.cache import surrogate_folder
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.table import Table

SURROGATE_MODELS = Path(__file__).parents[2] / "benchmarks/nas_bench_301"


def _silent(step: str, share: float) -> None:
    pass


@pytest.fixture(scope="module")
def two(proteins: Benchmark) -> list[Benchmark]:
    """The same real networks with test and with validation accuracy, as if these were two data sets."""
    return [proteins, replace(proteins, dataset="again", report=proteins.selection)]


@pytest.fixture(scope="module")
def found(two: list[Benchmark]) -> Landscapes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "score_noise", lambda table, reports, dataset: None)  # they were trained once
        return measure.measure(two, _silent)


def test_data_sets_share_the_space_and_differ_in_scores() -> None:
    first, second = measure.open_studies("nas-bench-graph", ["cora", "citeseer"], None)
    assert first.table is second.table
    assert (first.dataset, second.dataset) == ("cora", "citeseer")
    assert not np.array_equal(first.report, second.report)


def test_a_data_set_has_the_same_tables_alone_and_next_to_another(two: list[Benchmark], found: Landscapes) -> None:
    alone = measure.measure(two[:1], _silent)
    for name in ("summary", "by_distance", "regret", "neutral", "optima", "edges", "funnels"):
        both = getattr(found, name)
        assert both["dataset"].unique(maintain_order=True).to_list() == ["proteins", "again"]
        assert both.filter(pl.col("dataset") == "proteins").equals(getattr(alone, name))


def test_tables_agree_with_the_measures_of_the_toolkit(two: list[Benchmark], found: Landscapes) -> None:
    benchmark, of_study = two[1], pl.col("dataset") == "again"
    whole = Landscape(benchmark.space, benchmark.report)
    np.testing.assert_array_equal(found.regret.filter(of_study)["relative_regret"], edit_regret(whole).left.value)
    pairs = found.by_distance.filter(of_study & (pl.col("measure") == "correlation"))
    np.testing.assert_array_equal(pairs["value"], pair_locality(benchmark.space, benchmark.report).correlation.value)
    optima = found.optima.filter(of_study)
    for edits in measure.ESCAPES:
        expected = funnels(local_optima_network(whole, edits))
        rows = found.funnels.filter(of_study & (pl.col("edits") == edits))
        np.testing.assert_array_equal(rows["score"], expected.sink_scores)
        np.testing.assert_array_equal(rows["size"], expected.size)
        np.testing.assert_array_equal(optima["score"].to_numpy()[rows["sink"]], expected.sink_scores)


def test_data_sets_are_drawn_side_by_side(found: Landscapes) -> None:
    drawn = draw_landscapes(found, "two", "accuracy (%)", "a caption")
    panels = [axes for axes in drawn.axes if axes.get_title(loc="left") or axes.get_title()]
    assert len(panels) == 6
    assert all(len(axes.get_lines()) >= 2 for axes in panels)
    assert len(draw_networks(found, "two", "accuracy (%)", "a caption").axes) == 2


def test_landscape_and_locality_agree(proteins: Benchmark) -> None:
    found, known = measure.measure([proteins], _silent), measure_locality(proteins)
    for name in ("networks", "best", "mean", "fitness-distance correlation", "local optima"):
        assert found.statistic(proteins.dataset, name)["value"] == known.statistic(name)
    reach = found.statistic(proteins.dataset, "starts that end in a global optimum")["value"]
    assert reach == pytest.approx(known.statistic("share of starts that reach the global optimum"))


def test_a_function_scores_the_mean_of_its_cells() -> None:
    benchmark = measure.open_studies("analog-nasbench", [], None)[0]
    functions, scores = distinct_cell201(), benchmark.report
    function = functions.index(benchmark.space.all_rows())
    means = np.array([scores[function == number].mean() for number in range(functions.size)])
    found = measure.measure([benchmark], _silent)
    rows = found.by_distance.filter(
        (pl.col("neighborhood") == "functions") & (pl.col("measure") == "correlation") & (pl.col("distance") > 0)
    )
    np.testing.assert_allclose(rows["value"], pair_locality(functions, means).correlation.value, rtol=1e-5)
    several = np.flatnonzero(np.bincount(function) > 1)
    among = Landscape(functions, means)
    summary = dict(found.summary.select("statistic", "value").iter_rows())
    assert summary["local optima among functions"] == len(among.local_optima()) < summary["local optima"]
    assert summary["functions that lead to a global optimum"] == among.global_reach()
    expected = funnels(local_optima_network(among, 1))
    assert summary["funnels among functions at 1 edit"] == len(expected.sinks)
    zero = found.by_distance.filter((pl.col("neighborhood") == "functions") & (pl.col("distance") == 0))
    assert zero["pairs"].unique().to_list() == [len(several)]


def test_seed_noise_is_measured_if_networks_were_trained_several_times(
    open_table: Callable[[str], Table], tmp_path: Path
) -> None:
    open_table("nas-bench-macro")
    findings = run_landscape("nas-bench-macro", (), None, 0, Results(tmp_path, "landscape"), _silent)
    summary = dict(pl.read_parquet(tmp_path / "summary.parquet").select("statistic", "value").iter_rows())
    runs = open_table("nas-bench-macro").read([f"accuracy/cifar10/test/{seed}" for seed in range(3)])
    assert summary["spread of trainings of one network"] == pytest.approx(np.sqrt(runs.var(axis=1, ddof=1).mean()))
    # The reported mean is over two of the three trainings.
    noise = summary["spread of trainings of one network"] ** 2 / 2
    assert summary["reliability"] == pytest.approx(1 - noise / runs[:, 1:].mean(axis=1).var())
    assert any("is in the top 1 % of another training" in sentence for sentence in findings)


def test_a_sampled_benchmark_has_locality_but_no_optima(
    open_table: Callable[[str], Table], shared_data: Path, tmp_path: Path
) -> None:
    if not is_ready("accel-nasbench"):
        import_files(find_adapter("accel-nasbench"), (shared_data / "accel_nasbench_imagenet.parquet",))
    table = load_table("accel-nasbench")
    run_landscape("accel-nasbench", (), None, 0, Results(tmp_path, "landscape"), _silent)
    frame = pl.read_parquet(tmp_path / "by_distance.parquet")
    found = frame.filter((pl.col("measure") == "difference") & (pl.col("distance") > 0))
    scores = table.values(find_adapter("accel-nasbench").reports, "imagenet")
    expected = sample_locality(table.space, table.space.rows(table.index), scores)
    assert found["pairs"].to_list() == expected.pairs.tolist()
    np.testing.assert_array_equal(found["value"], expected.difference.value)
    assert not (tmp_path / "optima.parquet").exists()
    assert (tmp_path / "landscapes.png").exists()
    assert not (tmp_path / "local_optima_networks.png").exists()


@pytest.fixture(scope="module")
def small_surrogate(session_cache: Path) -> None:
    pytest.importorskip("xgboost")
    pytest.importorskip("lightgbm")
    if not surrogate_folder("nas-bench-301").exists():
        import_files(ADAPTER, (SURROGATE_MODELS,))


@pytest.mark.usefixtures("small_surrogate")
def test_a_surrogate_predicts_the_same_random_networks_for_the_same_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = {}
    monkeypatch.setattr(measure_sampled, "CENTERS", 500)
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        findings[folder] = run_landscape(
            "nas-bench-301", (), None, seed, Results(tmp_path / folder, "landscape"), _silent
        )
    for path in (tmp_path / "a").iterdir():
        if path.name != "manifest.json":
            assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    assert findings["a"] == findings["b"] != findings["c"]
    manifest = json.loads((tmp_path / "a/manifest.json").read_text())
    assert manifest["data"]["surrogate"] == "nas-bench-301"
    assert manifest["settings"]["seed"] == 3


def test_the_command_writes_figures_tables_and_a_manifest(in_process: Command, tmp_path: Path) -> None:
    words = ("landscape", "nas-bench-graph-proteins", "--out", "here")
    called = in_process(*words, folder=tmp_path)
    assert called.returncode == 0, called.stderr
    assert "local optima" in called.stdout
    manifest = json.loads((tmp_path / "here/manifest.json").read_text())
    assert {path.name for path in (tmp_path / "here").iterdir()} == {*manifest["files"], "manifest.json"}
    assert {"landscapes.png", "local_optima_networks.svg", "summary.csv", "edges.parquet"} <= set(manifest["files"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nas-bench-graph --dataset cora cora", "once"),
        ("nas-bench-graph --dataset cora nowhere", "nowhere"),
        ("nas-bench-301 --metric latency", "known: accuracy"),
        ("nas-bench-301 --dataset cifar10", "leave out --dataset"),
    ],
)
def test_a_mistake_is_a_one_line_error(words: str, message: str, in_process: Command, tmp_path: Path) -> None:
    called = in_process("landscape", *words.split(), folder=tmp_path)
    assert called.returncode == 2
    assert message in called.stderr
    assert called.stderr.count("\n") == 1
