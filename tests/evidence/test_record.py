"""record.json: it validates against its own published schema, and comes back as it went."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pydantic
import pytest

from drillctl.evidence.record import SCHEMA, record_from_json, record_schema
from tests.debrief.examples import EXAMPLES, told


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_record_validates_and_round_trips(name: str) -> None:
    record = told(name)
    document: dict[str, Any] = json.loads(record.to_json())
    jsonschema.Draft202012Validator(record_schema()).validate(document)
    assert record_from_json(record.to_json()) == record
    assert document["schema"] == SCHEMA == next(iter(document.values()))


def test_it_has_what_readers_were_promised() -> None:
    document: dict[str, Any] = json.loads(told("passed").to_json())
    promised = (
        "schema run_id mode drill tool environment backup sandbox marks phases rto rpo statuses "
        "checks findings not_tested verdict"
    )
    assert set(promised.split()) <= set(document)
    assert document["rpo"]["lost_amounts"]["EUR"] == "18234.50"
    rooms = ["restore", "validate", "cutover", "failback", "drift", "comms", "cleanup"]
    assert list(document["statuses"]) == rooms


def test_the_schema_itself_is_valid_and_refuses_what_is_no_record() -> None:
    schema = record_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document: dict[str, Any] = json.loads(told("passed").to_json())
    for broken in (
        document | {"verdict": "splendid"},
        document | {"surprise": 1},
        {key: value for key, value in document.items() if key != "rto"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate(broken)
        with pytest.raises(pydantic.ValidationError):
            record_from_json(json.dumps(broken))
