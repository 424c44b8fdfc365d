"""NAS-Bench-301: the same features and predictions as the official package, and a cache that is checked.

The models of `nas_bench_301/` were trained by `nas_bench_301_official.py` with the official package's own code on
made-up results, and the predictions beside them are the official package's.
"""

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.errors import ArchitectureError, UnknownNameError
from lissnas.shrinkers.lissnas import Lissnas
from lissnas.shrinkers.shrink import shrink
from lissnas.spaces.published.darts import darts
from lissnas.spaces.space import Rows
from lissnas_benchmarks.adapters.nas_bench_301 import ADAPTER, ORDER, V09, features
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.errors import BenchmarkFileError, MissingFileError
from lissnas_benchmarks.loading import load_surrogate
from lissnas_benchmarks.obtaining.cache import surrogate_folder
from lissnas_benchmarks.obtaining.importing import import_files
from lissnas_benchmarks.surrogates import boosters
from lissnas_benchmarks.surrogates.surrogate import SurrogateEvaluator

GOLDEN = Path(__file__).parents[1] / "nas_bench_301"

PREDICTED = json.loads((GOLDEN / "predictions.json").read_text())


@pytest.fixture(scope="module")
def rows() -> Rows:
    return darts().read([case["architecture"] for case in PREDICTED["cases"]])


def _official(name: str) -> np.ndarray:
    return np.array([case[name] for case in PREDICTED["cases"]])


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the model folder, to be damaged."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "nb_models"))


@pytest.fixture(scope="module")
def progress() -> list[float]:
    """The shares that the one import reported."""
    return []


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, progress: list[float]) -> Path:
    """A cache into which the small models were imported."""
    pytest.importorskip("xgboost")
    pytest.importorskip("lightgbm")
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(folder))
        import_files(ADAPTER, (GOLDEN,), progress.append)
    return folder


@pytest.fixture(scope="module")
def evaluator(cache: Path) -> SurrogateEvaluator:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(cache))
        return load_surrogate("nas-bench-301")


# Features


def test_the_order_of_the_features_is_the_official_one() -> None:
    assert list(ORDER) == PREDICTED["order"]


def test_features_are_the_official_ones(rows: Rows) -> None:
    made, constants = features(rows), PREDICTED["constants"]
    architecture = [place for place, name in enumerate(ORDER) if name not in constants]
    assert len(architecture) == 34
    np.testing.assert_array_equal(made[:, architecture], _official("features"))
    for name, value in constants.items():
        assert set(made[:, ORDER.index(name)]) == {value}


def test_different_architectures_have_different_features() -> None:
    made = features(darts().sample(20_000, np.random.default_rng(0)))
    assert len(np.unique(made, axis=0)) == 20_000


def test_a_batch_without_architectures_has_no_features() -> None:
    assert features(darts().rows(np.empty(0, dtype=np.int64))).shape == (0, 56)


# Predictions


def test_the_official_predictions_tell_architectures_apart() -> None:
    for name in ("accuracy", "std", "runtime"):
        assert len(np.unique(_official(name))) > 40


def test_accuracies_are_the_official_ones(evaluator: SurrogateEvaluator, rows: Rows) -> None:
    # The official mean is taken in float32, which near 90 has steps of 7.6e-6.
    np.testing.assert_allclose(evaluator(rows), _official("accuracy"), rtol=0, atol=2e-5)


def test_deviations_are_the_official_ones(evaluator: SurrogateEvaluator, rows: Rows) -> None:
    np.testing.assert_allclose(evaluator.predict(rows)[1], _official("std"), rtol=0, atol=2e-5)


def test_runtimes_are_the_official_ones(evaluator: SurrogateEvaluator, rows: Rows) -> None:
    np.testing.assert_allclose(evaluator.runtime(rows), _official("runtime"), rtol=1e-12)


def test_the_surrogate_says_how_many_members_it_has(evaluator: SurrogateEvaluator) -> None:
    assert evaluator.members == {"accuracy": 2, "runtime": 2}


