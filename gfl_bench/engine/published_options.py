"""Which options build the detector that a published state dict is of, as far as the file tells."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from gfl_bench.config.schema import BlockStyle, Config, Pixels, Resize
from gfl_bench.data.transforms import NORMALISATIONS
from gfl_bench.models.nanodet_names import PROJECT

Shape = tuple[int, ...]
Options = dict[str, Any]  # values by their dotted place in ``Config``

_ATSS = {"detector.name": "atss", "quality.name": "centerness_branch", "box.name": "dirac", "guidance.name": "none"}
_GFL = _ATSS | {"quality.name": "joint", "box.name": "general_dfl"}
_RETINANET = _ATSS | {"detector.name": "retinanet_a9", "quality.name": "none"}
_SSD = _RETINANET | {"detector.name": "ssd512", "data.resize": Resize.stretch.value}
_DETECTORS: tuple[tuple[str, Options], ...] = (  # by a name that only they, among those below, have
    ("bbox_head.reg_conf.0.weight", _GFL | {"guidance.name": "distribution"}),
    ("bbox_head.gfl_cls.weight", _GFL),
    ("bbox_head.vfnet_cls.weight", _GFL | {"detector.name": "vfnet", "box.name": "dirac"}),
    ("bbox_head.retina_cls.weight", _RETINANET),
    ("bbox_head.atss_cls.weight", _ATSS),
    ("bbox_head.cls_convs.0.0.weight", _SSD),
)
_NANODET = _GFL | {
    "detector.name": "nanodet", "backbone.name": "shufflenet_v2", "neck.name": "pan",
    "data.resize": Resize.letterbox.value, "data.pixels": Pixels.bgr.value,
}  # fmt: skip
_PAA = _ATSS | {"detector.name": "paa", "quality.name": "iou_branch"}
_NO_WEIGHTS: Options = {"backbone.weights": None}  # of torchvision's: compat.py wants it said
_PUBLISHED_CHANNELS = 64  # of the stem
_RESNET_DEPTHS = {2: 18, 6: 50, 23: 101}  # by the blocks of layer3; 34 has as many as 50, but no third convolution


def options_of(shapes: Mapping[str, Shape], text: str, chosen: str) -> Options:
    """What the file says of the options.

    Args:
        shapes: of the tensors, by mmdetection's names or NanoDet's.
        text: the configuration that mmdetection keeps in the file; empty where it has none.
        chosen: the detector that the user asked for; PAA's weights are told from those of ATSS by the text alone.
    """
    if PROJECT in shapes:
        return _nanodet(shapes)
    return _detector(shapes, text, chosen) | _backbone(shapes) | _style(text)


def differing(options: Options, config: Config) -> Options:
    """Those of ``options`` that ``config`` has otherwise."""
    return {place: value for place, value in options.items() if _value(config, place) != value}


def as_overrides(options: Options) -> str:
    """What to write on the command line."""
    return " ".join(f"{place.removesuffix('.name')}={_written(value)}" for place, value in options.items())


def _detector(shapes: Mapping[str, Shape], text: str, chosen: str) -> Options:
    if "bbox_head.conv_cls.weight" in shapes:
        return _anchor_free(shapes)
    found = next((options for name, options in _DETECTORS if name in shapes), {})
    heads = re.findall(r"type\s*=\s*['\"](\w+Head)['\"]", text) or (["PAAHead"] if chosen == "paa" else [])
    return _PAA if found is _ATSS and heads[:1] == ["PAAHead"] else found


def _nanodet(shapes: Mapping[str, Shape]) -> Options:
    channels, inputs = shapes.get("model.fpn.lateral_convs.0.conv.weight", (0, 0))[:2]
    widths = {"backbone.base_channels": inputs // 2, "neck.channels": channels, "detector.head.channels": channels}
    return _NANODET | {"box.n": shapes[PROJECT][0] - 1} | (widths if channels else {})


def _anchor_free(shapes: Mapping[str, Shape]) -> Options:
    if "bbox_head.conv_centerness.weight" not in shapes:
        return _RETINANET | {"detector.name": "foveabox"}
    improved = "bbox_head.cls_convs.0.conv.bias" in shapes  # the config that has all improvements has this one too
    return _ATSS | {"detector.name": "fcos" if improved else "fcos_plain"}


def _backbone(shapes: Mapping[str, Shape]) -> Options:
    if "backbone.features.0.weight" in shapes:
        return {"backbone.name": "vgg16", "backbone.batch_norm": False, "neck.name": "ssd"}
    depth = _RESNET_DEPTHS.get(len({name.split(".")[2] for name in shapes if name.startswith("backbone.layer3.")}))
    if depth is None:
        return {}
    resnet = {"backbone.name": "resnet", "neck.name": "fpn"}
    if "backbone.layer3.0.conv3.weight" not in shapes:
        return resnet | {"backbone.depth": 34 if depth == 50 else depth}
    return resnet | {"backbone.depth": depth} | _groups(shapes) | _deformable(shapes)


def _groups(shapes: Mapping[str, Shape]) -> Options:
    if shapes.get("backbone.conv1.weight", (0,))[0] != _PUBLISHED_CHANNELS:
        return {}
    outputs, inputs = shapes.get("backbone.layer1.0.conv2.weight", (64, 64))[:2]
    options: Options = {"backbone.groups": outputs // inputs, "backbone.width_per_group": inputs}
    return options | (_NO_WEIGHTS if (outputs // inputs, inputs) == (32, 4) else {})


def _deformable(shapes: Mapping[str, Shape]) -> Options:
    offsets = {int(name[len("backbone.layer")]): shape[0] for name, shape in shapes.items()
               if re.match(r"backbone\.layer[234]\.0\.conv2\.conv_offset\.weight", name)}  # fmt: skip
    stages: Options = {"backbone.deformable_stages": sorted(offsets)}
    return stages | {"backbone.modulated": 27 in offsets.values()} if offsets else stages


def _style(text: str) -> Options:
    """Where the strides are and what pixels the network saw, which no shape tells."""
    options: Options = {}
    style = re.search(r"\bstyle\s*=\s*['\"](\w+)['\"]", text)
    if style and style[1] in BlockStyle.__members__:
        options |= {"backbone.style": style[1]} | (_NO_WEIGHTS if style[1] == BlockStyle.caffe.value else {})
    seen = (_numbers(text, "mean"), _numbers(text, "std"))
    known = {(one.mean, one.std): name.value for name, one in NORMALISATIONS.items()}
    return options | {"data.pixels": known[seen]} if seen in known else options


def _numbers(text: str, key: str) -> tuple[float, ...]:
    found = re.search(rf"\b{key}\s*=\s*[\[(]([\d.,\s]+)[\])]", text)
    return tuple(float(number) for number in re.findall(r"[\d.]+", found[1])) if found else ()


def _value(config: Config, place: str) -> Any:
    value: Any = config
    for key in place.split("."):
        value = getattr(value, key, None)
    return value.value if isinstance(value, Enum) else value


def _written(value: Any) -> str:
    if value == "resnet":
        return "resnet50"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
