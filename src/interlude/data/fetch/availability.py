"""Find at planning time the tasks that lack data only the user can supply. No heavy imports."""

from __future__ import annotations

from interlude.data.fetch.mirror import find_mirrored
from interlude.data.fetch.own import own_files
from interlude.data.fetch.places import Places
from interlude.errors import InputError
from interlude.plan.tasks import Task


def why_unavailable(task: Task, places: Places) -> str | None:
    """Return why a task that needs the user's own copy has no data; None when it has."""
    made = places.normalised / task.name / "manifest.json"
    if task.source.own is None or made.exists():
        return None
    if places.mirror and find_mirrored(task, places.mirror, places.slices):
        return None
    try:
        own_files(task, places.own_data)
    except InputError as error:
        return str(error)
    return None
