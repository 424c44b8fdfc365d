"""RuleFile: a shrinker in a Python file of your own, without a package: 'my_rule.py:MyRule'.

The text of the file travels with the object, so that workers on other machines run the same rule, and a changed file is
another rule.
"""

import sys
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from lissnas.errors import LissnasError, SettingError
from lissnas.shrinkers.shrink import Shrinker
from lissnas.storage.register import class_fault


@dataclass(frozen=True)
class RuleFile:
    """A class of shrinkers in a file.

    Attributes
    ----------
    file
        The file, as the user named it.
    class_name
        Name of the class.
    source
        Text of the file.
    """

    file: str
    class_name: str
    source: str

    @property
    def checksum(self) -> str:
        """The CRC-32 of the text, in eight hexadecimal digits."""
        return f"{zlib.crc32(self.source.encode()):08x}"

    def shrinker_class(self) -> type[Shrinker]:
        """Return the class; it is loaded once in a process.

        Raises SettingError if the file fails, has no such class, or the class is no shrinker.
        """
        return _load(self)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn an exception in this context into a SettingError that says where in the file it came from."""
        try:
            yield
        except LissnasError:
            raise
        except Exception as error:
            raise SettingError(self.describe(error)) from error

    def describe(self, error: Exception) -> str:
        """Return an exception as a sentence, with the last line of the file that it came from."""
        if isinstance(error, LissnasError):
            return str(error)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.file]
        if isinstance(error, SyntaxError):
            lines = [error.lineno]
        place = f"{self.file}, line {lines[-1]}" if lines else self.file
        return f"{place}: {type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"


def read_rule(text: str) -> RuleFile:
    """Return the rule that FILE.py:ClassName names.

    Raises SettingError if the text has another form, the file cannot be read or fails, or the class is missing or no
    shrinker.
    """
    file, separator, class_name = text.rpartition(":")
    if not separator or not class_name.isidentifier():
        found = _shrinkers_in(_module(RuleFile(text, "", _read(text)))) if Path(text).is_file() else ()
        known = f"; its shrinkers are {', '.join(found)}" if found else ""
        raise SettingError(f"'{text}' does not name a class: write FILE.py:ClassName{known}")
    rule = RuleFile(file, class_name, _read(file))
    rule.shrinker_class()
    return rule


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingError(f"there is no file {file} in {Path.cwd()}: write FILE.py:ClassName") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} cannot be read: {error}") from error


@lru_cache
def _load(rule: RuleFile) -> type[Shrinker]:
    module = _module(rule)
    found = _shrinkers_in(module)
    if not hasattr(module, rule.class_name):
        known = f"its shrinkers are {', '.join(found)}" if found else "it has no shrinker at all"
        raise SettingError(f"{rule.file} has no class {rule.class_name}; {known}")
    loaded: type[Shrinker] = getattr(module, rule.class_name)
    if fault := class_fault("rounds", loaded):
        raise SettingError(
            f"{rule.class_name} of {rule.file} is no shrinker: {fault}; a shrinker is a frozen dataclass of settings "
            "with a method rounds(space, evaluations, rng)"
        )
    return loaded


def _module(rule: RuleFile) -> ModuleType:
    """Return the module of a file; a dataclass looks its module up by name, so it is registered under one."""
    name = f"lissnas_rule_{rule.checksum}"
    if name not in sys.modules:
        module = sys.modules[name] = ModuleType(name)
        module.__file__ = rule.file
        try:
            exec(compile(rule.source, rule.file, "exec"), module.__dict__)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            hint = ""
            if isinstance(error, ModuleNotFoundError):
                hint = "; a rule is one file: install what it imports as a package"
            cause = error if isinstance(error, Exception) else RuntimeError(f"it ends Python with status {error.code}")
            raise SettingError(f"{rule.describe(cause)}{hint}") from error
    return sys.modules[name]


def _shrinkers_in(module: ModuleType) -> tuple[str, ...]:
    """Return the names of the shrinkers that a module defines."""
    own: dict[str, Any] = {
        name: value for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__
    }
    return tuple(name for name, value in own.items() if isinstance(value, type) and not class_fault("rounds", value))
