"""JSON Schema (2020-12) of both files, for editors: made from the same models that judge them.

Every mapping says `additionalProperties: false` itself, which all editors understand, where
`unevaluatedProperties` would be shorter.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from drillctl.definition.checks import bare_allowed, shared_keys
from drillctl.definition.drill_file import (
    CheckPart,
    DrillFile,
    ObjectivesPart,
    RestorePart,
    SandboxPart,
)
from drillctl.definition.environment_file import DeployedFile, LabFile
from drillctl.definition.units import format_duration
from drillctl.definition.vocabulary import Spec, Vocabulary

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def drill_schema(vocabulary: Vocabulary) -> Schema:
    """What may be written in a drill file."""
    parts = (DrillFile, ObjectivesPart, RestorePart, SandboxPart, CheckPart)
    of, definitions = _schemas((*parts, *vocabulary.checks.values(), *vocabulary.engines.values()))
    drill = of(DrillFile)
    properties = drill["properties"]
    _describe(properties, "objectives", of(ObjectivesPart))
    _describe(properties, "restore", _restore(of, vocabulary))
    _describe(properties, "sandbox", _sandbox(of(SandboxPart), vocabulary))
    items = {"oneOf": _checks(of, vocabulary)}
    _describe(properties, "validate", {"type": "array", "minItems": 1, "items": items})
    drill["required"] = sorted({*drill["required"], "validate"})
    return _whole(drill, "a drill of drillctl", definitions)


def environment_schema(vocabulary: Vocabulary) -> Schema:
    """What may be written in an environment file."""
    of, definitions = _schemas((LabFile, DeployedFile))
    for definition in definitions.values():
        if "engine" in definition.get("properties", {}):
            definition["properties"]["engine"]["enum"] = list(vocabulary.engines)
    whole = {"type": "object", "oneOf": [of(LabFile), of(DeployedFile)]}
    return _whole(whole, "an environment of drillctl", definitions)


class _Generate(GenerateJsonSchema):
    """Defaults as they are written in a file; no titles that only say the key again."""

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class _Schemas:
    """The schema of each model, by the model."""

    def __init__(self, by_model: dict[type[BaseModel], Schema]) -> None:
        self._by_model = by_model

    def __call__(self, model: type[BaseModel]) -> Schema:
        """A copy to be changed: one model may stand in two places."""
        schema = self._by_model[model]
        return schema | {"properties": dict(schema.get("properties", {}))}


def _schemas(models: Iterable[type[BaseModel]]) -> tuple[_Schemas, Schema]:
    """Schemas of `models`, and the definitions of what they refer to."""
    unique = tuple(dict.fromkeys(models))
    refs, whole = models_json_schema(
        [(model, "validation") for model in unique], schema_generator=_Generate
    )
    definitions: Schema = whole.get("$defs", {})
    names = {model: refs[(model, "validation")]["$ref"].rpartition("/")[2] for model in unique}
    by_model = {model: definitions[name] for model, name in names.items()}
    for schema in definitions.values():
        schema.pop("title", None)
        for key in schema.get("properties", {}).values():
            if key.get("default", ...) is None:
                del key["default"]
    kept = {name: schema for name, schema in definitions.items() if name not in names.values()}
    return _Schemas(by_model), kept


def _restore(of: _Schemas, vocabulary: Vocabulary) -> Schema:
    """Our keys and the engine's in one mapping, one for each engine."""
    forms = [_restore_with(name, model, of) for name, model in vocabulary.engines.items()]
    return forms[0] if len(forms) == 1 else {"oneOf": forms}


def _restore_with(name: str, model: type[Spec], of: _Schemas) -> Schema:
    ours, theirs = of(RestorePart), of(model)
    engine = ours["properties"]["engine"] | {"const": name}
    properties = ours["properties"] | {"engine": engine} | theirs["properties"]
    required = [*ours.get("required", ()), *theirs.get("required", ())]
    return ours | {"properties": properties, "required": required}


def _sandbox(part: Schema, vocabulary: Vocabulary) -> Schema:
    providers = list(dict.fromkeys(("auto", *vocabulary.providers)))
    part["properties"]["provider"] = part["properties"]["provider"] | {"enum": providers}
    return part | {"type": ["object", "null"]}


def _checks(of: _Schemas, vocabulary: Vocabulary) -> list[Schema]:
    """One form for each check, and one for those that may be written as a name alone."""
    alone = [kind for kind, model in vocabulary.checks.items() if bare_allowed(model)]
    names = {"enum": alone, "description": "a check that needs nothing more than its name"}
    forms = [_check(kind, model, of) for kind, model in vocabulary.checks.items()]
    return [names, *forms] if alone else forms


def _check(kind: str, model: type[Spec], of: _Schemas) -> Schema:
    spec, shared = of(model), of(CheckPart)["properties"]
    spec.setdefault("description", f"the check `{kind}`")
    for key in shared_keys(model):
        spec["properties"][key] = shared[key]
    if bare_allowed(model):
        spec["type"] = ["object", "null"]
    for key, value in spec["properties"].items():
        if "description" not in value:
            spec["properties"][key] = value | {"description": f"`{key}` of the check `{kind}`"}
    return {
        "type": "object",
        "properties": {kind: spec},
        "required": [kind],
        "additionalProperties": False,
        "description": spec["description"],
    }


def _describe(properties: Schema, key: str, schema: Schema) -> None:
    """`schema` under `key`, with the description that the key had before."""
    properties[key] = schema | {"description": properties[key]["description"]}


def _whole(schema: Schema, title: str, definitions: Schema) -> Schema:
    head = {"$schema": _DIALECT, "title": title}
    return head | schema | ({"$defs": _used(schema, definitions)} if definitions else {})


def _used(schema: Schema, definitions: Schema) -> Schema:
    """The definitions that are still referred to, from `schema` or from each other."""
    found: Schema = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = definitions[name]
            waiting.extend(_references(definitions[name]))
    return dict(sorted(found.items()))


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)
