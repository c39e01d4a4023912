"""Detectors begin as mmdetection's do: mean and standard deviation of every parameter of neck and head."""

from __future__ import annotations

import json
import math

import pytest
from reference import GOLDENS
from test_published_checkpoints import FULL_SIZE, MODELS, composed
from torch import Tensor

from gfl_bench.models.build import build_detector
from gfl_bench.models.reference_names import family_of, to_reference

OTHERWISE = {  # N(0, 0.01) here, as first published; in mmdetection 3 Kaiming's, since its rule misses them
    f"bbox_head.{name}.weight" for name in ("vfnet_reg_conv.conv", "vfnet_cls_dconv", "vfnet_reg_refine_dconv")
} | {f"bbox_head.cls_convs.{level}.0.bias" for level in range(7)}  # a constant, which SSD's softmax does not see


def spread(count: int) -> float:
    """Five standard errors of the difference of two estimated standard deviations, relative."""
    return 5 / math.sqrt(count)


@pytest.mark.parametrize("model", [name for name in MODELS if "_" not in name or name.startswith("fcos")])
def test_parameters_of_neck_and_head_begin_as_the_reference_s(model: str) -> None:
    config = composed(*FULL_SIZE, *MODELS[model])
    detector = build_detector(config, 80, seed=0)
    state: dict[str, Tensor] = dict(detector.state_dict())
    ours = to_reference(state, family_of(config.detector.name, state))
    golden = json.loads((GOLDENS / "init_mean_std.json").read_text(encoding="utf-8"))[model]
    compared = {name: value for name, value in golden.items() if name not in OTHERWISE}
    assert len(compared) > 30 and compared.keys() <= ours.keys()
    for name, (mean, deviation) in compared.items():
        value = ours[name].double()
        count = value.numel()
        assert value.mean().item() == pytest.approx(mean, abs=1e-4 + 7 * deviation / math.sqrt(count)), name
        assert value.std(correction=0).item() == pytest.approx(deviation, rel=spread(count), abs=1e-5), name
