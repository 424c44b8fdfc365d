"""Images that tell how many networks were scored with them: how far an evaluation, a shrinking or a search is."""

from collections.abc import Callable, Iterable, Iterator

from lissnas.supernet.images.image_batches import LabeledBatch, TrainingImages
from lissnas.supernet.images.image_source import ImageSource
from torch import Tensor


class ToldSource:
    """Images that count how often a network was scored with those held out; otherwise those of another source."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self.scored: Callable[[], None] = lambda: None

    @property
    def classes(self) -> int:
        return self._source.classes

    @property
    def channels(self) -> int:
        return self._source.channels

    @property
    def size(self) -> int:
        return self._source.size

    @property
    def train(self) -> TrainingImages:
        return self._source.train

    def recalibration(self, batches: int, batch: int) -> Iterable[Tensor]:
        return self._source.recalibration(batches, batch)

    def held_out(self, batch: int) -> Iterable[LabeledBatch]:
        return _ToldPieces(self._source.held_out(batch), self)

    def official_validation(self, batch: int) -> Iterable[LabeledBatch]:
        return self._source.official_validation(batch)

    @property
    def official_validation_images(self) -> int:
        return self._source.official_validation_images


class _ToldPieces:
    def __init__(self, pieces: Iterable[LabeledBatch], source: ToldSource) -> None:
        self._pieces = pieces
        self._source = source

    def __iter__(self) -> Iterator[LabeledBatch]:
        yield from self._pieces
        self._source.scored()
