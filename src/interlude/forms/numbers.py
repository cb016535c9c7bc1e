"""Warnings on the numbers that are to be learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# A warning names values further than this from the nearest quartile: in interquartile ranges
# (Tukey's "far out") or, where half of the values are the same, in standard deviations.
FAR_OUT, FAR_OF_SAME = 3, 5


def warnings_of(numbers: Sequence[float] | np.ndarray) -> list[str]:
    """Return warnings on values that are all the same, and on some far from the others."""
    values = np.asarray(numbers, dtype=np.float64)
    if np.ptp(values) == 0:
        return [
            f"all {len(values)} values to train on are {values[0]:g}: there is nothing to learn"
        ]
    lowest, highest = np.quantile(values, (0.25, 0.75))
    reach = FAR_OUT * (highest - lowest) or FAR_OF_SAME * values.std()
    far = values[(values < lowest - reach) | (values > highest + reach)]
    if not len(far):
        return []
    furthest = far[np.abs(far - np.median(values)).argmax()]
    return [
        f"{len(far)} of {len(values)} values to train on lie far from the others, such as "
        f"{furthest:g}; half of all lie between {lowest:g} and {highest:g}"
    ]
