"""What things in records are called on the screen."""

from collections.abc import Mapping

REPORTED, MEASURED = "reported", "measured"
KINDS = {MEASURED: "● measured", REPORTED: "○ reported"}
TASKS = {
    "character": "Characters",
    "emotion": "Emotions",
    "detection": "Face detection",
    "generation": "Face generation",
    "embedding": "Start weights",
    "sex": "Male or female",
}
# What a task's model is for, as the end of "To …".
PURPOSES = {
    "character": "name the character",
    "emotion": "read the emotion",
    "detection": "find the faces",
    "generation": "draw new faces",
    "embedding": "start training from",
    "sex": "tell male from female faces",
}
BACKBONES = {
    "alexnet": "AlexNet",
    "dcgan": "DCGAN",
    "efficientnet_lite0": "EfficientNet-Lite0",
    "mobilenet_v2": "MobileNetV2",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "resnet50_v2": "ResNet50V2",
    "vit_base_16": "ViT-B/16",
    "vit_small_16": "ViT-S/16",
    "xception": "Xception",
}
STRATEGIES = {
    "linear_probe": "linear probe",
    "partial": "partial",
    "full": "full",
    "progressive": "progressive",
    "self-training": "self-training",
    "distill": "distillation",
}
# The order in which strategies and heads are shown: from least to most trained.
STRATEGY_ORDER = ("linear_probe", "partial", "full", "progressive")
HEADS = {"plain": "plain head", "dropout": "dropout head", "centre_point": "centre-point head"}
AUGMENTATIONS = {
    "none": "None",
    "dcgan": "DCGAN pictures",
    "cutout": "Cutout",
    "cutmix": "CutMix",
    "noise": "Noise injection",
}
SPLITS = {
    "train": "training",
    "validation": "validation",
    "test": "test",
    "internet": "internet-like test",
    "other_source": "pictures of another source",
    "out_of_fold": "out of fold",
    "folds": "mean over folds",
    "negatives": "face-free pictures",
}
FACTS = {
    "run_id": "Run",
    "kind": "Kind",
    "status": "Status",
    "task": "Task",
    "study": "Study",
    "backbone": "Backbone",
    "head": "Head",
    "strategy": "Strategy",
    "start_weights": "Start weights",
    "seed": "Seed",
    "recipe": "Recipe",
    "scale": "Scale",
    "augmentation": "Augmentation",
    "dataset": "Data",
    "precision": "Precision",
    "device": "Device",
    "paper": "Paper",
    "paper_table": "Table",
}
FACT_HELP = {
    "kind": "● measured: by this program, with a record of code, data and machine. ○ reported: printed in a paper.",
    "status": "A run is recorded as running when it starts; one that was killed stays so.",
    "study": "The paper's study that the run belongs to, if any.",
    "backbone": "The network that turns a picture into features.",
    "head": "What turns features into classes: one dense layer (plain), or three with dropout.",
    "strategy": "What is trained: the head alone (linear probe), also the last stage (partial), all (full), or one "
    "stage more every few epochs (progressive).",
    "start_weights": "Where training starts: weights from ImageNet, a distillation, another run, or random numbers.",
    "seed": "Number that all randomness of a run follows from.",
    "scale": "full: the recipe as it is. cpu: smaller pictures and fewer epochs. smoke: only a trial.",
    "dataset": "The data trained and tested on. Figures on different data cannot be compared.",
}


def called(names: Mapping[str, str], key: object) -> str:
    """The name of something, or what the record calls it; a dash for nothing."""
    return names.get(str(key), str(key).replace("_", " ")) if isinstance(key, str) and key else "—"


def short_paper(paper: object) -> str:
    """``Santoro et al.`` for ``Santoro, Laura, Parrillo, Rughetti: Facial …``; empty for nothing."""
    if not isinstance(paper, str):
        return ""
    authors = paper.partition(":")[0].split(",")
    return f"{authors[0].strip()} et al." if len(authors) > 1 else authors[0].strip()


def paper_table(number: object) -> str:
    """``Table 2``, or ``Tables 1-3`` for several."""
    return f"Table{'s' * ('-' in str(number) or ',' in str(number))} {number}"
