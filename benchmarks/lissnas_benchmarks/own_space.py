"""Search spaces of one's own without a program: `4x5`, `5^6`, or a TOML file with names, choices and scales."""

import re
from dataclasses import dataclass
from typing import Annotated

import msgspec
from lissnas.errors import SettingError
from lissnas.spaces.categorical import CategoricalSpace

_PLAIN = re.compile(r"\d{1,3}(?:\^\d{1,3})?(?:x\d{1,3}(?:\^\d{1,3})?)*", re.ASCII)

_MAX_GENES = 255
"""Maximum number of genes of a space: edit distances are uint8."""


@dataclass(frozen=True)
class _Gene:
    """One choice of a space.

    Attributes
    ----------
    name
        Its name, which is also that of its column in a table.
    choices
        The names of its choices.
    ordinal
        Whether the choices are in ascending order.
    """

    name: str
    choices: Annotated[list[str | int], msgspec.Meta(min_length=1, max_length=256)]
    ordinal: bool = False


@dataclass(frozen=True)
class _Declaration:
    """A space, as its TOML file declares it."""

    name: str
    genes: Annotated[list[_Gene], msgspec.Meta(min_length=1, max_length=_MAX_GENES)]
    pattern: str | None = None


def own_space(text: str) -> tuple[CategoricalSpace, tuple[str, ...]] | None:
    """Return a declared space and the names of its genes, or None if the text declares none.

    Parameters
    ----------
    text
        Numbers of choices, such as "4x5" for two genes of 4 and 5 choices or "5^6" for six genes of 5; or the content
        of a TOML file with a `name` and, for each gene, `[[genes]]` with a `name`, `choices` and perhaps
        `ordinal = true`. `pattern` says how an architecture is written, with one {} a gene; by default the choices are
        separated by commas.

    Raises
    ------
    SettingError
        If the TOML is not such a declaration, or the space is impossible.

    Examples
    --------
    >>> space, genes = own_space("4x5")
    >>> space.size, genes
    (20, ('gene0', 'gene1'))
    """
    if "=" in text:
        return _of_toml(text)
    if not _PLAIN.fullmatch(text):
        return None
    choices: list[int] = []
    for part in text.split("x"):
        count, _, times = part.partition("^")
        choices += [int(count)] * int(times or 1)
    if len(choices) > _MAX_GENES:
        raise SettingError(f"{text}: {len(choices)} genes, but the maximum is {_MAX_GENES}")
    names = [[str(choice) for choice in range(count)] for count in choices]
    genes = tuple(f"gene{gene}" for gene in range(len(choices)))
    return CategoricalSpace(text, names, ",".join(["{}"] * len(choices))), genes


def _of_toml(text: str) -> tuple[CategoricalSpace, tuple[str, ...]]:
    try:
        declared = msgspec.toml.decode(text.encode(), type=_Declaration)
    except (msgspec.MsgspecError, ValueError) as error:
        raise SettingError(
            f"not a space in TOML ({error}): it needs a name and for each gene [[genes]] with a name and choices"
        ) from error
    choices = [[str(choice) for choice in gene.choices] for gene in declared.genes]
    genes = tuple(gene.name for gene in declared.genes)
    pattern = ",".join(["{}"] * len(genes)) if declared.pattern is None else declared.pattern
    repeated = [gene.name for gene, names in zip(declared.genes, choices, strict=True) if len(set(names)) < len(names)]
    if repeated or len(set(genes)) < len(genes):
        raise SettingError(f"{declared.name}: a name occurs twice in {', '.join(repeated) or 'the genes'}")
    if pattern.count("{}") != len(genes):
        raise SettingError(
            f"{declared.name}: its pattern '{pattern}' needs one {{}} for each of its {len(genes)} genes"
        )
    return CategoricalSpace(declared.name, choices, pattern, [gene.ordinal for gene in declared.genes]), genes
