"""The random streams of published figures: the literal numbers that each was drawn with."""

import pytest
from lissnas.optimizers.search import OPTIMIZERS
from lissnas.shrinkers.shrink import SHRINKERS, shrinker_class
from lissnas.storage import random_streams
from lissnas.storage.random_streams import CellStream, RankingStream, RunStream, TrainingStream, named_generator
from lissnas_analyses.ablation.grid_points import AblationPoint
from lissnas_analyses.supernet.measure import ANGLE_METHOD
from lissnas_analyses.supernet.scores import _STREAM_NAMES, CONTINUED, FINE_TUNED, FULL_SPACE
from numpy.random import Generator, default_rng

METHOD_NUMBERS = {
    "kernel": 1_574_083_243,
    "lissnas": 3_470_437_978,
    "lissnas-model": 3_470_437_978,
    "operation-pruning": 4_282_325_069,
    "random-subset": 3_995_453_131,
    "angle": 8_471_817,
    "evolving": 4_127_919_705,
    "distribution-pruning": 3_159_348_786,
    "progressive": 3_646_955_747,
    "design-space": 3_380_157_651,
    "best-of-sample": 1_940_244_846,
    "regularized-evolution": 826_415_169,
    "local-search": 3_363_125_280,
    "regression": 917_721_476,
}

SEARCH_NUMBERS = {
    "random": 3_589_870_856,
    "regularized-evolution": 3_280_853_302,
    "evolutionary-search": 713_175_980,
    "local-search": 1_111_311_951,
    "tpe": 1_236_873_674,
    "genetic": 1_784_918_471,
}

ABLATION_NUMBERS = {
    "kernel": 3_424_880_549,
    "lissnas": 3_946_691_540,
    "lissnas-model": 2_737_616_058,
    "operation-pruning": 3_143_427_905,
    "random-subset": 1_031_156_037,
    "angle": 2_164_981_423,
    "evolving": 2_813_386_079,
    "distribution-pruning": 983_860_394,
    "progressive": 816_821_347,
    "design-space": 3_421_241_914,
    "best-of-sample": 1_506_592_391,
    "regularized-evolution": 874_276_468,
    "local-search": 2_690_441_043,
    "regression": 3_428_400_678,
}
"""The numbers of all methods with their default settings."""


def _are_equal(generator: Generator, *numbers: int) -> bool:
    return bool(generator.bit_generator.state == default_rng(list(numbers)).bit_generator.state)


def test_a_method_draws_from_the_stream_of_its_published_figures() -> None:
    assert set(METHOD_NUMBERS) == set(SHRINKERS.builtin)
    for method, number in METHOD_NUMBERS.items():
        assert _are_equal(named_generator(method, 7, 2), 7, 2, number), method


def test_a_search_draws_from_the_stream_of_its_published_figures() -> None:
    assert set(SEARCH_NUMBERS) == set(OPTIMIZERS.builtin)
    for optimizer, number in SEARCH_NUMBERS.items():
        assert _are_equal(named_generator(f"search {optimizer}", 7, 2), 7, 2, number), optimizer


def test_a_point_of_an_ablation_draws_from_the_stream_of_its_published_figures() -> None:
    assert set(ABLATION_NUMBERS) == set(SHRINKERS.builtin)
    for method, number in ABLATION_NUMBERS.items():
        assert _are_equal(AblationPoint(method, shrinker_class(method)()).generator(7, 2), 7, 2, number), method
    assert _are_equal(named_generator("noise", 7, 2), 7, 2, 4_255_749_673)


@pytest.mark.parametrize(
    ("state", "number"), [(FULL_SPACE, 1_262_623_178), (FINE_TUNED, 683_746_997), (CONTINUED, 1_592_208_386)]
)
def test_a_training_of_a_supernet_draws_from_the_stream_of_its_published_figures(state: str, number: int) -> None:
    assert _are_equal(named_generator(_STREAM_NAMES[state], 7), 7, number)


def test_shrinking_by_weight_angles_draws_from_the_stream_of_its_published_figures() -> None:
    assert _are_equal(named_generator(ANGLE_METHOD, 7, 2), 7, 2, 907_130_737)


def test_the_numbers_of_purposes_are_those_of_published_figures() -> None:
    assert {stream.name: int(stream) for stream in TrainingStream} == {
        "IMAGE_ORDER": 1,
        "PATHS": 2,
        "DROPOUT": 3,
        "PATHS_FINGERPRINT": 4,
        "AUGMENTATION": 5,
        "HOLD_OUT_SET": 6,
        "SCORED_IMAGE_ORDER": 7,
    }
    assert {stream.name: int(stream) for stream in RunStream} == {
        "SHRINKING": 5,
        "MEAN_SCORES": 6,
        "SUPERNET_WEIGHTS": 7,
        "SUPERNET_TRAINING": 8,
        "RETRAINED_WEIGHTS": 9,
        "RETRAINED_TRAINING": 10,
        "EVALUATED_NETWORKS": 11,
        "SEARCH": 12,
        "RETRAINING": 13,
        "SEARCH_WEIGHTS": 14,
        "SEARCH_TRAINING": 15,
    }
    assert {stream.name: int(stream) for stream in CellStream} == {"WEIGHTS": 0, "TRAINING": 1}
    assert {stream.name: int(stream) for stream in RankingStream} == {
        "SAMPLE": 1,
        "CONSTANT_NOISE": 2,
        "BOOTSTRAP": 3,
        "TRAININGS": 5,
    }


def test_a_purpose_and_its_number_make_the_same_generator() -> None:
    assert _are_equal(default_rng([TrainingStream.PATHS, 7, 2]), 2, 7, 2)
    assert _are_equal(default_rng((7, CellStream.WEIGHTS, 3)), 7, 0, 3)


def test_a_renamed_purpose_is_known_by_its_old_name_wherever_its_name_occurs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_streams, "STREAM_NAMES", {"new": "old"})
    assert _are_equal(named_generator("search new", 7), *_numbers(named_generator("search old", 7)))


def _numbers(generator: Generator) -> list[int]:
    return list(generator.bit_generator.seed_seq.entropy)  # type: ignore[attr-defined]
