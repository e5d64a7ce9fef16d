"""The loss of the anchor-based YOLOv5 head: CIoU for boxes, cross-entropy for objectness and class.

Written from the description of YOLOv5 v6.0 (anchors matched by ratio, three cells a target); CIoU from Zheng et al.,
AAAI 2020. Class targets may be soft: a hand that may be called by two names gets half of each.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from assistive.zoo.yolov5s_lite import ANCHORS, STRIDES

ANCHOR_RATIO = 4.0
LEVEL_BALANCE = (4.0, 1.0, 0.4)
BOX_GAIN, OBJECT_GAIN, CLASS_GAIN = 0.05, 1.0, 0.35


def detection_loss(raw: list[Tensor], boxes: Tensor, classes: Tensor) -> Tensor:
    """Compute the loss of one batch.

    Args:
        raw: head outputs, three tensors ``(n, 3, rows, columns, 5 + k)``.
        boxes: float ``(m, 5)``: picture index, centre x, y, w, h in fractions of the picture.
        classes: float ``(m, k)``: probability of each class.

    Returns:
        Float ``(3,)``: the weighted parts for boxes, objectness and classes; their sum is to be minimised.
    """
    box_loss = raw[0].new_zeros(())
    object_loss = raw[0].new_zeros(())
    class_loss = raw[0].new_zeros(())
    for level, prediction in enumerate(raw):
        present = torch.zeros_like(prediction[..., 4])
        picture, anchor, row, column, target, size, kind = _match(prediction, boxes, classes, level)
        if len(picture):
            found = prediction[picture, anchor, row, column]
            centre = found[:, :2].sigmoid() * 2 - 0.5
            extent = (found[:, 2:4].sigmoid() * 2) ** 2 * size
            iou = _ciou(torch.cat([centre, extent], 1), target)
            box_loss = box_loss + (1 - iou).mean()
            present[picture, anchor, row, column] = iou.detach().clamp(0).to(present.dtype)
            class_loss = class_loss + F.binary_cross_entropy_with_logits(found[:, 5:], kind)
        object_loss = object_loss + LEVEL_BALANCE[level] * F.binary_cross_entropy_with_logits(
            prediction[..., 4], present
        )
    return torch.stack([BOX_GAIN * box_loss, OBJECT_GAIN * object_loss, CLASS_GAIN * class_loss])


def _match(prediction: Tensor, boxes: Tensor, classes: Tensor, level: int) -> tuple[Tensor, ...]:
    """Pair each target with the anchors of fitting shape, in its own cell and the two nearest ones."""
    rows, columns = prediction.shape[2:4]
    grid = boxes.new_tensor([columns, rows, columns, rows])
    anchors = boxes.new_tensor(ANCHORS[level]) / STRIDES[level]
    scaled = boxes[:, 1:] * grid
    ratio = scaled[None, :, 2:] / anchors[:, None]
    fits = torch.max(ratio, 1 / ratio.clamp(min=1e-9)).amax(2) < ANCHOR_RATIO
    anchor, which = fits.nonzero(as_tuple=True)
    target, picture, kind = scaled[which], boxes[which, 0].long(), classes[which]
    fraction = target[:, :2] % 1
    offsets = [torch.zeros_like(fraction)]
    keep = [torch.ones_like(picture, dtype=torch.bool)]
    for axis in (0, 1):
        step = torch.zeros_like(fraction)
        step[:, axis] = 1
        inside = target[:, axis] > 1
        keep.append((fraction[:, axis] < 0.5) & inside)
        offsets.append(-step)
        inside = target[:, axis] < grid[axis] - 1
        keep.append((fraction[:, axis] > 0.5) & inside)
        offsets.append(step)
    chosen = torch.cat([mask.nonzero()[:, 0] for mask in keep])
    shift = torch.cat([offset[mask] for offset, mask in zip(offsets, keep, strict=True)])
    target, picture, anchor, kind = target[chosen], picture[chosen], anchor[chosen], kind[chosen]
    cell = (target[:, :2] + shift).long()
    column, row = cell[:, 0].clamp(0, columns - 1), cell[:, 1].clamp(0, rows - 1)
    local = torch.cat([target[:, :2] - torch.stack([column, row], 1), target[:, 2:]], 1)
    return picture, anchor, row, column, local, anchors[anchor], kind


def _ciou(a: Tensor, b: Tensor) -> Tensor:
    """Complete IoU of boxes given as centre x, y, w, h, ``(m, 4)`` each; returns ``(m,)`` in -1..1."""
    a0, a1 = a[:, :2] - a[:, 2:] / 2, a[:, :2] + a[:, 2:] / 2
    b0, b1 = b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2
    inner = (torch.min(a1, b1) - torch.max(a0, b0)).clamp(0).prod(1)
    union = a[:, 2:].prod(1) + b[:, 2:].prod(1) - inner + 1e-7
    iou = inner / union
    diagonal = ((torch.max(a1, b1) - torch.min(a0, b0)) ** 2).sum(1) + 1e-7
    distance = ((a[:, :2] - b[:, :2]) ** 2).sum(1)
    aspect = (4 / math.pi**2) * (torch.atan(b[:, 2] / (b[:, 3] + 1e-7)) - torch.atan(a[:, 2] / (a[:, 3] + 1e-7))) ** 2
    with torch.no_grad():
        weight = aspect / (aspect - iou + 1 + 1e-7)
    return iou - distance / diagonal - weight * aspect
