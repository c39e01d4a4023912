"""Our parameter names and those of the original NanoDet, one into the other.

========================  =================================================================
ours                      theirs
========================  =================================================================
backbone.*                model.backbone.*, torchvision's names in both
neck.lateral.I            model.fpn.lateral_convs.I.conv
head.levels.I.tower.J     model.head.cls_convs.I.J
head.levels.I.cls, .box   model.head.gfl_cls.I, the one's numbers before the other's
box.project               model.head.distribution_project.project
nothing                   model.head.gfl_reg.I, which is never called where towers are shared
========================  =================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from gfl_bench.models.reference_names import translate

PROJECT = "model.head.distribution_project.project"
_TABLE = (
    ("backbone.", "model.backbone."),
    ("neck.lateral.{i}.", "model.fpn.lateral_convs.{i}.conv."),
    ("head.levels.{i}.tower.{j}.", "model.head.cls_convs.{i}.{j}."),
    ("box.project", PROJECT),
)
_SAID = re.compile(r"head\.levels\.(\d+)\.(cls|box)\.(weight|bias)")
_SAID_AT_ONCE = re.compile(r"model\.head\.gfl_cls\.(\d+)\.(weight|bias)")
_AVERAGED, _LAST = "avg_model.", "model."  # weights averaged over the training, and those of its last step


def is_nanodet(names: Mapping[str, object]) -> bool:
    """Whether a state dict with these names is of the original repository."""
    return any(name.startswith((_AVERAGED, _LAST)) for name in names)


def in_use(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the original evaluates with: averaged weights where there are some, and no layer that is never called."""
    averaged = {_LAST + name.removeprefix(_AVERAGED): x for name, x in state.items() if name.startswith(_AVERAGED)}
    shared = not any(".head.reg_convs." in name for name in state)
    return {name: x for name, x in (averaged or state).items() if not (shared and ".head.gfl_reg." in name)}


def from_nanodet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The original's parameters ``in_use`` under our names.

    Raises:
        UnknownNameError: for a name of another kind of detector.
    """
    ours: dict[str, Tensor] = {}
    for name, value in state.items():
        said = _SAID_AT_ONCE.fullmatch(name)
        if said:
            box = 4 * len(state[PROJECT])
            for part, numbers in {"cls": value[:-box], "box": value[-box:]}.items():
                ours[f"head.levels.{said[1]}.{part}.{said[2]}"] = numbers
        else:
            ours[translate(name, _TABLE, theirs=True)] = value
    return ours


def to_nanodet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our parameters under the original's names; inverse of ``from_nanodet``.

    Raises:
        UnknownNameError: for a name that the original does not have.
    """
    theirs: dict[str, Tensor] = {}
    for name, value in state.items():
        said = _SAID.fullmatch(name)
        if said is None:
            theirs[translate(name, _TABLE, theirs=False)] = value
        elif said[2] == "cls":
            box = state[name.replace(".cls.", ".box.")]
            theirs[f"model.head.gfl_cls.{said[1]}.{said[3]}"] = torch.cat([value, box])
    return theirs
