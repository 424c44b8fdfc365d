"""Checks of settings, for the ``__post_init__`` of a dataclass."""

from math import inf

from lissnas.errors import SettingError


def check_at_least_one(settings: object, *names: str) -> None:
    """Raise SettingError for the first of these settings that is below 1."""
    for name in names:
        if getattr(settings, name) < 1:
            raise SettingError(f"{name} must be at least 1, not {getattr(settings, name)}")


def check_between(settings: object, low: float, high: float, *names: str) -> None:
    """Raise SettingError for the first of these settings below `low` or above `high`; None passes."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and not low <= value <= high:
            most = "" if high == inf else f" and at most {high:g}"
            raise SettingError(f"{name} must be at least {low:g}{most}, not {value:g}")


def check_share(settings: object, *names: str) -> None:
    """Raise SettingError for the first of these settings that is not a share: above 0 and below 1."""
    for name in names:
        if not 0 < getattr(settings, name) < 1:
            raise SettingError(f"{name} must be above 0 and below 1, not {getattr(settings, name)}")
