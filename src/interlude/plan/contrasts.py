"""Which arms of a study are compared with which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from interlude.errors import InputError, unknown
from interlude.plan.arms import TASK, Arm, Stage, arms_of
from interlude.plan.config import Config
from interlude.plan.methods import Bottleneck, Method
from interlude.words import Contrast


def contrasts_of(config: Config) -> list[Contrast]:
    """Return what a study compares: arms with their baseline, methods, then what it names.

    The baseline of an arm is the first that trains on the target task alone by the same method,
    from an encoder of the same kind of weights, else the first that trains on it alone. Arms with
    sources that differ in the method alone are compared with the one of them that is fully
    fine-tuned, else with the first of them.
    """
    arms = {arm.name: arm for arm in arms_of(config.arms)}
    pairs = [*_baselines(config, [*arms.values()]), *_methods(config, [*arms.values()])]
    pairs += [(each.arm, each.against) for each in config.contrasts]
    return [_contrast(config, arms[arm], arms[against]) for arm, against in dict.fromkeys(pairs)]


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


def _contrast(config: Config, arm: Arm, against: Arm) -> Contrast:
    chains = against.has_source and not against.mixes_source_and_task
    return Contrast(
        arm.name,
        against.name,
        arm.has_source,
        mixing=arm.mixes_source_and_task and chains,
        methods=_differ_in_method(config, arm, against),
        together=arm.mixes_source_and_task,
    )


def _baselines(config: Config, arms: list[Arm]) -> Iterator[tuple[str, str]]:
    """Yield arms with their baseline; one that trains on the task alone may have none."""
    alone = [arm for arm in arms if _is_alone(arm)]
    for place, arm in enumerate(arms):
        known = [each for each in alone if not _is_alone(arm) or each in arms[:place]]
        baseline = _alike(config, arm, known) or next(iter(alone), arm)
        if baseline is not arm:
            yield arm.name, baseline.name


def _alike(config: Config, arm: Arm, alone: list[Arm]) -> Arm | None:
    """Return the first of these arms that is trained as the last stage of an arm is.

    One that begins with the same published adapter is preferred to one that begins with none, and
    one with the same learning rate to one with another.
    """
    method = config.method(arm.last)
    wanted = dict.fromkeys([method, _unpublished(method)])
    weights = config.weights(arm.stages[0])
    alike = (
        each
        for each in alone
        if (each.last.frozen, config.weights(each.last)) == (arm.last.frozen, weights)
    )
    same = sorted(alike, key=lambda each: each.last.learning_rate != arm.last.learning_rate)
    return next((each for how in wanted for each in same if config.method(each.last) == how), None)


def _methods(config: Config, arms: list[Arm]) -> Iterator[tuple[str, str]]:
    """Yield arms that differ from an earlier or a fully fine-tuned one in the method alone."""
    full_first = sorted(arms, key=lambda arm: not config.method(arm.last).is_full)
    for arm in arms:
        of_all = (each for each in full_first if _recipe(each) == _recipe(arm))
        first = next(of_all, arm)
        if _differ_in_method(config, arm, first):
            yield arm.name, first.name


def _differ_in_method(config: Config, arm: Arm, against: Arm) -> bool:
    methods = {_unpublished(config.method(each.last)) for each in (arm, against)}
    same = arm.has_source and _recipe(arm) == _recipe(against)
    return same and len(methods) > 1


def _recipe(arm: Arm) -> list[Stage]:
    """Return the stages without what says how their weights are trained."""
    how = {"method": None, "adapter": None, "learning_rate": None}
    return [stage.model_copy(update=how) for stage in arm.stages]


def _unpublished(method: Method) -> Method:
    if not isinstance(method, Bottleneck):
        return method
    return replace(method, published=None, published_sha256=None)


def _is_alone(arm: Arm) -> bool:
    return [list(stage.parts) for stage in arm.stages] == [[TASK]]
