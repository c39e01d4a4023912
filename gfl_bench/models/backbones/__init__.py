"""Networks that turn an image into feature maps, under the parameter names of their published weights."""

from gfl_bench.models.backbones.published import WeightsError
from gfl_bench.models.backbones.resnet import ResNet
from gfl_bench.models.backbones.vgg import VGG16

__all__ = ["VGG16", "ResNet", "WeightsError"]
