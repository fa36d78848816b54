"""Pictures to the bytes of an animation: GIF, WebP or MP4 (H.264)."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from PIL import Image

from anime_models.arguments import whole_number
from anime_models.errors import ConfigError
from anime_models.latents import MAX_FRAMES

FORMATS = ("gif", "webp", "mp4")
LARGEST_FPS = 50  # a GIF counts hundredths of a second, and browsers slow anything shorter than two of them down
MAX_SIDE = 1024  # pixels
_PALETTE_SIDE = 64  # of the picture that a palette is fitted to
_WEBP_QUALITY = 90
_H264_QUALITY = 16  # constant rate factor; 18 is said to be visually lossless for film, and drawings show more
_BT709 = 1  # the same number stands for the matrix, the primaries and the transfer curve
_LIMITED_RANGE = 1


def animation(frames: Sequence[Image.Image], fps: int, image_format: str) -> bytes:
    """The bytes of an animation that plays ``frames`` at ``fps``.

    GIF and WebP repeat for ever. Each frame of a GIF has a palette of its own, without dithering, whose dots would
    flicker. In GIF and WebP a frame that equals the one before it is stored as a longer showing of that one; an MP4
    holds every frame. An MP4 is H.264 with 4:2:0 colours, as browsers play it; an odd side is made even by repeating
    the last row or column.

    Args:
        frames: 1 to 600 RGB pictures of one size, at most 1024 pixels a side.
        fps: frames per second, 1 to 50. Where 1/fps is no whole number of hundredths (GIF) or thousandths (WebP) of a
            second, frames differ by one such step, so that the whole lasts as long as it should.
        image_format: ``gif``, ``webp`` or ``mp4``.

    Raises:
        ConfigError: for frames, fps or formats outside these ranges.
    """
    _check(frames, fps)
    if image_format == "gif":
        return _gif(frames, fps)
    if image_format == "webp":
        return _webp(frames, fps)
    if image_format == "mp4":
        return _mp4(frames, fps)
    raise ConfigError(f"There is no format {image_format!r}; choose one of: {', '.join(FORMATS)}.")


def _check(frames: Sequence[Image.Image], fps: int) -> None:
    if not 1 <= len(frames) <= MAX_FRAMES:
        raise ConfigError(f"An animation has {len(frames)} frames; give 1 to {MAX_FRAMES}.")
    whole_number("number of frames per second", fps, 1, LARGEST_FPS)
    if {frame.mode for frame in frames} != {"RGB"} or len({frame.size for frame in frames}) > 1:
        raise ConfigError("The frames differ in size or are not RGB; make them alike first.")
    if max(frames[0].size) > MAX_SIDE:
        raise ConfigError(f"The frames are {frames[0].width} x {frames[0].height} pixels; the limit is {MAX_SIDE}.")


def _durations(count: int, fps: int, per_second: int) -> list[int]:
    """How long each frame is shown, in whole steps of 1 / per_second, without the error adding up."""
    ends = [round(Fraction(index * per_second, fps)) for index in range(count + 1)]
    return [end - start for start, end in itertools.pairwise(ends)]


def _gif(frames: Sequence[Image.Image], fps: int) -> bytes:
    milliseconds = [10 * hundredths for hundredths in _durations(len(frames), fps, 100)]
    return _pillow([_with_palette(frame) for frame in frames], "GIF", milliseconds, optimize=False)


def _with_palette(frame: Image.Image) -> Image.Image:
    """The frame in 256 colours, fitted to a small copy of it, which is many times quicker."""
    small = frame.resize((_PALETTE_SIDE, _PALETTE_SIDE), Image.Resampling.LANCZOS)
    palette = small.quantize(256, method=Image.Quantize.FASTOCTREE, kmeans=2)
    return frame.quantize(palette=palette, dither=Image.Dither.NONE)


def _webp(frames: Sequence[Image.Image], fps: int) -> bytes:
    return _pillow(frames, "WEBP", _durations(len(frames), fps, 1000), quality=_WEBP_QUALITY, method=4)


def _pillow(frames: Sequence[Image.Image], name: str, milliseconds: list[int], **options: int) -> bytes:
    file = io.BytesIO()
    frames[0].save(file, name, save_all=True, append_images=list(frames[1:]), duration=milliseconds, loop=0, **options)
    return file.getvalue()


def _mp4(frames: Sequence[Image.Image], fps: int) -> bytes:
    file = io.BytesIO()
    # The time of making would differ in bytes that are otherwise the same.
    with av.open(file, "w", format="mp4", options={"fflags": "bitexact"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": str(_H264_QUALITY), "preset": "medium"})
        stream.width, stream.height = (side + side % 2 for side in frames[0].size)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 1  # the same bytes on every machine
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(_even(frame), format="rgb24")
            coded = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            coded.pts = index
            container.mux(stream.encode(coded))
        container.mux(stream.encode())
    return file.getvalue()


def _even(frame: Image.Image) -> np.ndarray:
    """Pixels ``[H, W, 3]`` with even sides."""
    return np.pad(np.asarray(frame), ((0, frame.height % 2), (0, frame.width % 2), (0, 0)), mode="edge")
