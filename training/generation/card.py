"""Model cards of generators."""

from __future__ import annotations

from anime_models.generator_checkpoint import GeneratorConfig
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
    lines = [
        f"# Drawn faces of {spec.image_size} px from a seed",
        "",
        f"A DCGAN generator (latent {spec.latent_size}, width {spec.width}), trained by the recipe `{record.strategy}` "
        f"on {record.dataset.num_images.get('train', 0)} faces of `{record.dataset.id}`; the discriminator that it was "
        "trained against ranks its pictures.",
        "",
        *_samples(uncurated),
        *loading(
            [
                "from anime_models.generator import FaceGenerator",
                f'generator = FaceGenerator.load("{place.name}")',
                'generator.images([generator.latent(seed=7, truncation=0.7)])[0].save("face.png")',
            ]
        ),
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
        "## Calibration",
        "",
        "There is nothing to calibrate: the discriminator's scores rank pictures and are no probabilities.",
        "",
        *data_section(record, place),
        "The faces look like those of the training pictures: mostly women and girls with pale skin, as the genre draws "
        "them.",
        "",
    ]
    return front_matter(GENERATOR, record, place) + "\n" + "\n".join(lines)


def _samples(uncurated: str | None) -> list[str]:
    if uncurated is None:
        return []
    return [
        f"![Faces of a seed, not picked]({uncurated})",
        "",
        "Nobody picked these faces: they are the first of one seed, at truncation 0.7.",
        "",
    ]
