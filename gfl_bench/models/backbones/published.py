"""ImageNet weights from torchvision's cache or its server."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights

from gfl_bench.config.rules.backbones import TorchvisionBackbone, architecture, weights_conflicts

_CLASSIFIERS = ("fc.", "classifier.", "conv5.")  # the last is ShuffleNetV2's


class WeightsError(ValueError):
    """Published weights that do not fit or cannot be had."""


def load_published(backbone: nn.Module, config: TorchvisionBackbone, own: Callable[[str], bool]) -> None:
    """Take over the weights that ``config`` names, if any, in place; torchvision's classifier is left behind.

    Args:
        own: which parameter names torchvision's network does not have; they keep their values, and all others must
            be there.

    Raises:
        WeightsError: if there is no such name, they are for another network, or the download fails.
    """
    if config.weights is None:
        return
    conflict = next(weights_conflicts(config), None)
    if conflict is not None:
        raise WeightsError(conflict)
    state = _published_state(architecture(config), config.weights)
    kept = {name: value for name, value in backbone.state_dict().items() if own(name)}
    backbone.load_state_dict(
        kept | {name: value for name, value in state.items() if not name.startswith(_CLASSIFIERS)}
    )


def _published_state(network: str, name: str) -> dict[str, Tensor]:
    """torchvision's parameters, those of its classifier included."""
    published = {weights.name: weights for weights in get_model_weights(network)}
    weights = published.get(name)
    if weights is None:
        raise WeightsError(
            f"backbone.weights={name} is not among torchvision's for {network}: set one of {', '.join(published)}, "
            "or null"
        )
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"backbone.weights={name} could not be loaded ({error}): put {weights.url} into "
            f"{torch.hub.get_dir()}/checkpoints, or set backbone.weights=null to train from scratch"
        ) from error
