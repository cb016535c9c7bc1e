"""The first fault of a file in words: the key, what was found, what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from interlude.errors import did_you_mean, shown_key
from interlude.plan.hints import how_to_write, shown

NOT_AMONG = "not_among"  # the type of an error that has `allowed` in its context
FOUND = "found"  # in the context of an error: what the message shows instead of the value
_UNKNOWN = ("extra_forbidden", "invalid_key", "unexpected_keyword_argument")
_AT_KEY = "[key]"  # ends the place of a fault in a key, not in its value

# What a rule asks for, by the type of pydantic's error; in braces, numbers of the rule.
_RULES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_unicode": "text of whole characters",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "recursion_loop": "no value within itself",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "multiple_of": "a multiple of {multiple_of}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "{min_length} or more of them",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
}

Schema = Mapping[str, Any]
# Returns key -> the dotted key around it; asked only once there is a fault.
Elsewhere = Callable[[], Mapping[str, str]]


def first_fault(
    error: ValidationError,
    schema: Schema,
    key: str = "",
    elsewhere: Elsewhere = dict,
) -> str:
    """Return one line on the first fault: an unknown key, a missing one, a wrong value.

    schema: the JSON schema of the model. key: where the document stands in its file. elsewhere:
    where other keys of the file belong, which the schema does not have.
    """
    fault = min(error.errors(include_url=False), key=_rank)
    return _Place(schema, key, fault["loc"], elsewhere).explained(fault)


def _rank(fault: ErrorDetails) -> int:
    """Return 0 for an unknown key: it may be the misspelt one that is missing."""
    return 0 if fault["type"] in _UNKNOWN else 1 if fault["type"] == "missing" else 2


class _Place:
    """Where a fault is: its key in the file, and the schema of the value there and around it."""

    def __init__(
        self, schema: Schema, key: str, loc: tuple[int | str, ...], elsewhere: Elsewhere
    ) -> None:
        self._definitions = schema.get("$defs", {})
        self._places = [*self._keys_within(schema, [key] if key else []), *elsewhere().items()]
        self._keys = [key] if key else []
        self._schema: Schema = {**self._resolved(schema), "description": None}
        self._around: Schema = self._schema
        self._is_key = loc[-1:] == (_AT_KEY,)
        for part in loc[:-1] if self._is_key else loc:
            self._step(part)

    def explained(self, fault: ErrorDetails) -> str:
        """Return the sentence on a fault at this place."""
        if fault["type"] in _UNKNOWN or (self._is_key and self._names_of_keys()):
            return self._unknown_key()
        if fault["type"] == "missing":
            needed = ", ".join(self._around["required"])
            meaning = self._schema.get("description")
            what = f"{self._keys[-1]!r} ({meaning})" if meaning else repr(self._keys[-1])
            return f"{self._outer()}: no key {what}. Needed: {needed}."
        context = fault.get("ctx", {})
        value = str(context.get(FOUND) or shown(fault["input"]))
        write = how_to_write(fault["type"], fault["input"])
        key = self._outer() if self._is_key else self._key()
        if fault["type"] in ("literal_error", NOT_AMONG):
            one_of = self._schema.get("enum") or [self._schema.get("const")]
            allowed = context.get("allowed") or one_of
            names = [_yaml(each) for each in allowed]
            write *= all(isinstance(each, str) for each in allowed)
            hint = did_you_mean(str(fault["input"])[:100], names)
            return f"{key}: found {value}.{hint} Allowed: {', '.join(names)}.{write}"
        return f"{key}: found {value}. Allowed: {self._allowed(fault, context)}.{write}"

    def _allowed(self, fault: ErrorDetails, limits: Mapping[str, Any]) -> str:
        """Return what is allowed: in the words of the description, and by the broken rule."""
        schema = self._around.get("propertyNames", {}) if self._is_key else self._schema
        described = None if FOUND in limits else schema.get("description")
        if described and fault["type"] == "string_pattern_mismatch":
            return str(described)
        whole = {name: _whole(limit) for name, limit in limits.items()}
        rule = _RULES.get(fault["type"], fault["msg"]).format(**whole)
        if fault["type"] == "model_type":
            rule += f" with the keys {', '.join(schema['properties'])}"
        return f"{described} ({rule})" if described else rule

    def _unknown_key(self) -> str:
        key, known = str(self._keys[-1]), self._names_of_keys()
        hint = self._belongs(key) or did_you_mean(key[:100], known)
        return f"{self._outer()}: unknown key {shown(key)}.{hint} Allowed: {', '.join(known)}."

    def _belongs(self, key: str) -> str:
        """Return ' It belongs …' for a key of other places, else an empty string."""
        places = dict.fromkeys(place for name, place in self._places if name == key)
        named = [f"under {place}" if place else "at the top level" for place in places]
        return f" It belongs {' or '.join(named)}." if named else ""

    def _names_of_keys(self) -> list[str]:
        around = self._around
        return sorted(around.get("properties") or around.get("propertyNames", {}).get("enum", []))

    def _key(self) -> str:
        return _named(self._keys)

    def _outer(self) -> str:
        """Return the key around that of the fault."""
        return _named(self._keys[:-1])

    def _step(self, part: int | str) -> None:
        """Go from a value to one in it; one of several forms has no key of its own."""
        named = self._schema.get("discriminator", {}).get("mapping", {})
        if part in named:
            self._schema = self._resolved({"$ref": named[part]})
            return
        forms = {each.get("type"): each for each in self._forms(self._schema)}
        if len(forms) > 1:
            self._schema = {**forms[part], **_description(self._schema)}
            return
        self._keys.append(str(part))
        self._around = self._schema
        self._schema = self._resolved(_within(self._schema, part))

    def _keys_within(self, schema: Schema, keys: list[str]) -> Iterator[tuple[str, str]]:
        """Yield each key that a value may have, at any depth, with the dotted key around it."""
        schema = self._resolved(schema)
        if "discriminator" in schema:
            return  # parameters of one of many methods, which may be called as other keys are
        for form in self._forms(schema):
            yield from self._keys_within(form, keys)
        for name, inner in schema.get("properties", {}).items():
            yield name, ".".join(keys)
            yield from self._keys_within(inner, [*keys, name])
        names = "|".join(schema.get("propertyNames", {}).get("enum", ["name"]))
        for inner in _of_any_key(schema):
            yield from self._keys_within(inner, [*keys, f"<{names}>"])
        if "items" in schema:
            yield from self._keys_within(schema["items"], [*keys, "<number>"])

    def _resolved(self, schema: Schema) -> Schema:
        """Return a schema with what it refers to, and without null where there is another form."""
        if "$ref" in schema:
            target = self._resolved(self._definitions[schema["$ref"].rpartition("/")[2]])
            return {**target, "description": schema.get("description")}
        forms = self._forms(schema)
        return {**forms[0], **_description(schema)} if len(forms) == 1 else schema

    def _forms(self, schema: Schema) -> list[Schema]:
        forms = schema.get("anyOf") or schema.get("oneOf") or []
        return [self._resolved(each) for each in forms if each != {"type": "null"}]


def _whole(limit: Any) -> Any:
    """Return 1 for 1.0, as people write it."""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _within(schema: Schema, part: int | str) -> Schema:
    """Return the schema of a value in a list or a mapping; an empty one for an unknown key."""
    if "items" in schema:
        return dict(schema["items"])
    known: Schema = schema.get("properties", {})
    return dict(known.get(str(part)) or next(iter(_of_any_key(schema)), {}))


def _of_any_key(schema: Schema) -> list[Schema]:
    """Return the schemas of the values of a mapping whose keys are no fixed ones."""
    by_pattern: Iterable[Schema] = schema.get("patternProperties", {}).values()
    others = schema.get("additionalProperties")
    return [each for each in (others, *by_pattern) if isinstance(each, Mapping)]


def _description(schema: Schema) -> Schema:
    """Return the description of a value; that of its field, not the docstring of its model."""
    return {"description": schema["description"]} if "description" in schema else {}


def _named(keys: list[str]) -> str:
    return f"key {'.'.join(map(shown_key, keys))}" if keys else "top level"


def _yaml(value: Any) -> str:
    return "null" if value is None else str(value)
