"""Weight selection: a smaller relative starts from the teacher's weights."""

import pytest
import torch
from torchvision.transforms.functional import to_tensor

from anime_models.backbones import build_model
from anime_models.drawn_faces import draw_face
from training.distillation.inheritance import inherit
from training.distillation.teacher import teacher_model


def test_layers_of_the_same_shape_are_the_teachers() -> None:
    student, teacher = build_model("mobilenet_v2", "plain", 2, 64).backbone, teacher_model().backbone
    inherit(student, teacher)
    of_student, of_teacher = student.state_dict(), teacher.state_dict()
    assert torch.equal(of_student["conv_stem.weight"], of_teacher["conv_stem.weight"])
    assert torch.equal(of_student["blocks.1.1.conv_dw.weight"], of_teacher["blocks.1.1.conv_dw.weight"])


def test_narrower_layers_keep_what_belongs_together() -> None:
    student, teacher = build_model("mobilenet_v2", "plain", 2, 64).backbone, teacher_model().backbone
    inherit(student, teacher)
    rows = torch.linspace(0, 39, 32).round().long()
    of_teacher = teacher.state_dict()
    assert torch.equal(student.state_dict()["blocks.2.0.bn3.weight"], of_teacher["blocks.2.0.bn3.weight"][rows])
    kernel = student.state_dict()["blocks.2.0.conv_dw.weight"]  # 3 x 3, where the teacher has 5 x 5
    assert torch.equal(kernel, of_teacher["blocks.2.0.conv_dw.weight"][:, :, 1:4, 1:4])
    last = student.state_dict()["blocks.3.3.bn1.weight"]  # the teacher has three blocks there
    assert torch.equal(last, student.state_dict()["blocks.3.2.bn1.weight"])


def test_the_features_still_tell_the_teachers_likes_and_unlikes_apart() -> None:
    """Which pictures are alike to the teacher is nearer to the student's opinion than to a random network's."""
    torch.manual_seed(0)
    faces = [draw_face(identity=number, emotion=None, size=96, seed=number) for number in range(24)]
    pictures = torch.stack([to_tensor(face) for face in faces]) * 2 - 1
    teacher = teacher_model().backbone.eval()
    student = build_model("mobilenet_v2", "plain", 2, 96).backbone.eval()
    before = agreement(student, teacher, pictures)
    inherit(student, teacher)
    assert agreement(student, teacher, pictures) > before + 0.05


@torch.no_grad()
def agreement(student: torch.nn.Module, teacher: torch.nn.Module, pictures: torch.Tensor) -> float:
    """Correlation between the two networks' cosine similarities of all pairs of pictures."""
    pairs = []
    for network in (student, teacher):
        features = network(pictures)
        features = torch.nn.functional.normalize(features - features.mean(dim=0))
        pairs.append((features @ features.T)[tuple(torch.triu_indices(len(pictures), len(pictures), 1))])
    return float(torch.corrcoef(torch.stack(pairs))[0, 1])


def test_another_family_is_refused() -> None:
    with pytest.raises(KeyError):
        inherit(build_model("resnet18", "plain", 2, 64).backbone, teacher_model().backbone)
