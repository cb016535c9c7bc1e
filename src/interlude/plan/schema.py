"""Read YAML documents and hold them to their JSON schema, with messages for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from interlude.errors import InputError, did_you_mean

# As `yaml.safe_load`, but that of libyaml, where PyYAML was built with it: ten times as fast.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SCHEMAS = Path(__file__).parents[3] / "workflow" / "schemas"


def load_validated(path: Path, schema: str) -> dict[str, Any]:
    """Read a YAML file and return it with the schema's defaults filled in.

    Raises InputError when the file is missing, is no YAML mapping, or breaks the schema.
    """
    return validate(read_yaml(path), schema, where=str(path))


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file; InputError names the file and the line of a fault."""
    try:
        return _SafeLoader(path.read_text(encoding="utf8")).get_single_data()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def validate(document: Any, schema: str, where: str) -> dict[str, Any]:
    """Hold a document to `workflow/schemas/<schema>.schema.yaml` and return it with defaults.

    Defaults are filled in place. `where` is the file name for messages.
    """
    if not isinstance(document, dict):
        raise InputError(f"{where}: expected a mapping of keys, found {type(document).__name__}.")
    error = next(_validator(schema).iter_errors(document), None)
    if error is not None:
        raise InputError(f"{where}: {_explain(error)}")
    return document


@cache
def _validator(schema: str) -> Any:
    return _FillingValidator(read_yaml(SCHEMAS / f"{schema}.schema.yaml"))


def _fill_defaults(
    validator: Any, properties: dict[str, Any], instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    # jsonschema's documented recipe: defaults first, so that they are validated as well.
    if isinstance(instance, dict):
        for key, subschema in properties.items():
            if "default" in subschema:
                instance.setdefault(key, deepcopy(subschema["default"]))
    yield from Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


def _match_whole(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    # jsonschema's own lets a newline at the end pass: `$` of re matches before it.
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and isfinite(value))


# Stricter than JSON schema: 3.0 is no whole number, and YAML's .nan and .inf are no numbers.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {"integer": _is_integer, "number": _is_number}
)
_FillingValidator: Any = cast(Any, validators).extend(
    Draft202012Validator,
    {"properties": _fill_defaults, "pattern": _match_whole},
    type_checker=_TYPES,
)


def _explain(error: ValidationError) -> str:
    """Return one sentence that names the key, what was found and what is allowed."""
    if error.validator in ("anyOf", "oneOf") and error.context:
        options = " Or: ".join(_explain(nested) for nested in error.context)
        return f"{_key(error)}: none of the allowed forms fits. {options}"
    if error.validator == "additionalProperties":
        return _explain_unknown_key(error)
    if error.validator == "required":
        return _explain_missing_key(error)
    if error.validator == "enum":
        allowed = [str(each) for each in cast(Any, error.validator_value)]
        hint = did_you_mean(str(error.instance), allowed)
        return f"{_key(error)}: found {error.instance!r}.{hint} Allowed: {', '.join(allowed)}."
    rule = f"{error.validator} {error.validator_value!r}"
    return f"{_key(error)}: found {error.instance!r}. Allowed: {_describe(error)} ({rule})."


def _explain_unknown_key(error: ValidationError) -> str:
    schema: Any = error.schema
    instance: Any = error.instance
    known = schema.get("properties", {})
    found = next(key for key in instance if key not in known)
    allowed = ", ".join(sorted(known))
    parent = _key(error)
    return f"{parent}: unknown key {found!r}.{did_you_mean(str(found), known)} Allowed: {allowed}."


def _explain_missing_key(error: ValidationError) -> str:
    needed = cast(Any, error.validator_value)
    missing = next(key for key in needed if key not in cast(Any, error.instance))
    return f"{_key(error)}: no key {missing!r}. Needed: {', '.join(needed)}."


def _describe(error: ValidationError) -> str:
    described = error.schema.get("description") if isinstance(error.schema, dict) else None
    return described or error.message


def _key(error: ValidationError) -> str:
    return "key " + ".".join(map(str, error.absolute_path)) if error.absolute_path else "top level"
