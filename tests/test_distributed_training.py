"""Processes that share a batch compute the loss and the gradient of one process that has the whole of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from detectors import CLASSES, random_batch
from processes import agreed, together
from test_every_detector import GFOCAL, OWN, composed
from torch import Tensor, nn

from gfl_bench.config.schema import Config
from gfl_bench.engine.accumulation import split
from gfl_bench.engine.distributed import ALONE, World
from gfl_bench.engine.trainer import Trainer
from gfl_bench.engine.whole_batch_norm import share_batch_norms
from gfl_bench.models.build import build_detector
from gfl_bench.structures import Batch

Step = tuple[dict[str, float], dict[str, Tensor]]  # losses, and gradients by parameter
STEP = "precision=fp32 schedule.batch_size=4 machine.log_every=1"
STILL = dict.fromkeys(OWN, "backbone.norm_eval=true") | {
    "ssd512": "",  # VGG has no batch norm
    **dict.fromkeys(("yolov3_tiny", "yolov4_tiny"), "backbone.norm_eval=true neck.norm_eval=true"),
}
QUICK = [("atss", GFOCAL), ("fcos", OWN["fcos"]), ("paa", OWN["paa"]), ("atss", "quality=iou_guided box=dirac")]
ALL = [(name, parts) for name in OWN for parts in (OWN[name], GFOCAL)]
cases = pytest.mark.parametrize("cases", [QUICK, pytest.param(ALL, marks=pytest.mark.slow)], ids=["quick", "all"])


def a_batch(seed: int) -> Batch:
    """Four images: the second has no ground truth, and the last two, being narrower, need less padding."""
    batch = random_batch(seed, [4, 0, 3, 1], 96, 128)
    batch.sizes[:, 1] = torch.tensor([128, 128, 90, 90])
    batch.padded_sizes = (batch.sizes + 31) // 32 * 32
    batch.images[2:, :, :, 96:] = 0
    batch.instances.boxes[4:, 0::2].clamp_(max=90)
    return batch


def share(batch: Batch, world: World) -> Batch:
    """This process's images, with no more padding than they need."""
    part = list(split(batch, len(batch.image_ids) // world.size))[world.rank]
    height, width = part.padded_sizes.amax(0).tolist()
    part.images = part.images[:, :, :height, :width].clone()
    return part


def one_step(world: World, config: Config, folder: Path) -> Step:
    detector, told = build_detector(config, CLASSES, seed=0), []
    trainer = Trainer(
        detector, config, steps_per_epoch=1, device=torch.device("cpu"), run="a", checkpoint=folder / "none.pt",
        record=told.append, world=world,
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="the batches ended after 1"):
        trainer.train(iter([share(a_batch(0), world)]))
    losses = {key: value for one in told for key, value in one.items() if key.startswith("loss")}
    return losses, {name: value.grad for name, value in detector.named_parameters() if value.grad is not None}


def steps(world: World, configs: list[Config], folder: Path) -> list[Step]:
    return [one_step(world, config, folder) for config in configs]


def assert_same_step(folder: Path, configs: list[Config], tolerance: float) -> None:
    shares = agreed(together(steps, configs, folder))
    for whole, main, other in zip(*agreed(together(steps, configs, folder, size=1)), *shares, strict=True):
        assert main[0] == pytest.approx(whole[0], rel=1e-5) and not other[0], "rank 0 alone records"
        assert list(main[1]) == list(whole[1])
        total = torch.stack([gradient.norm() for gradient in whole[1].values()]).norm()
        for name, gradient in whole[1].items():
            assert torch.equal(main[1][name], other[1][name])
            assert (main[1][name] - gradient).norm() <= tolerance * total, name


@cases
def test_loss_and_gradient_are_those_of_the_whole_batch(cases: list[tuple[str, str]], tmp_path: Path) -> None:
    assert_same_step(tmp_path, [composed(name, f"{parts} {STEP} {STILL[name]}") for name, parts in cases], 1e-6)


@pytest.mark.slow
def test_so_they_are_with_batch_norms_that_train(tmp_path: Path) -> None:
    assert_same_step(tmp_path, [composed("atss", f"{GFOCAL} {STEP}")], 1e-4)


def normalised(world: World, x: Tensor, slope: Tensor) -> list[Any]:
    torch.manual_seed(0)
    norm: nn.Module = nn.BatchNorm2d(3).double()
    nn.init.normal_(norm.weight)
    if world.size > 1:
        share_batch_norms(norm, world)
        x, slope = x.chunk(world.size)[world.rank], slope.chunk(world.size)[world.rank]
    x = x.clone().requires_grad_()
    y = norm(x)
    (y * slope).sum().backward()
    own = [value.detach() for value in (y, x.grad, norm.weight.grad, norm.bias.grad)]
    return [*own, *(value.clone() for value in norm.state_dict().values())]


def test_batch_norm_over_processes_is_torch_s_over_their_images() -> None:
    generator = torch.Generator().manual_seed(0)
    x, slope = torch.randn(2, 4, 3, 5, 6, generator=generator, dtype=torch.float64).unbind()
    x = x * 3 + 7
    whole = normalised(ALONE, x, slope)
    first, second = agreed(together(normalised, x, slope))
    shared = [torch.cat(parts) for parts in zip(first[:2], second[:2], strict=True)]
    summed = [one + other for one, other in zip(first[2:4], second[2:4], strict=True)]
    for statistics in (first[4:], second[4:]):
        torch.testing.assert_close([*shared, *summed, *statistics], whole)
