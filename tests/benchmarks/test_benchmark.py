"""An opened benchmark: it prints as a sentence, and a surrogate is refused with what to do."""

import pytest
from lissnas.errors import SettingError
from lissnas_benchmarks.benchmark import open_benchmark
from lissnas_benchmarks.loading import load_surrogate, load_table


def test_a_benchmark_prints_its_data_set_its_size_and_its_roles() -> None:
    benchmark = open_benchmark("nas-bench-graph-proteins")
    assert str(benchmark) == (
        "nas-bench-graph-proteins: 2,021 networks; selected by validation accuracy, reported by test accuracy"
    )
    assert repr(benchmark) == f"<Benchmark {benchmark}>"


@pytest.mark.parametrize("open_it", [load_table, open_benchmark])
def test_a_surrogate_has_no_table(open_it: object) -> None:
    assert callable(open_it)
    with pytest.raises(SettingError, match=r"open it with load_surrogate\('nas-bench-301'\)"):
        open_it("nas-bench-301")


def test_a_table_is_not_a_surrogate() -> None:
    with pytest.raises(SettingError, match=r"open it with load_table\('nas-bench-macro'\)"):
        load_surrogate("nas-bench-macro")
