"""Our parameter names and mmdetection's, one into the other.

========================  =========================================================================
ours                      mmdetection's
========================  =========================================================================
backbone.*                backbone.*, torchvision's names in both
neck.lateral.I            neck.lateral_convs.I.conv
neck.output.I             neck.fpn_convs.I.conv
neck.l2_norm              the same (SSD)
neck.extra.I.J.conv       neck.extra_layers.I.J.conv (SSD)
head.cls_tower.I.conv     bbox_head.cls_convs.I.conv, and .norm for .gn
head.box_tower.I.conv     bbox_head.reg_convs.I.conv, and .norm for .gn
head.cls                  bbox_head.F_cls, where F is gfl, atss (PAA too), retina, vfnet or conv (FCOS, FoveaBox)
head.box                  bbox_head.F_reg
head.aux                  bbox_head.F_centerness (ours also for an IoU branch)
head.scales.I             bbox_head.scales.I.scale
head.guidance.layers      bbox_head.reg_conf
head.initial_tower.0      bbox_head.vfnet_reg_conv, and .norm for .gn
head.refine               bbox_head.vfnet_reg_refine
head.cls_star.conv        bbox_head.vfnet_cls_dconv
head.box_star.conv        bbox_head.vfnet_reg_refine_dconv
head.refine_scales.I      bbox_head.scales_refine.I.scale
head.levels.I.cls         bbox_head.cls_convs.I.0 (SSD)
head.levels.I.box         bbox_head.reg_convs.I.0 (SSD)
box.project               bbox_head.integral.project
========================  =========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, TypeVar

Value = TypeVar("Value")
Family = Literal["gfl", "atss", "retina", "conv", "vfnet", "ssd"]  # what mmdetection's head begins some names with

_TABLE = (
    ("backbone.", "backbone."),
    ("neck.lateral.{i}.", "neck.lateral_convs.{i}.conv."),
    ("neck.output.{i}.", "neck.fpn_convs.{i}.conv."),
    ("neck.l2_norm.", "neck.l2_norm."),
    ("neck.extra.{i}.{j}.", "neck.extra_layers.{i}.{j}."),
    ("head.cls_tower.{i}.conv.", "bbox_head.cls_convs.{i}.conv."),
    ("head.cls_tower.{i}.norm.", "bbox_head.cls_convs.{i}.gn."),
    ("head.box_tower.{i}.conv.", "bbox_head.reg_convs.{i}.conv."),
    ("head.box_tower.{i}.norm.", "bbox_head.reg_convs.{i}.gn."),
    ("head.cls.", "bbox_head.{family}_cls."),
    ("head.box.", "bbox_head.{family}_reg."),
    ("head.aux.", "bbox_head.{family}_centerness."),
    ("head.scales.{i}", "bbox_head.scales.{i}.scale"),
    ("head.guidance.layers.", "bbox_head.reg_conf."),
    ("head.initial_tower.0.conv.", "bbox_head.vfnet_reg_conv.conv."),
    ("head.initial_tower.0.norm.", "bbox_head.vfnet_reg_conv.gn."),
    ("head.refine.", "bbox_head.vfnet_reg_refine."),
    ("head.cls_star.conv.", "bbox_head.vfnet_cls_dconv."),
    ("head.box_star.conv.", "bbox_head.vfnet_reg_refine_dconv."),
    ("head.refine_scales.{i}", "bbox_head.scales_refine.{i}.scale"),
    ("head.levels.{i}.cls.", "bbox_head.cls_convs.{i}.0."),
    ("head.levels.{i}.box.", "bbox_head.reg_convs.{i}.0."),
    ("box.project", "bbox_head.integral.project"),
)
_FAMILIES: dict[str, Family] = {
    "fcos": "conv", "fcos_plain": "conv", "foveabox": "conv", "retinanet": "retina", "retinanet_a9": "retina",
    "vfnet": "vfnet", "ssd512": "ssd",
}  # fmt: skip


class UnknownNameError(ValueError):
    """A parameter that the other side does not have."""


def from_reference(state: Mapping[str, Value]) -> dict[str, Value]:
    """mmdetection's state dict under our names, whichever the family of heads.

    Raises:
        UnknownNameError: for a name of another kind of detector.
    """
    return {translate(name, _TABLE, theirs=True): value for name, value in state.items()}


def to_reference(state: Mapping[str, Value], family: Family) -> dict[str, Value]:
    """Our state dict under the names of mmdetection's ``family`` of heads; inverse of ``from_reference``.

    Raises:
        UnknownNameError: for a name that mmdetection does not have.
    """
    return {translate(name, _TABLE, theirs=False).format(family=family): value for name, value in state.items()}


def family_of(detector: str, names: Iterable[str]) -> Family:
    """The family of heads that ``detector=``, whose parameters are ``names``, would belong to in mmdetection."""
    return _FAMILIES.get(detector, "gfl" if "box.project" in names else "atss")


def translate(name: str, table: Iterable[tuple[str, str]], theirs: bool) -> str:
    """One name by a ``table`` of how ours begin and how the others' do, of which the first that fits counts.

    Args:
        theirs: it is one of the others', and ours is wanted.

    Raises:
        UnknownNameError: none fits.
    """
    for ours, reference in table:
        source, target = (reference, ours) if theirs else (ours, reference)
        found = _pattern(source).match(name)
        if found:
            for index, number in found.groupdict().items():
                target = target.replace(f"{{{index}}}", number)
            return target + name[found.end() :]
    raise UnknownNameError(f"{name} has no counterpart: gfl_bench/models/*_names.py list the names that have")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    numbered = re.sub(r"\\{([ij])\\}", r"(?P<\1>\\d+)", re.escape(template))
    return re.compile(numbered.replace(r"\{family\}", "(?:gfl|atss|retina|conv|vfnet)"))
