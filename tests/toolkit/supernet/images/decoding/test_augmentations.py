"""The input of a network: sizes, channels, values and random changes of the published augmentations."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lissnas.errors import SettingError
from lissnas.supernet.images.decoding.augmentations import ABS_AUGMENTATION, SPOS_AUGMENTATION, Augmentation
from PIL import Image

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8))


def _plain(color: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (90, 70), color)


@pytest.mark.parametrize("augmentation", [SPOS_AUGMENTATION, ABS_AUGMENTATION])
def test_inputs_are_224_pixels_wide_blue_first_and_not_normalized(augmentation: Augmentation) -> None:
    for transform in (replace(augmentation, color_jitter=0, lighting_std=0).for_training(), augmentation.for_scoring()):
        pixels = transform(_plain((250, 100, 3)))
        assert pixels.shape == (3, 224, 224)
        assert pixels.dtype == torch.uint8
        assert pixels[:, 50, 50].tolist() == [3, 100, 250]


def test_scoring_crops_the_center_of_an_image_whose_shorter_side_is_256() -> None:
    expected = np.asarray(NOISE.resize((341, 256), Image.Resampling.BILINEAR))[16:240, 58:282, ::-1]
    found = SPOS_AUGMENTATION.for_scoring()(NOISE).permute(1, 2, 0).numpy()
    assert np.array_equal(found, expected)


def test_augmentation_draws_from_torchs_generator_alone() -> None:
    transform = SPOS_AUGMENTATION.for_training()
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(transform(NOISE))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_half_of_the_images_are_flipped() -> None:
    """The left half is black, the right half white; the crop is the full image."""
    image = Image.fromarray(
        np.repeat(np.array([0, 255], dtype=np.uint8), 100)[None, :, None].repeat(200, 0).repeat(3, 2)
    )
    transform = replace(SPOS_AUGMENTATION, min_crop_area=1.0, max_aspect_ratio=1.0, color_jitter=0).for_training()
    torch.manual_seed(0)
    flipped = sum(int(transform(image)[0, 100, 20] > 128) for _ in range(200))
    assert 80 <= flipped <= 120  # 100 +- 2.8 standard deviations


def test_brightness_goes_up_and_down_by_two_fifths() -> None:
    """Jitter can change only the brightness of a gray image without contrast."""
    transform = SPOS_AUGMENTATION.for_training()
    torch.manual_seed(0)
    values = np.array([int(transform(_plain((100, 100, 100)))[0, 0, 0]) for _ in range(300)])
    assert 59 <= values.min() < 65
    assert 135 < values.max() <= 140


def test_the_lighting_of_abs_moves_colors_along_their_principal_components() -> None:
    """The covariance of the noise is known; 3,000 draws find it to within a tenth."""
    transform = replace(ABS_AUGMENTATION, size=1).for_training()
    torch.manual_seed(0)
    image = _plain((128, 128, 128))
    noise = np.array([transform(image).flatten().tolist() for _ in range(3000)])[:, ::-1] - 127.5
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    deviations = 0.1 * 255 * np.array([0.2175, 0.0188, 0.0045])
    expected = vectors @ np.diag(deviations**2) @ vectors.T
    # Rounding down to integers adds a variance of 1/12.
    np.testing.assert_allclose(np.cov(noise.T) - np.eye(3) / 12, expected, atol=0.12 * expected.max())


def test_abs_crops_squares() -> None:
    """In an image whose pixels encode their place, height and width of the crop are equal."""
    ramp = np.stack([*np.meshgrid(np.arange(200), np.arange(200), indexing="ij"), np.zeros((200, 200))], axis=2)
    image = Image.fromarray(ramp.astype(np.uint8))
    for augmentation, square in (
        (replace(ABS_AUGMENTATION, lighting_std=0), True),
        (replace(SPOS_AUGMENTATION, color_jitter=0), False),
    ):
        torch.manual_seed(0)
        ratios = []
        for _ in range(50):
            seen = augmentation.for_training()(image).float()
            height = seen[2].max() - seen[2].min()
            width = seen[1].max() - seen[1].min()
            ratios.append(float(height / width))
        assert (max(abs(np.log(ratios))) < 0.05) == square
        assert max(abs(np.log(ratios))) < np.log(4 / 3) + 0.05


def test_abs_pads_an_image_that_no_square_of_the_drawn_area_fits_into() -> None:
    """At least half of the area of an image of 40 x 400 pixels is a square of at least 89 pixels a side."""
    image = Image.new("RGB", (400, 40), (255, 255, 255))
    augmentation = replace(ABS_AUGMENTATION, min_crop_area=0.5, lighting_std=0)
    torch.manual_seed(0)
    for _ in range(5):
        rows = augmentation.for_training()(image)[0].float().mean(dim=1)
        assert rows[0] == rows[-1] == 0
        assert rows[112] == 255
        assert 224 * 40 / 127 - 3 <= (rows > 127).sum() <= 224 * 40 / 89 + 3
    with pytest.raises(SettingError, match=r"max_aspect_ratio must be 1, not 1\.5"):
        replace(augmentation, max_aspect_ratio=1.5)


def test_resizing_without_antialiasing_is_the_bilinear_interpolation_of_opencv() -> None:
    """It takes each pixel from its four neighbors at the half-pixel position, as cv2.INTER_LINEAR does."""
    augmentation = replace(ABS_AUGMENTATION, size=50, shorter_side=50)
    pixels = torch.from_numpy(np.array(NOISE)).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.interpolate(pixels, (50, 66), mode="bilinear", antialias=False)[0, :, :, 8:58]
    found = augmentation.for_scoring()(NOISE).flip(0).float()
    assert (found - expected).abs().max() < 1.01  # rows and columns are rounded apart
    averaged = replace(augmentation, antialias=True).for_scoring()(NOISE).flip(0).float()
    assert (averaged - expected).abs().max() > 20
