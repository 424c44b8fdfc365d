"""Shrinking the space of a surrogate: random networks judge it, and options for tables are refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lissnas.errors import SettingError
from lissnas.spaces.published.darts import darts
from lissnas.subspaces.subspace_file import load
from lissnas_analyses.cli import app
from lissnas_benchmarks.catalog import find_adapter
from lissnas_benchmarks.obtaining.importing import import_files

MODELS = Path(__file__).parents[2] / "benchmarks" / "nas_bench_301"


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("lightgbm")
    pytest.importorskip("xgboost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISSNAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        import_files(find_adapter("nas-bench-301"), (MODELS,))
        yield "nas-bench-301"


def test_shrinking_a_surrogates_space_keeps_better_networks(
    surrogate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--seeds", "5", "--confidence", "0.6", "--max-rounds", "3", "--out", str(tmp_path)]
    app.app(["shrink", surrogate, *options], exit_on_error=False)
    printed = capsys.readouterr().out
    assert "reported by the same predicted accuracy" in printed
    words = printed.split()
    in_subspace, in_space = (float(words[place + 1]) for place in (words.index("mean"), words.index("subspace,")))
    assert in_subspace > in_space
    subspace, provenance = load(tmp_path / "shrunk-lissnas.parquet", darts())
    assert provenance["selected_by"] == "predicted accuracy"
    assert 0 < subspace.size_bounds[0] <= 5 * 121


@pytest.mark.parametrize("option", [("--limit", "flops<=3"), ("--dataset", "cifar10")])
def test_options_for_tables_are_refused(surrogate: str, tmp_path: Path, option: tuple[str, str]) -> None:
    with pytest.raises(SettingError, match=f"takes no {option[0]}"):
        app.app(["shrink", surrogate, *option, "--out", str(tmp_path)], exit_on_error=False)
