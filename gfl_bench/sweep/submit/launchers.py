"""The options of ``hydra/launcher=slurm`` and ``local``, as ``conf/hydra/launcher/`` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra_plugins.hydra_submitit_launcher.config import LocalQueueConf
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gfl_bench.config.compose import register_options
from gfl_bench.config.paths import conf_folder


class LauncherError(ValueError):
    """Options that the launcher does not have."""


@dataclass
class LocalQueue(LocalQueueConf):
    """submitit's local executor, which would start everything at once, with a limit."""

    array_parallelism: int = 1


def register_launchers() -> None:
    """Make known to Hydra what the option files of the launchers refer to."""
    ConfigStore.instance().store(group="hydra/launcher", name="submitit_local_queue", node=LocalQueue)
    OmegaConf.register_new_resolver("by_scale", by_scale, replace=True)
    OmegaConf.register_new_resolver("one_a_gpu", one_a_gpu, replace=True)


def by_scale(values: Mapping[str, Any], *, _root_: Any) -> Any:
    """``${by_scale:{smoke:1,other:4}}``: the value for the run's scale."""
    return values.get(_root_.scale.name, values.get("other"))


def one_a_gpu(gpus: int | None) -> int:
    """Processes of a node that has as many GPUs."""
    return gpus or 1


@cache
def launcher_options(launcher: str, scale: str, overrides: tuple[str, ...]) -> Mapping[str, Any]:
    """What ``hydra/launcher=<launcher> scale=<scale>`` with ``overrides`` comes to.

    Raises:
        LauncherError: the launcher has no such option, or not of that kind.
    """
    register_options()
    register_launchers()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            said = [f"hydra/launcher={launcher}", f"scale={scale}", *overrides]
            config = compose("config", said, return_hydra_config=True)
        options = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        cause = error.__cause__ or error
        raise LauncherError(f"{' '.join(overrides)}: {str(cause).strip().splitlines()[0]}") from error
    assert isinstance(options, dict)
    return {str(key): value for key, value in options.items()}
