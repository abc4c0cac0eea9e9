"""Folders of images by class."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.class_folders import ClassFolders, holds
from bnnhw.datasets.kinds.kind import Kind
from bnnhw.datasets.labelled import Labelled
from bnnhw.datasets.reading import Colour, Reading
from bnnhw.errors import FileError

__all__ = ["KIND", "Images"]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".pbm"})
FORMATS = ("PNG", "JPEG", "BMP", "PPM")

GREY_MODES = frozenset({"1", "L", "LA", "I;16", "I;16B", "I;16L", "I"})
"""What Pillow calls images without colours."""

WHOLE, SCALED = 48, 32
"""Up to so many pixels along the longer side images are suggested to be taken as they are; else scaled to so many."""

LEAST = 8
"""Pixels along the shorter side that scaling leaves at least."""

TURNED = 5
"""EXIF's orientations from this on are of a camera that was held upright."""

WHITE = 255
"""What stands behind transparent pixels."""

LARGEST = 1 << 22
"""Most pixels of an image as it is taken: an accelerator holds rows of it on the chip."""


def _opened(path: Path) -> Any:
    """An image as Pillow has it, turned as its camera was. Raises :class:`~bnnhw.errors.FileError`."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                image.load()
                return ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise FileError(f"{path}: is no image in one of the formats {', '.join(FORMATS)}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise FileError(f"{path}: has more pixels than an image may have ({Image.MAX_IMAGE_PIXELS})") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{path}: can't be read as an image: {reason}") from None


def _converted(image: Any, colour: Colour) -> Any:
    """The image in 8 bits a colour, transparent pixels on white."""
    from PIL import Image

    if image.mode.startswith("I"):
        # Pillow's own conversion would clip 16 bits to 255.
        wide = np.asarray(image).astype(np.int64)
        image = Image.fromarray((wide.clip(0, 65535) >> 8).astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, (WHITE,) * 4), over)
    return image.convert("L" if colour == "grey" else "RGB")


class Images(Kind):
    """A folder with a folder of images for each class.

    One sample is (channels, height, width) of uint8: 1 channel where all images are grey, else 3. All must be of one
    size, or are scaled to one that is said, by the mean of the pixels that become one (Pillow's ``BOX``).
    """

    name: ClassVar[str] = "images"
    noun: ClassVar[str] = "a folder of PNG or JPEG images by class"
    options: ClassVar[tuple[str, ...]] = ("size", "colour")

    def matches(self, path: Path) -> bool:
        return holds(path, SUFFIXES)

    def read(self, path: Path, reading: Reading) -> Labelled:
        found = ClassFolders.find(path, SUFFIXES, "image")
        files = [file for _, file in found.files]
        colour = reading.colour
        if colour is None:
            colour = "grey" if all(_mode(file) in GREY_MODES for file in files) else "rgb"
        arrays = [self._array(file, reading.size, colour) for file in files]
        for file, array in zip(files, arrays, strict=True):
            if array.shape != arrays[0].shape:
                height, width = array.shape[1:]
                first_height, first_width = arrays[0].shape[1:]
                raise FileError(
                    f"{file}: has {width} x {height} pixels, and {files[0]} {first_width} x {first_height}: images of "
                    "a data set must be of one size; --size HxW scales all to one"
                )
        return Labelled(
            np.stack(arrays),
            [label for label, _ in found.files],
            [str(file) for file in files],
            notes=found.notes,
            reading={"colour": colour},
        )

    def suggest(self, path: Path, reading: Reading) -> tuple[Reading, tuple[str, ...]]:
        if reading.size is not None:
            return reading, ()
        found = (_size(file) for _, file in ClassFolders.find(path, SUFFIXES, "image").files)
        # What can't be opened is told when it is read.
        sizes = [size for size in found if size is not None]
        longest = max((max(size) for size in sizes), default=0)
        if len(set(sizes)) < 2 and longest <= WHOLE:
            return reading, ()
        height, width = (sum(lengths) for lengths in zip(*sizes, strict=True))
        longer = min(longest, SCALED)
        scale = longer / max(height, width)
        size = (max(round(height * scale), min(longer, LEAST)), max(round(width * scale), min(longer, LEAST)))
        note = f"images are scaled to {size[0]} x {size[1]} (height x width): --size HxW says another size"
        return replace(reading, size=size), (note,)

    def sample(self, path: Path, reading: Reading) -> NDArray[np.uint8] | None:
        if path.suffix.lower() not in SUFFIXES:
            return None
        grey = reading.colour is None and _mode(path) in GREY_MODES
        return self._array(path, reading.size, reading.colour or ("grey" if grey else "rgb"))

    def _array(self, path: Path, size: tuple[int, int] | None, colour: Colour) -> NDArray[np.uint8]:
        from PIL import Image

        image = _converted(_opened(path), colour)
        if size is not None and image.size != size[::-1]:
            image = image.resize(size[::-1], Image.Resampling.BOX)
        if image.width * image.height > LARGEST:
            raise FileError(f"{path}: has {image.width} x {image.height} pixels; --size HxW scales images to fewer")
        array = np.asarray(image, np.uint8)
        return np.ascontiguousarray(array[None] if colour == "grey" else array.transpose(2, 0, 1))


def _size(path: Path) -> tuple[int, int] | None:
    """Height and width of an image, of which only the head is read; None where it can't be."""
    from PIL import ExifTags, Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= TURNED
                return image.size if turned else (image.height, image.width)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error):
        return None


def _mode(path: Path) -> str:
    """What Pillow calls the colours of an image, of which only the head is read."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return "L" if image.mode == "P" and _grey_palette(image) else image.mode
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error):
        # Told when it is read.
        return "L"


def _grey_palette(image: Any) -> bool:
    colours = np.array(image.getpalette() or [], np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


KIND = Images()
