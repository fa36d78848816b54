"""Model cards of generators."""

from __future__ import annotations

import yaml

from anime_models.generator_checkpoint import GeneratorConfig
from anime_models.records import RunRecord
from training.classification.cards import DATA_NOTE


def generator_card(config: GeneratorConfig, record: RunRecord, uncurated: str) -> str:
    """``README.md`` of a generator's checkpoint folder; every figure in it is the record's."""
    fields = {
        "license": "apache-2.0",
        "library_name": "pytorch",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["anime", "manga", "dcgan", "gan", "safetensors"],
    }
    spec, recipe = config.generator, record.recipe
    lines = [
        f"# Drawn faces of {spec.image_size} px from a seed",
        "",
        f"A DCGAN generator (latent {spec.latent_size}, width {spec.width}), trained by the recipe `{record.strategy}` "
        f"on {record.dataset.num_images['train']} faces of `{record.dataset.id}`; the discriminator that it was "
        "trained against ranks its pictures.",
        "",
        DATA_NOTE,
        "",
        f"![Faces of a seed, not picked]({uncurated})",
        "",
        "Nobody picked these faces: they are the first of one seed, at truncation 0.7.",
        "",
        "| figure | compared with | value |",
        "|---|---|---:|",
        *(f"| {result.metric} | {result.split} | {result.value:.4f} |" for result in record.results),
        "",
        f"FID, KID, precision and recall use the features of `{recipe['extractor']}` and must not be compared with "
        "those of another network. `floor` is what two sets of real faces of the same sizes show. "
        "`nearer_than_typical_held_out` is the share of generated faces that are nearer to a training face than half "
        "of the held-out faces are, "
        "`nearer_than_nearest_1%_held_out` than all but 1% of these; `base_rate` is the same share of held-out faces.",
        "",
        "The faces look like those of the training pictures: mostly women and girls with pale skin, as the genre draws "
        "them. Made for play and for studies of training; not for passing off as an artist's work.",
        "",
    ]
    return f"---\n{yaml.safe_dump(fields, sort_keys=False)}---\n" + "\n".join(lines)
