"""Checks of settings: the first wrong one is named, with its value and its range."""

from dataclasses import dataclass
from math import inf

import pytest
from lissnas.errors import SettingError
from lissnas.setting_checks import check_at_least_one, check_between, check_share


@dataclass(frozen=True)
class _Settings:
    size: int = 1
    rounds: int = 1
    share: float | None = 0.5


def test_settings_within_their_range_pass() -> None:
    check_at_least_one(_Settings(), "size", "rounds")
    check_between(_Settings(share=0), 0, 1, "share")
    check_between(_Settings(share=1), 0, 1, "share")
    check_between(_Settings(share=None), 0, 1, "share")
    check_share(_Settings(share=0.5), "share")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (_Settings(size=0), "size must be at least 1, not 0"),
        (_Settings(rounds=-2), "rounds must be at least 1, not -2"),
    ],
)
def test_a_setting_below_one_is_refused_by_name(settings: _Settings, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        check_at_least_one(settings, "size", "rounds")


@pytest.mark.parametrize(
    ("share", "high", "message"),
    [
        (1.5, 1, r"share must be at least 0 and at most 1, not 1\.5"),
        (-1, inf, "share must be at least 0, not -1"),
        (float("nan"), inf, "share must be at least 0, not nan"),
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(share: float, high: float, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        check_between(_Settings(share=share), 0, high, "share")


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_of_0_or_1_or_outside_is_refused_by_name(share: float) -> None:
    with pytest.raises(SettingError, match=f"share must be above 0 and below 1, not {share}"):
        check_share(_Settings(share=share), "share")
