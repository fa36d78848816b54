"""Numbered, scored boxes on the picture."""

from PIL import Image, ImageDraw, ImageFont

from anime_models.faces import Face
from anime_models.reader import Reading

# Large enough for a full screen, small enough to send: the page never shows more pixels.
MAX_SIDE = 1600
# Told apart in the usual kinds of colour blindness (Okabe and Ito), dark enough for white numbers.
COLOURS = ("#0072B2", "#B8460B", "#00795C", "#A8457F", "#5B4FC7", "#7A5C00")


def draw_boxes(reading: Reading) -> Image.Image:
    """A copy of the picture, longer side at most `MAX_SIDE` pixels, with a box, number and score around every face."""
    picture = reading.image.copy()
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    scale = picture.width / reading.image.width
    draw = ImageDraw.Draw(picture)
    for face in reversed(reading.faces):
        if face.face is not None:
            _draw_box(draw, picture.size, face.face, face.number, scale)
    return picture


def _draw_box(draw: ImageDraw.ImageDraw, size: tuple[int, int], face: Face, number: int, scale: float) -> None:
    unit = max(size)
    line, font = max(2, unit // 250), ImageFont.load_default(max(13, unit // 28))
    colour = COLOURS[(number - 1) % len(COLOURS)]
    x0, y0, x1, y1 = (side * scale for side in face.box)
    draw.rectangle((x0, y0, x1, y1), outline="white", width=line + 2)
    draw.rectangle((x0 + 1, y0 + 1, x1 - 1, y1 - 1), outline=colour, width=line)
    text = f"{number}  {face.score:.2f}"
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height, pad = right - left, bottom - top, max(3, unit // 160)
    # Above the box where there is room, else inside its top edge; never beyond the picture's right side.
    label_x = max(0.0, min(x0, size[0] - width - 2 * pad))
    label_y = y0 - height - 2 * pad if y0 >= height + 2 * pad else y0
    draw.rectangle((label_x, label_y, label_x + width + 2 * pad, label_y + height + 2 * pad), fill=colour)
    draw.text((label_x + pad - left, label_y + pad - top), text, fill="white", font=font)
