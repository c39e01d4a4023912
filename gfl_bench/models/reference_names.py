"""Our parameter names and mmdetection's, one into the other.

=======================  ==========================================================================
ours                     mmdetection's
=======================  ==========================================================================
backbone.*               backbone.*, torchvision's names in both
neck.lateral.I           neck.lateral_convs.I.conv
neck.output.I            neck.fpn_convs.I.conv
head.cls_tower.I.conv    bbox_head.cls_convs.I.conv, and .norm for .gn
head.box_tower.I.conv    bbox_head.reg_convs.I.conv, and .norm for .gn
head.cls                 bbox_head.gfl_cls or bbox_head.atss_cls
head.box                 bbox_head.gfl_reg or bbox_head.atss_reg
head.aux                 bbox_head.atss_centerness (ours also for an IoU branch)
head.scales.I            bbox_head.scales.I.scale
head.guidance.layers     bbox_head.reg_conf
box.project              bbox_head.integral.project
=======================  ==========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeVar

Value = TypeVar("Value")
Family = Literal["gfl", "atss"]  # mmdetection names the last convolutions after the head's class

_TABLE = (
    ("backbone.", "backbone."),
    ("neck.lateral.{i}.", "neck.lateral_convs.{i}.conv."),
    ("neck.output.{i}.", "neck.fpn_convs.{i}.conv."),
    ("head.cls_tower.{i}.conv.", "bbox_head.cls_convs.{i}.conv."),
    ("head.cls_tower.{i}.norm.", "bbox_head.cls_convs.{i}.gn."),
    ("head.box_tower.{i}.conv.", "bbox_head.reg_convs.{i}.conv."),
    ("head.box_tower.{i}.norm.", "bbox_head.reg_convs.{i}.gn."),
    ("head.cls.", "bbox_head.{family}_cls."),
    ("head.box.", "bbox_head.{family}_reg."),
    ("head.aux.", "bbox_head.{family}_centerness."),
    ("head.scales.{i}", "bbox_head.scales.{i}.scale"),
    ("head.guidance.layers.", "bbox_head.reg_conf."),
    ("box.project", "bbox_head.integral.project"),
)


class UnknownNameError(ValueError):
    """A parameter that the other side does not have."""


def from_reference(state: Mapping[str, Value]) -> dict[str, Value]:
    """mmdetection's state dict, of an ATSS, GFL or GFLv2 detector, under our names.

    Raises:
        UnknownNameError: for a name of another kind of detector.
    """
    return {_translate(name, theirs=True): value for name, value in state.items()}


def to_reference(state: Mapping[str, Value], family: Family) -> dict[str, Value]:
    """Our state dict under the names of mmdetection's ``family`` of heads; inverse of ``from_reference``.

    Raises:
        UnknownNameError: for a name that mmdetection does not have.
    """
    return {_translate(name, theirs=False).format(family=family): value for name, value in state.items()}


def _translate(name: str, theirs: bool) -> str:
    for ours, reference in _TABLE:
        source, target = (reference, ours) if theirs else (ours, reference)
        found = _pattern(source).match(name)
        if found:
            return target.replace("{i}", found.groupdict().get("i") or "") + name[found.end() :]
    raise UnknownNameError(f"{name} has no counterpart: gfl_bench/models/reference_names.py lists the names that have")


def _pattern(template: str) -> re.Pattern[str]:
    pattern = re.escape(template).replace(r"\{i\}", r"(?P<i>\d+)").replace(r"\{family\}", "(?:gfl|atss)")
    return re.compile(pattern)
