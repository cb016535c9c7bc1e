"""Schemes of entity tags: recognised from all tags of a task, and written as BIO.

A tag is O for a word outside, or a mark and a type: B begins an entity, I and M go on with it, E
and L end it, S, U and W are all of it. The mark comes first (B-PER) or last (PER-B), beside any
sign, or alone where there is one type. Without marks (IO), words of one type that follow each other
are one entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlude.errors import few
from interlude.forms.values import RowError

SCHEMES = ("BI", "IE", "BIES", "BILU", "BMES", "BMEW")
BEGIN, END = set("BSUW"), set("ELSUW")
# Mark and type; the sign between must be the same in all tags.
MARK_FIRST = r"(?P<mark>[BIMELSUW])(?P<sign>[\W_])(?P<type>.+)"
MARK_LAST = r"(?P<type>.+)(?P<sign>[\W_])(?P<mark>[BIMELSUW])"
MARK_ALONE = r"(?P<mark>[BIMELSUW])(?P<sign>)(?P<type>)"
# Pairs of marks that no sign or other words set apart from the type.
UNREAD = (("B", "I"), ("BEGIN", "INSIDE"), ("BEGIN", "IN"), ("START", "INSIDE"))
ALLOWED = (
    "O for words outside, and for the others one scheme: B-PER and I-PER, besides E-PER and S-PER "
    "or L-PER and U-PER; PER-B; or PER alone"
)


@dataclass(frozen=True)
class Part:
    """What a tag says of its word. mark: of a scheme, or O. kind: the type of the entity."""

    mark: str
    kind: str = ""

    def in_bio(self) -> list[str]:
        """Return the tag in BIO of a word outside, or of an entity's first and other words."""
        return ["O"] if self == OUTSIDE else ["-".join(filter(None, (m, self.kind))) for m in "BI"]


OUTSIDE = Part("O")


def in_bio(names: list[str], rows: Sequence[list[int]]) -> tuple[list[str], list[list[int]]]:
    """Return the names of a task's tags and their numbers in each sentence, both as BIO.

    Names that are BIO already stay as they are, in their order.
    """
    parts = read_tags(names)
    tags = [as_bio(parts[names[number]] for number in row) for row in rows]
    are_bio = all(name in parts[name].in_bio() for name in names)
    if not (are_bio and {tag for each in tags for tag in each} <= set(names)):
        names = list(dict.fromkeys(tag for name in names for tag in parts[name].in_bio()))
    numbers = {name: number for number, name in enumerate(names)}
    return names, [[numbers[tag] for tag in each] for each in tags]


def read_tags(tags: Sequence[str]) -> dict[str, Part]:
    """Return the meaning of each of a task's tags; RowError where it is not clear."""
    outside = next((tag for tag in "Oo" if tag in tags), None)
    inside = [tag for tag in tags if tag != outside]
    case = re.IGNORECASE if outside == "o" else re.NOFLAG
    found = [_marked(inside, pattern, case) for pattern in (MARK_FIRST, MARK_LAST, MARK_ALONE)]
    parts = next((each for each in found if len(each) == len(inside) and _is_scheme(each)), None)
    if parts is None:
        if any(found[:2]) or _has_unread_marks(inside) or outside is None:
            raise RowError(_refusal(tags, [*found[0], *found[1]], inside))
        parts = {tag: Part("I", tag) for tag in inside}
    return parts if outside is None else {**parts, outside: OUTSIDE}


def _marked(tags: Iterable[str], pattern: str, case: re.RegexFlag) -> dict[str, Part]:
    """Return the tags that have a mark in this place, all with the first one's sign."""
    found = {tag: re.fullmatch(pattern, tag, case) for tag in tags}
    signs = [match["sign"] for match in found.values() if match]
    return {
        tag: Part(match["mark"].upper(), match["type"])
        for tag, match in found.items()
        if match and match["sign"] == signs[0]
    }


def _is_scheme(parts: Mapping[str, Part]) -> bool:
    marks = {part.mark for part in parts.values()}
    if not any(marks <= set(scheme) for scheme in SCHEMES):
        return False
    # An entity of several words has a first one, but in IOE; all may be of one word.
    has_first = "B" in marks or ("I" in marks and any(part.kind for part in parts.values()))
    return not marks or has_first or marks in ({"S"}, {"U"})


def _has_unread_marks(tags: Sequence[str]) -> bool:
    upper = {tag.upper() for tag in tags}
    bare = [(tag, *pair) for tag in upper for pair in UNREAD]
    before = (then + tag.removeprefix(mark) for tag, mark, then in bare if tag.startswith(mark))
    behind = (tag.removesuffix(mark) + then for tag, mark, then in bare if tag.endswith(mark))
    return not upper.isdisjoint([*before, *behind])


def _refusal(tags: Sequence[str], marked: Sequence[str], inside: Sequence[str]) -> str:
    """Return the words for tags that are of no scheme, or of several."""
    plain = [tag for tag in inside if tag not in marked]
    found = f"found {few(tags)}"
    if all(re.fullmatch(r"-?\d+(\.0)?", tag) for tag in tags):
        hint = " Say in labels which tags the numbers stand for."
    elif marked and plain:
        found, hint = f"found {few(marked)} with a mark and {few(plain)} without", ""
    else:
        hint = " Tags that are no entities, such as parts of speech: metric: tag_accuracy."
    return (
        f"key tags: {found}, of which entity_f1 cannot tell the entities. Allowed: {ALLOWED}.{hint}"
    )


def as_bio(parts: Iterable[Part]) -> list[str]:
    """Return the entities of a sentence in BIO tags.

    A word that goes on with nothing begins an entity, as in the CoNLL 2003 evaluation.
    """
    tags = []
    open_kind: str | None = None
    for part in parts:
        goes_on = part.kind == open_kind and part.mark not in BEGIN
        tags.append(part.in_bio()[goes_on and part != OUTSIDE])
        open_kind = None if part == OUTSIDE or part.mark in END else part.kind
    return tags
