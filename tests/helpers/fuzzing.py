"""Random inputs by hypothesis: as many on every machine, the same in each run of the same tests.

It also draws constants from the modules that are loaded, so other tests beside them change some.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def repeatable(examples: int) -> settings:
    """Return settings that try a number of examples, always the same, however long each takes."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
