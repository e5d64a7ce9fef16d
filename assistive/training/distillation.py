"""Teach a small detector what a larger one of the same family sees, cell by cell (Hinton et al., 2015).

Both have the anchor-based head of YOLOv5, so their outputs lie on the same grid: the student learns the teacher's
objectness everywhere, and its classes and boxes where the teacher sees a hand.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from assistive.training.detection_loss import LEVEL_BALANCE

BOX_GAIN, CLASS_GAIN = 0.5, 0.5


def distillation_loss(student: list[Tensor], teacher: list[Tensor]) -> Tensor:
    """Compute how far a student is from its teacher.

    Args:
        student: raw head outputs, three tensors ``(n, 3, rows, columns, 5 + k)``.
        teacher: the same of the teacher, without gradient.

    Returns:
        A scalar, to be minimised; 0 where both say the same.
    """
    total = student[0].new_zeros(())
    for balance, ours, theirs in zip(LEVEL_BALANCE, student, teacher, strict=True):
        seen = theirs[..., 4].sigmoid()
        weight = seen / seen.sum().clamp(min=1)
        total = total + balance * _excess(ours[..., 4], seen).mean()
        total = total + CLASS_GAIN * (weight * _excess(ours[..., 5:], theirs[..., 5:].sigmoid()).mean(-1)).sum()
        apart = (ours[..., :4].sigmoid() - theirs[..., :4].sigmoid()).abs().sum(-1)
        total = total + BOX_GAIN * (weight * apart).sum()
    return total


def _excess(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy less the entropy of what is wanted: Kullback-Leibler divergence of yes-no answers."""
    entropy = F.binary_cross_entropy_with_logits(torch.logit(wanted, 1e-6), wanted, reduction="none")
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") - entropy