def test_predictions_do_not_depend_on_the_batch(evaluator: SurrogateEvaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = darts().sample(1000, np.random.default_rng(1))
    together = evaluator(rows)
    monkeypatch.setattr(boosters, "_ROWS_AT_ONCE", 97)
    np.testing.assert_array_equal(evaluator(rows), together)
    np.testing.assert_array_equal(evaluator(rows[500:501]), together[500:501])


def test_an_empty_batch_has_no_predictions(evaluator: SurrogateEvaluator) -> None:
    assert evaluator(darts().rows(np.empty(0, dtype=np.int64))).shape == (0,)


def test_noise_has_the_standard_deviation_of_the_ensemble(evaluator: SurrogateEvaluator, rows: Rows) -> None:
    draws = evaluator.noisy(np.random.default_rng(2))(np.tile(rows, (400, 1))).reshape(400, len(rows))
    mean, std = evaluator.predict(rows)
    assert std.max() > 0.1
    # Five standard errors of a mean and of a deviation of 400 draws.
    assert (np.abs(draws.mean(axis=0) - mean) <= 5 * std / 20 + 1e-9).all()
    np.testing.assert_allclose(draws.std(axis=0), std, rtol=5 / np.sqrt(800), atol=1e-9)


def test_the_same_seed_draws_the_same_noise(evaluator: SurrogateEvaluator, rows: Rows) -> None:
    first, second = (evaluator.noisy(np.random.default_rng(3))(rows) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_rows_of_another_space_are_refused(evaluator: SurrogateEvaluator) -> None:
    with pytest.raises(ArchitectureError, match="darts takes uint8 rows"):
        evaluator(np.zeros((1, 6), dtype=np.uint8))


def test_lissnas_shrinks_the_surrogates_space(evaluator: SurrogateEvaluator) -> None:
    trace = shrink(evaluator.space, evaluator, Lissnas(), np.random.default_rng(4))
    subspace_scores = evaluator(trace.subspace.sample(200, np.random.default_rng(5)))
    assert subspace_scores.mean() > evaluator(evaluator.space.sample(200, np.random.default_rng(6))).mean()


# The cache


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LISSNAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def imported(empty_cache: Path, cache: Path) -> Path:
    """A copy of the imported models, to be damaged."""
    shutil.copytree(cache, empty_cache)
    return surrogate_folder("nas-bench-301")


def test_every_surrogate_of_the_catalog_is_found_by_its_name() -> None:
    assert find_adapter("nas-bench-301") is ADAPTER
    assert find_adapter("nas-bench-301-v0.9") is V09


def test_an_unknown_surrogate_raises_an_error_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'nas-bench-301'"):
        load_surrogate("nasbench301")


def test_a_missing_surrogate_raises_an_error_with_how_to_get_it(empty_cache: Path) -> None:
    with pytest.raises(MissingFileError, match=r"figshare.*13061510.*lissnas data import nas-bench-301 nasbench"):
        load_surrogate("nas-bench-301")


def test_a_folder_above_the_models_can_be_imported_too(models: Path) -> None:
    assert ADAPTER.find_members(models.parent) == ADAPTER.find_members(models)
    assert [len(paths) for paths in ADAPTER.find_members(models).values()] == [2, 2]


@pytest.mark.usefixtures("cache")
def test_progress_ends_at_1(progress: list[float]) -> None:
    assert progress == [0.25, 0.5, 0.75, 1.0]


def test_the_converted_folder_names_its_source(imported: Path) -> None:
    described = json.loads((imported / "surrogate.json").read_bytes())
    assert described["page"] == ADAPTER.page
    assert set(described["official"]) == {
        str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("surrogate_model.model")
    }


def test_the_converted_folder_contains_no_pickle(imported: Path) -> None:
    assert {path.suffix for path in imported.rglob("*.*")} == {".ubj", ".txt", ".json"}


def test_a_failed_import_leaves_the_earlier_one(imported: Path, models: Path) -> None:
    before = {path: path.read_bytes() for path in imported.rglob("*.*")}
    shutil.rmtree(models / "lgb_runtime_v1.0" / "ensemble_member_0")
    with pytest.raises(BenchmarkFileError):
        import_files(ADAPTER, (models,))
    assert {path: path.read_bytes() for path in imported.rglob("*.*")} == before
    assert sorted(path.name for path in imported.parent.iterdir() if path.suffix != ".lock") == ["nas-bench-301"]


@pytest.mark.slow
def test_another_import_replaces_the_first(imported: Path) -> None:
    assert import_files(ADAPTER, (GOLDEN,)) == imported
    load_surrogate("nas-bench-301")


@pytest.mark.parametrize("name", ["accuracy-1.ubj", "runtime-0.txt", "surrogate.json"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-30], id="cut short"),
        pytest.param(lambda data: bytes([data[0] ^ 1]) + data[1:], id="a flipped bit"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(None, id="missing"),
    ],
)
def test_a_damaged_cache_is_refused_by_the_files_name(
    imported: Path, name: str, damage: Callable[[bytes], bytes] | None
) -> None:
    [file] = imported.rglob(name)
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(BenchmarkFileError, match=rf"{re.escape(name)}: .*lissnas data import"):
        load_surrogate("nas-bench-301")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"format": 1', '"format": 2'),
        ('"surrogate": "nas-bench-301"', '"surrogate": "nas-bench-301-v0.9"'),
        ('"runtime-0.txt",', '"../runtime-0.txt",'),
        ('"runtime": [', '"latency": ['),
        ('"runtime-0.txt",', '"runtime-9.txt",'),
        ('"format": 1', f'"x": {"[" * 100_000}'),
    ],
)
def test_a_cache_of_another_surrogate_or_layout_is_refused(imported: Path, was: str, now: str) -> None:
    described = (imported / "surrogate.json").read_text()
    assert was in described
    (imported / "surrogate.json").write_text(described.replace(was, now))
    with pytest.raises(BenchmarkFileError, match="lissnas data import"):
        load_surrogate("nas-bench-301")


