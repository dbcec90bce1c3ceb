"""The JSON Schemas are right, and agree with the loader."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from drillctl.definition.load import load_drill, load_environment
from drillctl.definition.nodes import read_nodes
from drillctl.definition.schema import drill_schema, environment_schema
from drillctl.definition.source import read_source
from drillctl.definition.vocabulary import Vocabulary
from drillctl.errors import DefinitionError

Write = Callable[..., Path]
Steps = tuple[str | int, ...]

LAB = {
    "name": "lab",
    "kind": "lab",
    "postgres": {"major": 17},
    "traffic": {"rate": "60/s", "clients": 4, "seed": 7, "accounts": 50, "currencies": ["EUR"]},
    "backups": {"engine": "pg_dump", "format": "plain.gz", "every": "8s", "keep": 5},
    "warm_up": "22s",
}
DEPLOYED = {
    "name": "lab",
    "kind": "deployed",
    "backups": {"engine": "pg_dump", "every": "1d", "location": "dumps"},
}


def data_of(path: Path) -> Any:
    """As the loader reads it: an ordinary YAML reader would make other things of it."""
    return read_nodes(read_source(path)).data


def mappings(data: Any, path: Steps = ()) -> Iterator[Steps]:
    """The place of every mapping."""
    if isinstance(data, dict):
        yield path
        for key, value in data.items():
            yield from mappings(value, (*path, key))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield from mappings(value, (*path, at))


def at(data: Any, path: Steps) -> Any:
    for step in path:
        data = data[step]
    return data


@pytest.fixture
def drill(vocabulary: Vocabulary) -> Draft202012Validator:
    return Draft202012Validator(drill_schema(vocabulary))


@pytest.fixture
def environment(vocabulary: Vocabulary) -> Draft202012Validator:
    return Draft202012Validator(environment_schema(vocabulary))


def test_both_are_valid_schemas_that_say_what_they_are(vocabulary: Vocabulary) -> None:
    for schema in (drill_schema(vocabulary), environment_schema(vocabulary)):
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["title"]


def test_every_key_is_described(vocabulary: Vocabulary) -> None:
    def undescribed(schema: Any, path: str = "") -> Iterator[str]:
        if isinstance(schema, list):
            for item in schema:
                yield from undescribed(item, path)
        if isinstance(schema, dict):
            for key, value in schema.get("properties", {}).items():
                if "description" not in value:
                    yield f"{path}.{key}"
            for key, value in schema.items():
                yield from undescribed(value, f"{path}.{key}")

    assert not list(undescribed(drill_schema(vocabulary)))
    assert not list(undescribed(environment_schema(vocabulary)))


def test_every_mapping_refuses_unknown_keys(vocabulary: Vocabulary) -> None:
    def open_mappings(schema: Any, path: str = "") -> Iterator[str]:
        if isinstance(schema, list):
            for item in schema:
                yield from open_mappings(item, path)
        if isinstance(schema, dict):
            if "properties" in schema and schema.get("additionalProperties") is not False:
                yield path
            for key, value in schema.items():
                yield from open_mappings(value, f"{path}.{key}")

    assert not list(open_mappings(drill_schema(vocabulary)))
    assert not list(open_mappings(environment_schema(vocabulary)))


def test_the_right_drill_is_right_for_both(
    write: Write, vocabulary: Vocabulary, drill: Draft202012Validator, right: str
) -> None:
    path = write(right)
    load_drill(path, vocabulary)
    drill.validate(data_of(path))


def test_an_unknown_key_anywhere_is_wrong_for_both(
    write: Write, vocabulary: Vocabulary, drill: Draft202012Validator, right: str
) -> None:
    data = data_of(write(right))
    places = [path for path in mappings(data) if path[-1:] != ("tables",)]
    assert len(places) == 20
    for place in places:
        wrong = copy.deepcopy(data)
        at(wrong, place)["zzz"] = 1
        assert not drill.is_valid(wrong), place
        with pytest.raises(DefinitionError, match="zzz"):
            load_drill(write(yaml.safe_dump(wrong)), vocabulary)


def test_a_key_less_is_the_same_to_both(
    write: Write, vocabulary: Vocabulary, drill: Draft202012Validator, right: str
) -> None:
    """Whatever key is left out: if the schema says that it may be, then it may."""
    data = data_of(write(right))
    for place in mappings(data):
        for key in at(data, place):
            less = copy.deepcopy(data)
            del at(less, place)[key]
            try:
                load_drill(write(yaml.safe_dump(less)), vocabulary)
                loads = True
            except DefinitionError as error:
                # What no schema can say: a check compares nothing, or a promise does not add up.
                said = str(error)
                loads = "nothing to compare" in said or "needs at least" in said
            assert drill.is_valid(less) == loads, (place, key)


@pytest.mark.parametrize("right_data", [LAB, DEPLOYED], ids=["lab", "deployed"])
def test_environments_are_the_same_to_both(
    right_data: dict[str, Any],
    write: Write,
    vocabulary: Vocabulary,
    environment: Draft202012Validator,
) -> None:
    environment.validate(right_data)
    load_environment(write(yaml.safe_dump(right_data)), vocabulary)
    for place in mappings(right_data):
        wrong = copy.deepcopy(right_data)
        at(wrong, place)["zzz"] = 1
        assert not environment.is_valid(wrong)
        with pytest.raises(DefinitionError, match="`zzz` is not a key"):
            load_environment(write(yaml.safe_dump(wrong)), vocabulary)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("objectives", "rto"), 15),
        (("objectives", "rto"), "15"),
        (("tier",), "1"),
        (("tier",), 5),
        (("name",), "Big Name"),
        (("restore", "engine"), "pg_dmp"),
        (("restore", "stanza"), "of another engine"),
        (("sandbox", "memory"), 4),
        (("sandbox", "memory"), "4G"),
        (("sandbox", "provider"), "podman"),
        (("sandbox", "cpus"), 0),
        (("restore", "recovery_target", "stop"), "lates"),
        (("validate",), []),
        (("validate", 0), "row_counts"),
        (("validate", 0), {"foreign_keys": 5}),
        (("validate", 0), {"foreign_keys": None, "named": None}),
        (("validate", 2, "row_counts", "tables", "accounts"), "many"),
        (("validate", 3, "query", "expect"), "emty"),
        (("validate", 3, "query", "expect"), {"range": [1]}),
    ],
)
def test_wrong_values_are_wrong_for_both(
    place: Steps,
    value: Any,
    write: Write,
    vocabulary: Vocabulary,
    drill: Draft202012Validator,
    right: str,
) -> None:
    wrong = data_of(write(right))
    at(wrong, place[:-1])[place[-1]] = value
    assert not drill.is_valid(wrong)
    with pytest.raises(DefinitionError):
        load_drill(write(yaml.safe_dump(wrong)), vocabulary)


@pytest.mark.parametrize("item", ["foreign_keys", {"foreign_keys": None}, {"foreign_keys": {}}])
def test_a_bare_check_is_right_for_both(
    item: Any, write: Write, vocabulary: Vocabulary, drill: Draft202012Validator, right: str
) -> None:
    data = data_of(write(right))
    data["validate"] = [item]
    drill.validate(data)
    load_drill(write(yaml.safe_dump(data)), vocabulary)


def test_defaults_are_written_as_people_write_them(vocabulary: Vocabulary) -> None:
    properties = drill_schema(vocabulary)["properties"]
    assert properties["sandbox"]["properties"]["memory"]["default"] == "2GiB"
    lab = environment_schema(vocabulary)["$defs"]["LabBackupsPart"]["properties"]
    assert lab["every"]["default"] == "10s"
