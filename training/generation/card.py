"""Model cards of generators."""

from __future__ import annotations

from anime_models.generator_checkpoint import DirectionInfo, GeneratorConfig
from anime_models.records import RunRecord
from training.common.cards import (
    FOLDER_PLACE,
    CardPlace,
    ModelKind,
    data_section,
    front_matter,
    interval_of,
    loading,
    use_section,
)
from training.generation.recipe import with_defaults
from training.generation.samples import NUM_UNCURATED, TRUNCATION

GENERATOR = ModelKind(
    pipeline_tag="unconditional-image-generation",
    tags=("dcgan", "gan"),
    headlines={"fid": "fid", "kid": "kid"},
)
USE = "For play and for studies of training: new faces from seeds, walks between them, named directions."
MISUSE = "passing its pictures off as an artist's work, or for likenesses of people."


def generator_card(
    config: GeneratorConfig, record: RunRecord, uncurated: str | None, place: CardPlace = FOLDER_PLACE
) -> str:
    """``README.md`` of a generator's checkpoint folder; every figure in it is the record's."""
    spec, recipe = config.generator, record.recipe
    residual = f", {spec.residual} residual block{'s' * (spec.residual > 1)} at each size" if spec.residual else ""
    lines = [
        f"# Drawn faces of {spec.image_size} px from a seed",
        "",
        f"A DCGAN generator (latent {spec.latent_size}, width {spec.width}{residual}), trained by the recipe "
        f"`{record.strategy}` {_lessons(record)}; the discriminator that it was trained against ranks its pictures.",
        "",
        *_samples(uncurated),
        *loading(
            [
                "from anime_models.generator import FaceGenerator",
                f'generator = FaceGenerator.load("{place.name}")',
                'generator.images([generator.latent(seed=7)])[0].save("face.png")',
            ]
        ),
        *_directions(config),
        *use_section(USE, MISUSE),
        "## Results",
        "",
        "| figure | compared with | value | 95% interval |",
        "|---|---|---:|---|",
        *(f"| {r.metric} | {r.split} | {r.value:.4f} | {interval_of(r)} |" for r in record.results),
        "",
        f"FID, KID, precision and recall use the features of `{recipe.get('extractor')}` and must not be compared with "
        "those of another network. `floor` is what two sets of real faces of the same sizes show. "
        "`nearer_than_typical_held_out` is the share of generated faces that are nearer to a training face than half "
        "of the held-out faces are, "
        "`nearer_than_nearest_1%_held_out` than all but 1% of these; `base_rate` is the same share of held-out faces.",
        "",
        *_stopped(record),
        "## Calibration",
        "",
        "There is nothing to calibrate: the discriminator's scores rank pictures and are no probabilities.",
        "",
        *data_section(record, place),
        "## Limits",
        "",
        f"- Pictures have {spec.image_size} px; a page enlarges them without adding detail.",
        "- Some seeds give no face, or one with a wrong eye or mouth; the grid above shows how many.",
        _shortest(record),
        "- The faces look like those of the training pictures: mostly women and girls with pale skin, as the genre "
        "draws them.",
        "",
    ]
    return front_matter(GENERATOR, record, place) + "\n" + "\n".join(lines)


def _lessons(record: RunRecord) -> str:
    """What it was trained on, and from which weights."""
    faces = f"on {record.dataset.num_images.get('train', 0)} faces of `{record.dataset.id}`"
    share = with_defaults(record.recipe)["typical_share"]
    seen = faces if share == 1 else f"{faces} (the {share:.0%} with the most typical features)"
    start = record.model.start_weights
    return seen if start in (None, "random") else f"{seen}, from the weights of `{start}`"


def _shortest(record: RunRecord) -> str:
    """Down to which truncation its faces hold, by what training has seen."""
    shortest = with_defaults(record.recipe)["shortest_latent"]
    if shortest == 1:
        return "- A truncation well below 1 washes faces out, since training has seen latents of full length only."
    return f"- A truncation below {shortest:g} washes faces out, since training has seen no shorter latents."


def _directions(config: GeneratorConfig) -> list[str]:
    if not config.directions:
        return []
    return [
        "## Directions",
        "",
        "What changes most along each, from one end of its slider to the other, in standard deviations over random "
        "faces:",
        "",
        *(f"- **{each.name}** ({each.method}): {_strongest(each)}" for each in config.directions),
        "",
    ]


def _strongest(direction: DirectionInfo) -> str:
    effects = sorted(direction.effects.items(), key=lambda item: -abs(item[1]))[:3]
    return ", ".join(f"{name} {value:+.1f}" for name, value in effects)


def _stopped(record: RunRecord) -> list[str]:
    reason = record.timing.stop_reason if record.timing else None
    return [reason, ""] if reason else []


def _samples(uncurated: str | None) -> list[str]:
    if uncurated is None:
        return []
    return [
        f"![Faces of the first seeds, not picked]({uncurated})",
        "",
        f"Nobody picked these faces: they are those of the seeds 0 to {NUM_UNCURATED - 1}, row by row, at truncation "
        f"{TRUNCATION}.",
        "",
    ]