# The official folder


MEMBER = Path("xgb_v1.0") / "ensemble_member_0"


def _rename_versions(folder: Path) -> None:
    for path in folder.glob("*_v1.0"):
        path.rename(path.with_name(path.name.replace("1.0", "0.9")))


def _rename_first_member(folder: Path) -> None:
    (folder / MEMBER).rename(folder / "xgb_v1.0" / "ensemble_member_2")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(
            lambda folder: shutil.rmtree(folder / "xgb_v1.0"), "contains no folder xgb_v1.0", id="no accuracy"
        ),
        pytest.param(
            lambda folder: shutil.rmtree(folder / "lgb_runtime_v1.0"), "contains no folder lgb_r", id="no runtime"
        ),
        pytest.param(lambda folder: shutil.rmtree(folder / MEMBER), "1 of 2 members are missing", id="no first member"),
        pytest.param(_rename_first_member, "1 of 3 members are missing .first: ensemble_member_0", id="a gap"),
        pytest.param(lambda folder: (folder / MEMBER / "surrogate_model.model").unlink(), "is missing", id="no model"),
        pytest.param(lambda folder: (folder / MEMBER / "model_config.json").unlink(), "settings", id="no settings"),
        pytest.param(
            lambda folder: (folder / MEMBER / "model_config.json").write_text("{"), "settings", id="cut settings"
        ),
        pytest.param(lambda folder: (folder / MEMBER / "model_config.json").write_text("[]"), "settings", id="a list"),
        pytest.param(
            lambda folder: (folder / MEMBER / "model_config.json").write_text('{"model": "gnn_gin"}'),
            "kind 'gnn_gin' instead of 'xgb'",
            id="a graph network",
        ),
        pytest.param(_rename_versions, "contains xgb_v0.9, but nas-bench-301 is version 1.0", id="another version"),
        pytest.param(
            lambda folder: shutil.copytree(folder / "xgb_v1.0", folder / "again" / "xgb_v1.0"), "2 times", id="twice"
        ),
        pytest.param(
            lambda folder: shutil.copytree(folder / MEMBER, folder / "xgb_v1.0" / "x" / MEMBER.name), "a second"
        ),
    ],
)
def test_an_incomplete_folder_is_refused(
    empty_cache: Path, models: Path, damage: Callable[[Path], Any], message: str
) -> None:
    damage(models)
    with pytest.raises(BenchmarkFileError, match=message):
        import_files(ADAPTER, (models,))
    assert not (empty_cache / "surrogates" / "nas-bench-301").exists()


def test_the_earlier_version_has_its_own_name(models: Path) -> None:
    _rename_versions(models)
    assert [len(paths) for paths in V09.find_members(models).values()] == [2, 2]


@pytest.mark.slow
def test_an_archive_of_the_folder_can_be_imported_too(
    empty_cache: Path, models: Path, evaluator: SurrogateEvaluator
) -> None:
    (models / "gnn_gin_v1.0").mkdir()
    (models / "gnn_gin_v1.0" / "surrogate_model.model").write_bytes(bytes(1000))
    archive = shutil.make_archive(str(models.parent / "nasbench301_models_v1.0"), "zip", models.parent, models.name)
    with zipfile.ZipFile(archive) as opened:
        assert not [name for name in opened.namelist() if re.fullmatch(ADAPTER.needed, name) and "gnn" in name]
    imported_folder = import_files(ADAPTER, (Path(archive),))
    assert {path.name for path in imported_folder.parent.iterdir() if not path.name.startswith(".")} == {
        "nas-bench-301"
    }
    rows = evaluator.space.sample(20, np.random.default_rng(0))
    np.testing.assert_array_equal(load_surrogate("nas-bench-301")(rows), evaluator(rows))


def test_a_missing_folder_is_refused_with_how_to_get_it(empty_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"absent: not a folder; run 'lissnas data get nas-bench-301'"):
        import_files(ADAPTER, (tmp_path / "absent",))
