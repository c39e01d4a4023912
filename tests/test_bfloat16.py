"""bfloat16 on a processor that has no units for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from detectors import random_batch
from test_every_detector import GFOCAL, built, total
from torch import Tensor, nn

from gfl_bench.config.schema import Precision
from gfl_bench.engine import device as devices
from gfl_bench.engine.bfloat16 import RoundedConvolutions, has_units

CPU = torch.device("cpu")
ULP = 2**-7  # one unit in the last of a bfloat16's eight digits, relative


@pytest.fixture
def without_units(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(devices, "has_units", lambda: False)
    yield


def own_units(conv: nn.Module, x: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return conv(x)


def rounded(conv: nn.Module, x: Tensor) -> Tensor:
    with devices.autocast(CPU, Precision.bf16):
        return conv(x)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(1, 1, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2)])
@pytest.mark.usefixtures("without_units")
def test_a_convolution_and_its_gradients_are_those_of_torchs_own_bfloat16(
    kernel: int, stride: int, dilation: int, groups: int
) -> None:
    conv = nn.Conv2d(8, 12, kernel, stride, padding=dilation, dilation=dilation, groups=groups)
    x = torch.randn(2, 8, 9, 11, generator=torch.Generator().manual_seed(0), requires_grad=True)
    found = {}
    for name, compute in {"own": own_units, "rounded": rounded}.items():
        y = compute(conv, x)
        assert y.dtype == torch.bfloat16
        found[name] = [y, *torch.autograd.grad(y.float().square().sum(), [x, *conv.parameters()])]
    for mine, theirs in zip(found["rounded"], found["own"], strict=True):
        assert mine.dtype == theirs.dtype
        scale = theirs.abs().max().item()
        torch.testing.assert_close(mine.float(), theirs.float(), rtol=2 * ULP, atol=ULP * scale)


@pytest.mark.usefixtures("without_units")
def test_what_is_kept_in_float32_is_not_rounded() -> None:
    conv, x = nn.Conv2d(3, 5, 3), torch.randn(1, 3, 8, 8)
    plain = conv(x)
    with devices.autocast(CPU, Precision.bf16), torch.autocast("cpu", enabled=False):
        assert torch.equal(conv(x), plain)
    with devices.autocast(CPU, Precision.fp32):
        assert torch.equal(conv(x), plain)
    assert torch.equal(conv(x), plain)


@pytest.mark.usefixtures("without_units")
def test_a_detectors_losses_are_those_of_torchs_own_bfloat16() -> None:
    detector, batch = built("atss", GFOCAL).train(), random_batch(0, [4, 2], 64, 96)
    with torch.autocast("cpu", torch.bfloat16):
        theirs = detector(batch.images)
    with devices.autocast(CPU, Precision.bf16):
        mine = detector(batch.images)
    losses = [float(total(detector.loss(output, batch)).detach()) for output in (mine, theirs)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.usefixtures("without_units")
def test_a_compiled_network_says_what_it_says_uncompiled() -> None:
    conv, x = nn.Conv2d(3, 5, 3), torch.randn(1, 3, 8, 8)
    plain = rounded(conv, x)
    assert torch.equal(rounded(torch.compile(conv, backend="eager"), x), plain)


@pytest.mark.parametrize(
    ("processor", "has"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),  # AMD Zen 3
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": False}, False),  # Intel Skylake
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": True}, True),  # AMD Zen 4
        ({"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": True}, True),  # Intel Sapphire Rapids
        ({"architecture": "aarch64", "neon": True, "bf16": True}, True),
        ({"architecture": "aarch64", "neon": True, "bf16": False}, False),
    ],
)
def test_which_processors_have_units(processor: dict[str, object], has: bool) -> None:
    assert has_units(processor) is has


@pytest.mark.usefixtures("without_units")
def test_a_timing_tells_how_bfloat16_was_computed() -> None:
    assert devices.arithmetic(CPU, Precision.bf16) != "bf16"
    assert devices.arithmetic(CPU, Precision.fp32) == "fp32"
    assert devices.arithmetic(torch.device("cuda"), Precision.bf16) == "bf16"


def test_the_mode_alone_changes_nothing() -> None:
    conv, x = nn.Conv2d(3, 5, 3), torch.randn(1, 3, 8, 8)
    with RoundedConvolutions():
        assert torch.equal(conv(x), conv(x)) and conv(x).dtype == torch.float32
