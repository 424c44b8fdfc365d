"""A table with a sample of its space: methods that need no other architectures are compared, others are left out."""

from dataclasses import replace
from pathlib import Path

import lissnas as ln
import numpy as np
import polars as pl
import pytest
from lissnas.errors import SettingError
from lissnas.spaces.listed import ListedSpace
from lissnas.spaces.published.macro import macro
from lissnas.spaces.without_neighbors import WithoutNeighbors
from lissnas_analyses.comparison import measure
from lissnas_analyses.comparison.describe import comparison_sentences
from lissnas_benchmarks.benchmark import Benchmark


@pytest.fixture(scope="module")
def sample(proteins: Benchmark) -> Benchmark:
    """Every third network of a real table."""
    scores = [np.full(proteins.space.size, np.nan) for _ in range(2)]
    for reduced, full in zip(scores, (proteins.selection, proteins.report), strict=True):
        reduced[::3] = full[::3]
    return replace(proteins, selection=scores[0], report=scores[1]).reduced_to_scored()


def test_methods_that_need_neighbors_are_left_out_and_the_others_keep_listed_networks(sample: Benchmark) -> None:
    methods = ["lissnas", "kernel", "operation-pruning", "regression", "local-search:evaluations=50,size=5"]
    result = measure.compare(sample, methods, 2, 7)
    assert result.methods == ("kernel", "operation-pruning", "regression")
    for method in ("lissnas", "local-search(size=5, evaluations=50)"):
        assert "needs the neighbors of architectures, and only 674 of the 2,021" in result.left_out[method]
    assert (result.evaluations, result.size) == ((150,), 20)
    assert result.final("kernel", "evaluations")[0] == 150
    assert result.final("kernel", "size")[0] == 20
    kept = sample.space.rows(result.first_run["kernel"][-1].index)
    assert (sample.table.space.index(kept) % 3 == 0).all()
    said = (
        "evaluations: 150, except for methods that stop by their own rule; size: 20 networks, as far as the rule of a"
    )
    assert any(sentence.startswith(said) for sentence in comparison_sentences(result))


def test_a_table_that_lacks_most_scores_is_a_sample_of_those_that_it_has(tmp_path: Path) -> None:
    space = macro()
    chosen = np.arange(0, space.size, 7)
    frame = pl.DataFrame({"arch": space.write(space.rows(chosen)), "accuracy": chosen / 100})
    frame.write_csv(tmp_path / "mine.csv")
    full = ln.load_file(tmp_path / "mine.csv", space, columns=["accuracy"], string_column="arch", missing=True)
    assert (full.is_sample, full.space.size) == (False, space.size)
    sampled = full.reduced_to_scored()
    assert sampled.is_sample
    assert sampled.space.write(sampled.space.all_rows()) == frame["arch"].to_list()
    assert sampled.report.tolist() == (chosen / 100).tolist()
    assert str(sampled).startswith("mine: 938 networks (a sample of the 6.56e+03 of macro); ")


def test_a_table_that_has_most_scores_stays_complete(proteins: Benchmark) -> None:
    scores = proteins.report.copy()
    scores[::3] = np.nan
    most = replace(proteins, report=scores)
    assert most.reduced_to_scored() is most


def test_a_space_without_neighbors_has_the_listed_architectures() -> None:
    space = WithoutNeighbors(ListedSpace(macro(), macro().rows(np.array([3, 50, 700]))))
    assert space.size == 3
    assert space.index(macro().rows(np.array([700, 3]))).tolist() == [2, 0]
    with pytest.raises(SettingError, match="needs the neighbors of architectures, and only 3 of the 6,561 of macro"):
        space.neighbors(space.all_rows())
