"""Which arms of a study are compared with which."""

from __future__ import annotations

from interlude.errors import InputError, unknown
from interlude.plan.arms import TASK, Arm, arms_of
from interlude.plan.config import Config
from interlude.words import Contrast


def contrasts_of(config: Config) -> list[Contrast]:
    """Return what a study compares: each arm with its baseline, then the contrasts that it names.

    The baseline is the first arm that trains on the target task alone.
    """
    arms = {arm.name: arm for arm in arms_of(config.arms)}
    baseline = next((name for name, arm in arms.items() if _is_alone(arm)), None)
    pairs = [(name, baseline) for name in arms if baseline not in (None, name)]
    pairs += [(each.arm, each.against) for each in config.contrasts]
    return [_contrast(arms[arm], arms[str(against)]) for arm, against in dict.fromkeys(pairs)]


def check_contrasts(config: Config, where: str) -> None:
    """Refuse a contrast of an unknown arm, of one with itself, or of cells that do not match."""
    arms = {arm.name: arm for arm in arms_of(config.arms)}
    for each in config.contrasts:
        for key, name in each:
            if name not in arms:
                raise unknown(f"{where}: key contrasts.{key}", "arm", name, arms)
        if each.arm == each.against:
            raise InputError(
                f"{where}: key contrasts: found {each.arm} against itself. Allowed: another arm."
            )
        if arms[each.against].has_source and not arms[each.arm].has_source:
            raise InputError(
                f"{where}: key contrasts: found {each.arm}, which has no source, against "
                f"{each.against}, which has. Allowed: the other way round."
            )


def _contrast(arm: Arm, against: Arm) -> Contrast:
    chains = against.has_source and not against.mixes_source_and_task
    return Contrast(arm.name, against.name, arm.has_source, arm.mixes_source_and_task and chains)


def _is_alone(arm: Arm) -> bool:
    return [list(stage.parts) for stage in arm.stages] == [[TASK]]
