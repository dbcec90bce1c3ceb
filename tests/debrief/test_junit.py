"""junit.xml: valid whatever it quotes, and green if and only if the drill passed."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from drillctl.debrief.junit import render
from drillctl.evidence.record import DrillRecord
from tests.debrief.examples import EXAMPLES, begin, lost_production, passing_checks, restored, told


def suite_of(record: DrillRecord) -> Tree.Element:
    root = Tree.fromstring(render(record))
    assert root.tag == "testsuites"
    (suite,) = root
    return suite


def cases(suite: Tree.Element) -> dict[tuple[str, str], str]:
    """(classname, name) -> passed | failure | error"""
    told = {}
    for case in suite.findall("testcase"):
        bad = [tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None]
        told[case.get("classname", ""), case.get("name", "")] = bad[0] if bad else "passed"
    return told


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_green_only_for_a_pass_and_its_counts_are_right(name: str) -> None:
    record = told(name)
    suite = suite_of(record)
    found = suite.findall("testcase")
    bad = {tag: len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")}
    assert (int(suite.get("tests", "")), int(suite.get("skipped", ""))) == (len(found), 0)
    assert (int(suite.get("failures", "")), int(suite.get("errors", ""))) == (
        bad["failure"],
        bad["error"],
    )
    assert bad["skipped"] == 0
    assert (bad["failure"] + bad["error"] == 0) == (record.verdict == "passed")
    if record.verdict == "failed":
        assert bad["failure"]
    assert next(child.tag for child in suite) == "properties"
    assert {child.tag for child in list(suite)[1:]} == {"testcase"}


def test_an_empty_drill_is_an_error() -> None:
    assert cases(suite_of(told("empty"))) == {("drill", "verdict"): "error"}


def test_each_thing_is_a_case_of_its_room() -> None:
    ended = cases(suite_of(told("failed")))
    assert ended["drill", "verdict"] == "failure"
    assert ended["objectives", "RTO 10s"] == "failure"
    assert ended["objectives", "RPO 5s"] == "failure"
    assert ended["validate", "ledger balances to zero"] == "failure"
    assert ended["validate", "statement of accounts"] == "error"
    assert ended["validate", "row counts"] == "passed"
    assert ended["restore", "restore.errors_ignored"] == "failure"
    assert ended["restore", "restore.extension_skipped"] == "passed"
    assert ("validate", "validate.unbalanced_transfers") not in ended


def test_a_finding_without_a_check_as_bad_is_a_case_of_its_own(tmp_path: Path) -> None:
    teller = passing_checks(restored(lost_production(begin(tmp_path))))
    teller.finding("validate.odd", "major", "failed", "seen by no check")
    assert cases(suite_of(teller.record()))["validate", "validate.odd"] == "failure"


def test_what_was_not_tested_is_a_property() -> None:
    suite = suite_of(told("passed"))
    properties = [(each.get("name"), each.get("value")) for each in suite.iter("property")]
    assert ("verdict", "passed") in properties
    assert sum(name == "not_tested" for name, _ in properties) == 3
