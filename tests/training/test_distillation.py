from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from assistive.training.distillation import distillation_loss  # noqa: E402

Levels = "list[torch.Tensor]"


def _outputs(seed: int, side: int = 4) -> Levels:
    chance = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 3, side // s, side // s, 5 + 19, generator=chance) for s in (1, 2, 4)]


def test_costs_nothing_to_say_the_same_and_more_the_further_away() -> None:
    teacher, other = _outputs(0), _outputs(1)
    near = [a + 0.1 * (b - a) for a, b in zip(teacher, other, strict=True)]
    same, close, far = (float(distillation_loss(student, teacher)) for student in (teacher, near, other))
    assert same == pytest.approx(0, abs=1e-5)
    assert same < close < far


def test_classes_matter_only_where_the_teacher_sees_a_hand() -> None:
    teacher = _outputs(0)
    for level in teacher:
        level[..., 4] = -12
    teacher[0][0, 0, 1, 1, 4] = 12
    student = [level.clone() for level in teacher]
    student[0][0, 1, 2, 2, 5:] += 3
    elsewhere = float(distillation_loss(student, teacher))
    student = [level.clone() for level in teacher]
    student[0][0, 0, 1, 1, 5:] += 3
    assert float(distillation_loss(student, teacher)) > 1000 * elsewhere


def test_a_step_downhill_brings_the_student_nearer() -> None:
    teacher = _outputs(0)
    student = [level.requires_grad_() for level in _outputs(1)]
    before = distillation_loss(student, teacher)
    before.backward()
    moved = [level.detach() - 0.5 * level.grad for level in student]
    assert float(distillation_loss(moved, teacher)) < float(before.detach())
