"""Networks that turn an image into feature maps, under the parameter names of their published weights."""

from gfl_bench.models.backbones.darknet import CSPDarknetTiny, DarknetTiny
from gfl_bench.models.backbones.published import WeightsError
from gfl_bench.models.backbones.resnet import ResNet
from gfl_bench.models.backbones.shufflenet import ShuffleNetV2
from gfl_bench.models.backbones.vgg import VGG16

__all__ = ["VGG16", "CSPDarknetTiny", "DarknetTiny", "ResNet", "ShuffleNetV2", "WeightsError"]
