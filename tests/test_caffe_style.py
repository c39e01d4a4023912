"""Networks that began from Caffe's weights: strides in 1x1 convolutions, and pixels as Caffe had them."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision import tv_tensors
from torchvision.models.resnet import Bottleneck

from gfl_bench.config import schema
from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import BlockStyle, DataConfig, Pixels
from gfl_bench.data.transforms import evaluation_transform, training_transform
from gfl_bench.models.backbones import ResNet


def trunk(style: BlockStyle, **options: object) -> ResNet:
    torch.manual_seed(0)
    config = schema.ResNet(depth=50, base_channels=8, weights=None, style=style, **options)  # type: ignore[arg-type]
    return ResNet(config).eval()


def by_hand(block: Bottleneck, x: torch.Tensor, stride: int) -> torch.Tensor:
    """A bottleneck block with its stride in the first convolution."""
    y = functional.relu(block.bn1(functional.conv2d(x, block.conv1.weight, stride=stride)))
    y = functional.relu(block.bn2(functional.conv2d(y, block.conv2.weight, padding=1)))
    y = block.bn3(functional.conv2d(y, block.conv3.weight))
    return functional.relu(y + (x if block.downsample is None else block.downsample(x)))


def test_the_style_moves_strides_and_no_parameter() -> None:
    caffe, pytorch = trunk(BlockStyle.caffe), trunk(BlockStyle.pytorch)
    torch.testing.assert_close(caffe.state_dict(), pytorch.state_dict(), rtol=0, atol=0)
    x = torch.randn(1, 3, 70, 90)
    with torch.no_grad():
        found, other = caffe(x), pytorch(x)
    assert [one.shape for one in found] == [one.shape for one in other]
    assert not torch.allclose(found[0], other[0])


def test_stages_are_those_computed_by_hand() -> None:
    backbone = trunk(BlockStyle.caffe)
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        c2 = backbone.layer1(backbone.maxpool(backbone.relu(backbone.bn1(backbone.conv1(x)))))
        for stage, found in zip((backbone.layer2, backbone.layer3, backbone.layer4), backbone(x), strict=True):
            for number, block in enumerate(stage):
                assert isinstance(block, Bottleneck)
                c2 = by_hand(block, c2, 2 if number == 0 else 1)
            torch.testing.assert_close(found, c2)


@pytest.mark.parametrize("stages", [[], [2]])
@pytest.mark.parametrize("style", BlockStyle)
def test_a_stage_of_caffe_s_sees_every_other_row_alone(style: BlockStyle, stages: list[int]) -> None:
    layer = trunk(style, deformable_stages=stages).layer2
    one = torch.randn(1, 32, 16, 16)
    two = one.clone()
    two[:, :, 1::2] = 0
    with torch.no_grad():
        assert torch.equal(layer(one), layer(two)) == (style is BlockStyle.caffe)


def test_the_first_stage_has_no_stride_in_either_style() -> None:
    for style in BlockStyle:
        strides = {module.stride for module in trunk(style).layer1.modules() if isinstance(module, nn.Conv2d)}
        assert strides == {(1, 1)}


def test_torchvision_s_weights_are_refused_for_caffe_s_strides() -> None:
    assert compose_config(["scale=paper", "backbone=resnet50_caffe"]).backbone == schema.ResNet(
        depth=50, weights=None, style=BlockStyle.caffe
    )
    with pytest.raises(ConfigError, match=r"strides are in the 3x3 .*set backbone.weights=null"):
        compose_config(["scale=paper", "backbone=resnet50_caffe", "backbone.weights=IMAGENET1K_V1"])
    with pytest.raises(ConfigError, match=r"style=caffe is of bottleneck blocks"):
        compose_config(["backbone.style=caffe"])


@pytest.mark.parametrize(("pixels", "expected"), [
    (Pixels.torchvision, [(10 - 123.675) / 58.395, (20 - 116.28) / 57.12, (30 - 103.53) / 57.375]),
    (Pixels.caffe, [30 - 103.53, 20 - 116.28, 10 - 123.675]),
    (Pixels.detectron, [30 - 102.9801, 20 - 115.9465, 10 - 122.7717]),
])  # fmt: skip
def test_pixels_are_in_the_order_and_the_units_of_their_name(pixels: Pixels, expected: list[float]) -> None:
    data = DataConfig(name="any", size=32, pixels=pixels)
    red_green_blue = torch.tensor([10, 20, 30], dtype=torch.uint8)[:, None, None].expand(3, 32, 40)
    boxes = tv_tensors.BoundingBoxes(torch.tensor([[1.0, 2, 9, 30]]), format="XYXY", canvas_size=(32, 40))
    for transform in (evaluation_transform(data), training_transform(data)):
        sample = {"image": tv_tensors.Image(red_green_blue), "boxes": boxes}
        image, found = transform(sample)["image"], transform(sample)["boxes"]
        torch.testing.assert_close(image.as_subclass(torch.Tensor)[:, 5, 7], torch.tensor(expected))
        assert (found[0, 1], found[0, 3]) == (2, 30)
        assert found[0, 2] - found[0, 0] == 8
