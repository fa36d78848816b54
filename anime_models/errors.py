"""One tree of errors: catch `AnimeModelsError` and show its message.

Every message says what was wrong and what to do next, in a sentence that can stand on a page as it is.

    AnimeModelsError
    ├── ImageError                        an upload, file or array that is not a usable picture
    │   ├── ImageMissingError             no file at this path, or it cannot be opened
    │   ├── ImageEmptyError               no bytes, or an array without elements
    │   ├── ImageBytesLimitError          more bytes than the limit
    │   ├── ImagePixelsLimitError         more pixels than the limit (decompression bombs)
    │   ├── ImageTooSmallError            a side shorter than the limit
    │   ├── ImageTooElongatedError        far longer one way than the other
    │   ├── ImageDamagedError             a picture whose file is cut off or corrupt
    │   ├── NotAnImageError               text, PDF, archive, web page ... whatever its name ends with
    │   ├── SvgImageError                 a drawing program's text instead of pixels
    │   ├── ImageFormatError              a picture in a format that is not accepted
    │   ├── ImageTypeError                a Python object that is no source of a picture
    │   ├── ImageArrayDtypeError          an array of numbers that are not pixel values
    │   ├── ImageArrayShapeError          an array whose shape is not one picture
    │   └── ImageArrayValuesError         an array with NaN, infinities or values outside the range
    ├── CheckpointError                   a checkpoint folder that does not load strictly
    ├── HubError                          a name that is no folder and no reachable Hub repository
    ├── DatasetError                      a dataset that lacks a split, a column or a label
    ├── RecordError                       a run record that is damaged or of another schema
    └── ConfigError                       a setting, recipe or argument outside what is allowed
"""

__all__ = [
    "AnimeModelsError",
    "CheckpointError",
    "ConfigError",
    "DatasetError",
    "HubError",
    "ImageArrayDtypeError",
    "ImageArrayShapeError",
    "ImageArrayValuesError",
    "ImageBytesLimitError",
    "ImageDamagedError",
    "ImageEmptyError",
    "ImageError",
    "ImageFormatError",
    "ImageMissingError",
    "ImagePixelsLimitError",
    "ImageTooElongatedError",
    "ImageTooSmallError",
    "ImageTypeError",
    "NotAnImageError",
    "RecordError",
    "SvgImageError",
]


class AnimeModelsError(Exception):
    """Root of everything this package raises on purpose; `str(error)` is fit to be shown."""


class ImageError(AnimeModelsError):
    """The source is not a usable picture."""


class ImageMissingError(ImageError):
    """There is no file at the path, or it cannot be opened."""


class ImageEmptyError(ImageError):
    """The source holds no bytes, or the array no elements."""


class ImageBytesLimitError(ImageError):
    """The file is larger than `ImageLimits.max_bytes`."""


class ImagePixelsLimitError(ImageError):
    """The picture declares more pixels than `ImageLimits.max_pixels`, or unpacks to far more than its size."""


class ImageTooSmallError(ImageError):
    """A side is shorter than `ImageLimits.min_side`."""


class ImageTooElongatedError(ImageError):
    """The longer side is more than `ImageLimits.max_aspect` times the shorter one."""


class ImageDamagedError(ImageError):
    """The file begins as a picture but is cut off or corrupt."""


class NotAnImageError(ImageError):
    """The bytes are no picture, whatever the file's name says."""


class SvgImageError(ImageError):
    """The file is SVG: a drawing program's text, without pixels."""


class ImageFormatError(ImageError):
    """The file is a picture, in a format that is not accepted."""


class ImageTypeError(ImageError):
    """The Python object is neither bytes, path, file, Pillow image nor array."""


class ImageArrayDtypeError(ImageError):
    """The array's dtype is not uint8, uint16 or floating point."""


class ImageArrayShapeError(ImageError):
    """The array is not [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]."""


class ImageArrayValuesError(ImageError):
    """The array has NaN or infinite values, or floats outside [0, 1]."""


class CheckpointError(AnimeModelsError):
    """A checkpoint folder lacks a file or key, or its weights do not fit its config."""


class HubError(AnimeModelsError):
    """A name is neither a folder nor a Hub repository that can be reached."""


class DatasetError(AnimeModelsError):
    """A dataset lacks a split, a column or a label, or cannot be written."""


class RecordError(AnimeModelsError):
    """A run record is damaged, incomplete or of another schema version."""


class ConfigError(AnimeModelsError):
    """A setting, recipe or argument is outside what is allowed."""
