"""CategoricalSpace: all combinations of independent choices; an edit changes one gene, so distance is Hamming."""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lissnas.errors import ArchitectureError, SettingError, shortened
from lissnas.spaces.space import Floats, Indices, Rows, ShellSums, Space


class CategoricalSpace(Space):
    """The product of independent choices, with any number of genes.

    Parameters
    ----------
    name
        The field's name for the space.
    operations
        For each gene the names of its choices, as official strings contain them.
    pattern
        The form of an official string, with one ``{}`` for each gene, in gene order.
    ordinal
        Which genes are ordinal: their choices are in ascending order. None if omitted.

    Raises
    ------
    SettingError
        If `ordinal` has the wrong length, or a gene has not 1 to 256 choices.

    Notes
    -----
    A space of more than 2^63 architectures has no index: its methods that need one raise SettingError. A `ListedSpace`
    of some of its architectures has one.

    Examples
    --------
    >>> space = CategoricalSpace("two layers", (("skip", "conv"),) * 2, "{}-{}")
    >>> space.write(space.neighbors(space.read(["skip-conv"]))[0])
    ['conv-conv', 'skip-skip']
    """

    def __init__(
        self, name: str, operations: Sequence[Sequence[str]], pattern: str, ordinal: Sequence[bool] | None = None
    ) -> None:
        self.name = name
        self.operations = tuple(tuple(names) for names in operations)
        self.choices = tuple(len(names) for names in self.operations)
        self.size = int(np.prod(np.asarray(self.choices, dtype=object)))
        self._pattern = pattern
        self._ordinal = (False,) * len(self.choices) if ordinal is None else tuple(ordinal)
        if len(self._ordinal) != len(self.choices):
            raise SettingError(
                f"{name}: {len(self._ordinal)} ordinal marks for {len(self.choices)} genes; give one each"
            )
        if not all(1 <= count <= 256 for count in self.choices):
            raise SettingError(
                f"{name}: its genes have {list(self.choices)} choices; each must have 1 to 256, to fit a uint8"
            )

    @property
    def ordinal(self) -> tuple[bool, ...]:
        return self._ordinal

    @cached_property
    def _places(self) -> Indices:
        """How much one step of each gene adds to the index; the first gene is the most significant."""
        following = [int(np.prod(np.asarray(self.choices[gene + 1 :], dtype=object))) for gene in range(self.genes)]
        return np.array(following, dtype=np.int64)

    @property
    def has_index(self) -> bool:
        return self.size <= np.iinfo(np.int64).max

    def _check_index(self) -> None:
        if not self.has_index:
            raise SettingError(
                f"{self.name} has {self.size:.3g} architectures, too many for an int64 index: list the measured ones "
                f"as a sampled table, whose rows identify them"
            )

    def index(self, rows: Rows) -> Indices:
        self._check_index()
        return self.checked(rows) @ self._places

    def canonical(self, rows: Rows) -> Rows:
        return self.checked(rows)

    def rows(self, index: Indices) -> Rows:
        self._check_index()
        counts = np.asarray(self.choices, dtype=np.int64)
        return (self.checked_index(index)[:, None] // self._places % counts).astype(np.uint8)

    def neighbors(self, rows: Rows) -> tuple[Rows, Indices]:
        rows = self.checked(rows)
        degree = sum(self.choices) - self.genes
        edited = np.repeat(rows[:, None, :], degree, axis=1)
        first = 0
        for gene, count in enumerate(self.choices):
            steps = np.arange(1, count)
            edited[:, first : first + count - 1, gene] = (rows[:, gene, None] + steps) % count
            first += count - 1
        return edited.reshape(-1, self.genes), np.repeat(np.arange(len(rows)), degree)

    def distance(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        return (self.checked(a) != self.checked(b)).sum(axis=1, dtype=np.uint8)

    def distances(self, a: Rows, b: Rows) -> NDArray[np.uint8]:
        a, b = self.checked(a), self.checked(b)
        distances = np.zeros((len(a), len(b)), dtype=np.uint8)
        for gene in range(self.genes):
            distances += a[:, gene, None] != b[:, gene]
        return distances

    def shell_sums(self, columns: Floats, scores: Floats) -> ShellSums:
        self.all_rows()
        return ShellSums(self._summed(columns), self._differences(scores))

    def _summed(self, columns: Floats) -> Floats:
        """Expand the product over genes of (keep + x · change): the coefficient of x^d is the sum at distance d."""
        sums = np.zeros((self.genes + 1, *self.choices, columns.shape[1]))
        sums[0] = columns.reshape(*self.choices, -1)
        for gene in range(self.genes):
            changed = sums[: gene + 1].sum(axis=1 + gene, keepdims=True) - sums[: gene + 1]
            sums[1 : gene + 2] += changed
        return sums.reshape(self.genes + 1, self.size, -1)

    def _differences(self, scores: Floats) -> Floats:
        """Compare the scores with a copy shifted by each possible difference of genes, modulo the choices.

        The genes are split into two halves, so that a shift permutes rows and columns. Sums of a few hundred terms are
        float32 for speed, which keeps six digits.
        """
        head, tail = (self._part(genes) for genes in (slice(0, self.genes // 2), slice(self.genes // 2, self.genes)))
        differences = np.zeros((self.genes + 1, head.size, tail.size))
        grid = scores.astype(np.float32).reshape(head.size, tail.size)
        missing = bool(np.isnan(grid).any())
        difference = np.empty_like(grid)
        heads = list(zip(*head._shifts(), strict=True))
        for tail_distance, tail_shift in zip(*tail._shifts(), strict=True):
            shifted_columns = grid[:, tail_shift]
            by_head_distance = np.zeros((head.genes + 1, *grid.shape), dtype=np.float32)
            for head_distance, head_shift in heads:
                np.take(shifted_columns, head_shift, axis=0, out=difference, mode="clip")
                np.abs(np.subtract(difference, grid, out=difference), out=difference)
                if missing:
                    np.nan_to_num(difference, copy=False)
                by_head_distance[head_distance] += difference
            differences[tail_distance : tail_distance + head.genes + 1] += by_head_distance
        return differences.reshape(self.genes + 1, self.size)

    def _part(self, genes: slice) -> "CategoricalSpace":
        return CategoricalSpace(self.name, self.operations[genes], "")

    def _shifts(self) -> tuple[Indices, Indices]:
        """Return the distance of each shift of the genes (size,) and the index it maps each index to (size, size)."""
        rows = self.rows(np.arange(self.size, dtype=np.int64)).astype(np.int64)
        return np.count_nonzero(rows, axis=1), (rows[:, None] + rows) % np.asarray(
            self.choices, dtype=np.int64
        ) @ self._places

    def mean_distance(self, rows: Rows) -> float:
        rows = self.checked(rows)
        if len(rows) < 2:
            return float("nan")
        same_pairs = sum(
            int((count * (count - 1)).sum())
            for gene in range(self.genes)
            if (count := np.bincount(rows[:, gene].astype(np.int64), minlength=self.choices[gene])) is not None
        )
        return self.genes - same_pairs / (len(rows) * (len(rows) - 1))

    def write(self, rows: Rows) -> list[str]:
        return [
            self._pattern.format(*(names[choice] for names, choice in zip(self.operations, row, strict=True)))
            for row in self.checked(rows).tolist()
        ]

    def read(self, strings: Sequence[str]) -> Rows:
        parts = [re.escape(part) for part in self._pattern.split("{}")]
        genes = ["(" + "|".join(map(re.escape, names)) + ")" for names in self.operations]
        grammar = re.compile("".join(part + gene for part, gene in zip(parts, genes, strict=False)) + parts[-1])
        rows = np.empty((len(strings), self.genes), dtype=np.uint8)
        for row, string in zip(rows, strings, strict=True):
            match = grammar.fullmatch(string)
            if match is None:
                example = self.write(np.zeros((1, self.genes), dtype=np.uint8))[0]
                raise ArchitectureError(
                    f"'{shortened(string)}' is not written as {self.name} writes it: {self._difference(string)}; "
                    f"for example '{example}'"
                )
            row[:] = [names.index(name) for names, name in zip(self.operations, match.groups(), strict=True)]
        return rows

    def _difference(self, string: str) -> str:
        """Return the first difference between a string and the official form."""
        if string != string.strip():
            return "it has blanks around it"
        parts, rest = self._pattern.split("{}"), string
        for gene, (part, names) in enumerate(zip(parts, self.operations, strict=False)):
            if not rest.startswith(part):
                return f"it needs '{part}' where it has '{shortened(rest, 20)}'"
            rest = rest[len(part) :]
            following = parts[gene + 1]
            fitting = [name for name in names if rest.startswith(name + following)]
            if not fitting:
                end = rest.find(following) if following else -1
                found = rest if end < 0 and following else rest[:end] if end >= 0 else rest[:1]
                what = f"unknown choice '{shortened(found, 20)}'" if found else "it lacks the choice"
                return f"{what} of gene {gene}, which is one of {', '.join(names)}"
            rest = rest[len(max(fitting, key=len)) :]
        return f"it has '{shortened(rest, 20)}' where it must end with '{parts[-1]}'"
