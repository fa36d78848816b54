"""What some bytes are, told from their content alone: a file's name proves nothing."""

from anime_models.errors import ImageFormatError, NotAnImageError, SvgImageError

ACCEPTED_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "ICO")
ADVICE = "Choose a PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or ICO picture."

_ACCEPTED = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\1\0", "ICO"),
)
_OTHER_PICTURES = (
    (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP project"),
    (b"CSFCHUNK", "a Clip Studio project"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"%!PS", "a PostScript drawing"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript drawing"),
    (b"DDS ", "a DDS texture"),
    (b"qoif", "a QOI picture"),
    (b"icns", "an Apple icon"),
    (b"\0\0\2\0", "a mouse cursor"),
    (b"II+\0", "a BigTIFF picture"),
    (b"MM\0+", "a BigTIFF picture"),
    *((b"P%d%c" % (kind, space), "a portable pixmap") for kind in range(1, 7) for space in b" \n"),
)
_OTHER_FILES = (
    (b"%PDF", "a PDF document"),
    (b"PK\3\4", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})


def identify(data: bytes, name: str) -> str:
    """Tell which of `ACCEPTED_FORMATS` the bytes are.

    Args:
        data: the whole file, not empty.
        name: how messages call it, such as `'cat.png'` or `The file`.

    Raises:
        SvgImageError, ImageFormatError, NotAnImageError: it is something else.
    """
    accepted = _match(_ACCEPTED, data) or _riff_or_ftyp_format(data)
    if accepted:
        return accepted
    picture = _match(_OTHER_PICTURES, data) or _heif(data)
    if picture:
        raise ImageFormatError(f"{name} is {picture}, which is not read here. Save it as PNG or JPEG and try again.")
    text = _text_start(data)
    if "<svg" in text and text.lstrip().startswith("<"):
        raise SvgImageError(
            f"{name} is SVG, a drawing program's text rather than pixels. Export it as PNG and use that file."
        )
    raise NotAnImageError(f"{name} is {_other_kind(data, text)}, not a picture. {ADVICE}")


def _match(signatures: tuple[tuple[bytes, str], ...], data: bytes) -> str | None:
    return next((kind for magic, kind in signatures if data.startswith(magic)), None)


def _brands(data: bytes) -> set[bytes]:
    """The brands of an ISO base media file (AVIF, HEIC, MP4 ...), major brand included."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))}


def _riff_or_ftyp_format(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return "AVIF" if _brands(data) & _AVIF_BRANDS else None


def _heif(data: bytes) -> str | None:
    return "a HEIC photo" if _brands(data) & _HEIF_BRANDS else None


def _text_start(data: bytes) -> str:
    """The first 4 KiB as lower-case text, or "" where they are not text."""
    start = data[:4096]
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = start.decode(encoding, errors="ignore").lower()
    return text if "\0" not in text and len(text) > 0.9 * len(start.decode(encoding, errors="replace")) else ""


def _other_kind(data: bytes, text: str) -> str:
    known = _match(_OTHER_FILES, data)
    if known:
        return known
    if data[4:8] == b"ftyp" or data[:4] == b"RIFF":
        return "a video or sound file"
    if not text:
        return "of an unknown kind"
    return "a web page" if "<html" in text or "<!doctype html" in text else "text"
