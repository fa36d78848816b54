"""What stays the same in all pictures of one character, and how the pose differs between them."""

import random
from dataclasses import dataclass

from anime_models._drawn.canvas import Colour, mix, tint

HAIR_COLOURS: dict[str, Colour] = {
    "pink": (246, 150, 182),
    "aqua": (92, 200, 205),
    "blonde": (250, 214, 120),
    "brown": (142, 92, 66),
    "violet": (156, 120, 206),
    "black": (66, 62, 82),
    "red": (206, 72, 70),
    "silver": (214, 218, 234),
    "green": (112, 184, 122),
    "blue": (84, 124, 214),
    "orange": (240, 148, 76),
    "chestnut": (178, 120, 84),
    "mint": (160, 224, 196),
    "wine": (130, 56, 84),
}
EYE_COLOURS: dict[str, Colour] = {
    "blue": (58, 118, 214),
    "ruby": (206, 52, 76),
    "emerald": (36, 156, 104),
    "amber": (232, 152, 36),
    "violet": (138, 80, 206),
    "teal": (28, 158, 172),
    "hazel": (150, 96, 58),
    "rose": (228, 92, 146),
}
SKINS: tuple[Colour, ...] = ((255, 231, 214), (254, 224, 204), (250, 214, 188), (236, 190, 156), (255, 236, 226))
SEXES = ("female", "male")
FEMALE_STYLES = ("twin_tails", "bob", "long", "ponytail", "buns", "short", "braids", "side_tail", "wavy")
MALE_STYLES = ("spiky", "cropped", "messy", "swept", "curtains")
FRINGES = ("parted", "straight", "swept", "centre_lock", "airy")
MALE_FRINGES = ("swept", "airy", "parted", "centre_lock")
FEMALE_ACCESSORIES = ("bow", "none", "hairpin", "headband", "glasses", "flower", "cat_ears", "none")
MALE_ACCESSORIES = ("none", "glasses", "none", "headphones", "earring", "none", "hairpin", "bandage")
OUTFITS = ("sailor", "blazer", "hoodie", "dress")
MALE_OUTFITS = ("gakuran", "blazer", "hoodie", "shirt")
ACCESSORY_COLOURS: tuple[Colour, ...] = (
    (222, 58, 78), (250, 206, 84), (70, 110, 204), (244, 132, 168), (106, 190, 150), (146, 104, 206), (250, 246, 244),
    (244, 140, 70), (58, 54, 78),
)  # fmt: skip
OUTFIT_COLOURS: tuple[Colour, ...] = (
    (58, 74, 128), (172, 62, 82), (74, 122, 108), (92, 84, 122), (226, 162, 72), (64, 68, 84), (232, 128, 154)
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A character: everything by which one would know them again."""

    sex: str
    hair_style: str
    fringe: str
    hair_name: str
    hair: Colour
    eye_name: str
    eyes: Colour
    skin: Colour
    accessory: str
    accessory_colour: Colour
    ahoge: bool
    beauty_mark: bool
    outfit: str
    outfit_colour: Colour
    eye_slant: float
    eye_size: float

    @property
    def hair_shadow(self) -> Colour:
        return mix(tint(self.hair, (0.84, 0.73, 0.77)), (110, 60, 150), 0.1)

    @property
    def hair_line(self) -> Colour:
        return mix(tint(self.hair, (0.42, 0.36, 0.42)), (46, 30, 48), 0.5)

    @property
    def hair_light(self) -> Colour:
        return mix(self.hair, (255, 255, 255), 0.5)

    @property
    def skin_shadow(self) -> Colour:
        return tint(self.skin, (0.95, 0.81, 0.81))

    @property
    def skin_line(self) -> Colour:
        return mix(tint(self.skin, (0.55, 0.36, 0.36)), (60, 30, 40), 0.3)


@dataclass(frozen=True)
class Pose:
    """How a character is seen in one picture; lengths in head units, angles in radians."""

    roll: float
    yaw: float
    shift: tuple[float, float]
    zoom: float
    line: float
    light: int
    jitter: float


def look_of(identity: int, sex: str) -> Look:
    """The character of a number. Neighbouring numbers differ in hair, colour and eyes at once."""
    chance = random.Random(f"look {identity}")
    female = sex == "female"
    # Steps coprime to the list's length run through all of a list before repeating.
    hair_name = list(HAIR_COLOURS)[identity * 5 % len(HAIR_COLOURS)]
    eye_name = list(EYE_COLOURS)[(identity * 3 + identity // 8) % len(EYE_COLOURS)]
    styles, fringes = (FEMALE_STYLES, FRINGES) if female else (MALE_STYLES, MALE_FRINGES)
    accessories, outfits = (FEMALE_ACCESSORIES, OUTFITS) if female else (MALE_ACCESSORIES, MALE_OUTFITS)
    accessory = accessories[(identity * 3 + identity // 9) % len(accessories)]
    hair = _varied(HAIR_COLOURS[hair_name], chance, 8)
    # A ribbon of the hair's own colour would not be seen.
    ribbons = [
        colour for colour in ACCESSORY_COLOURS if sum(abs(a - b) for a, b in zip(colour, hair, strict=True)) > 150
    ]
    return Look(
        sex=sex,
        hair_style=styles[identity % len(styles)],
        fringe=fringes[(identity * 2 + identity // len(styles)) % len(fringes)],
        hair_name=hair_name,
        hair=hair,
        eye_name=eye_name,
        eyes=EYE_COLOURS[eye_name],
        skin=SKINS[min(chance.randrange(7), 4)] if chance.random() < 0.85 else SKINS[3],
        accessory=accessory,
        accessory_colour=chance.choice(ribbons),
        ahoge=chance.random() < 0.35,
        beauty_mark=chance.random() < 0.18,
        outfit=outfits[(identity + identity // 4) % len(outfits)],
        outfit_colour=OUTFIT_COLOURS[identity * 3 % len(OUTFIT_COLOURS)],
        eye_slant=chance.uniform(-0.05, 0.07),
        eye_size=chance.uniform(0.94, 1.06),
    )


def pose_of(seed: int, identity: int) -> Pose:
    """The pose of one drawing."""
    chance = random.Random(f"pose {identity} {seed}")
    return Pose(
        roll=chance.gauss(0, 0.055),
        yaw=chance.uniform(-0.8, 0.8),
        shift=(chance.uniform(-0.07, 0.07), chance.uniform(-0.06, 0.06)),
        zoom=chance.uniform(0.93, 1.07),
        line=chance.uniform(0.85, 1.15),
        light=chance.choice((-1, 1)),
        jitter=chance.uniform(0.5, 1.0),
    )


def _varied(colour: Colour, chance: random.Random, amount: int) -> Colour:
    red, green, blue = (min(255, max(0, channel + chance.randint(-amount, amount))) for channel in colour)
    return red, green, blue
