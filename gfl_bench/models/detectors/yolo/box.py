"""darknet's box losses, which it states as gradients of what the head says."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.config.schema import BoxLoss
from gfl_bench.models.box import Dirac
from gfl_bench.models.detectors.yolo.ciou import ciou, ciou_ascent
from gfl_bench.structures import Priors


class YOLOBox(Dirac):
    """``Dirac`` with two losses more; darknet measures boxes in shares of the network's input, ``image_size``."""

    def __init__(self, config: schema.YOLODirac) -> None:
        super().__init__(config)
        self.image_size = config.image_size
        self._own = {BoxLoss.yolov3: self._squared, BoxLoss.yolov4: self._ciou}.get(config.loss)

    def losses(self, raw: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> dict[str, Tensor]:
        if self._own is None:
            return super().losses(raw, boxes, target, priors)
        return {"loss_box": self.loss_weight * self._own(raw.squeeze(-1), boxes, target, priors)}

    def _squared(self, codes: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> Tensor:
        """darknet's ``iou_loss=mse``, of which it has the gradient scale * (wanted - said) at each number.

        For x and y, said through a logistic function, that is cross-entropy's; for w and h half a squared error's. The
        scale is 2 - w * h, so that small boxes count more.
        """
        size = target[:, 2:] - target[:, :2]
        center = (target[:, :2] + target[:, 2:]) / 2
        place = ((center - priors.center) / priors.stride.unsqueeze(-1) + 0.5).clamp(0, 1)
        log_ratio = (size / (priors.box[:, 2:] - priors.box[:, :2])).log()
        places = functional.binary_cross_entropy_with_logits(codes[:, :2], place, reduction="none")
        sizes = (codes[:, 2:] - log_ratio).square() / 2
        scale = 2 - (size.prod(dim=1) / self.image_size**2).clamp(max=1)
        return scale * torch.cat([places, sizes], dim=1).sum(dim=1)

    def _ciou(self, codes: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> Tensor:
        """1 - CIoU (Zheng et al., 2020) with the gradient of darknet's ``iou_loss=ciou`` in place of its own.

        darknet takes the ascent by the box, in shares of the image, as that by the numbers said: for x and y as it is,
        for w and h times their exponential. What is not finite becomes 0 (``fix_nan_inf``).
        """
        said, wanted = boxes.detach() / self.image_size, target / self.image_size
        factor = torch.cat([torch.ones_like(codes[:, :2]), codes[:, 2:].exp()], dim=1).detach()
        ascent = (ciou_ascent(said, wanted) * factor).nan_to_num(0.0, 0.0, 0.0)
        return 1 - ciou(said, wanted) - (ascent * (codes - codes.detach())).sum(dim=1)
