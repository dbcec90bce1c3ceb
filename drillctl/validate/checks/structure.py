"""`structure`: every object that should be there is, as it should be, and in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict
from drillctl.validate.ailments import Ailment, ailments_of
from drillctl.validate.contract import (
    Database,
    Incomparable,
    Observation,
    Reference,
    finding,
    judged,
)
from drillctl.validate.describe import (
    KINDS,
    SETTINGS,
    Key,
    Structure,
    load_structure,
    read_structure,
)
from drillctl.validate.names import shown

KIND = "structure"

MOST_FINDINGS = 20
_LINES = 5


class StructureSpec(Spec):
    reference: str = Field(
        "archive",
        min_length=1,
        description="`archive` for the backup's own table of contents, or the path of a described "
        "structure, relative to the drill file",
    )


SPEC: type[Spec] = StructureSpec


def label(spec: StructureSpec) -> str:
    against = "the archive's contents" if spec.reference == "archive" else spec.reference
    return f"structure as in {against}"


def run(spec: StructureSpec, database: Database, reference: Reference) -> Observation:
    wanted = (
        None if spec.reference == "archive" else load_structure(reference.folder / spec.reference)
    )
    if wanted is None and not any(kind in KINDS for kind, _, _ in reference.structure):
        raise Incomparable("the backup has no table of contents to compare the structure with")
    with database.session(SETTINGS) as connection:
        there = read_structure(connection)
        ailments = ailments_of(connection)
    if wanted is None:
        return _against_archive(reference.structure, there, ailments)
    return _against_description(wanted, there, ailments)


def _against_archive(
    listed: Iterable[Key], there: Structure, ailments: tuple[Ailment, ...]
) -> Observation:
    keys = {(kind, schema.strip("-"), name) for kind, schema, name in listed if kind in KINDS}
    missing = sorted(keys - there.objects.keys())
    found = (*_missing(missing, "the archive's contents"), *(each.finding() for each in ailments))
    return judged(
        f"{len(keys)} objects that the archive lists",
        f"{len(keys) - len(missing)} of {len(keys)} are there",
        *_bounded(found),
    )


def _against_description(
    wanted: Structure, there: Structure, ailments: tuple[Ailment, ...]
) -> Observation:
    """An ailment that the description shares is how the source is. A view's rule is the view."""
    rules = {key for key in {*wanted.objects, *there.objects} if key[2].endswith(" _RETURN")}
    missing = sorted(wanted.objects.keys() - there.objects.keys() - rules)
    differing = [
        key
        for key, definition in sorted(wanted.objects.items())
        if there.objects.get(key, definition) != definition
    ]
    new = [each for each in ailments if each.key in differing or each.key not in wanted.objects]
    told = {each.key for each in new}
    changed = [key for key in differing if key not in told]
    surplus = sorted(there.objects.keys() - wanted.objects.keys() - rules)
    found = [
        *_missing(missing, "the reference"),
        *(each.finding(Verdict.FAILED if each.key in differing else None) for each in new),
        *(_changed(key, wanted, there) for key in changed),
        *_surplus(surplus),
    ]
    same = len(wanted.objects) - len(missing) - len(differing)
    return judged(
        f"{len(wanted.objects)} objects as described",
        f"{same} are the same, {len(missing)} missing, {len(differing)} changed",
        *_bounded(found),
    )


def _name(key: Key) -> str:
    kind, schema, name = key
    return f"{kind} {shown(schema)}.{shown(name)}" if schema else f"{kind} {shown(name)}"


def _missing(keys: Iterable[Key], source: str) -> Iterator[Finding]:
    for key in keys:
        yield finding(
            "object_missing",
            f"{_name(key)} is not in the restored database",
            expected=f"{_name(key)}, as {source} has it",
            observed="none",
            hint="see the restore's own findings; what made it may have failed or been left out",
        )


def _changed(key: Key, wanted: Structure, there: Structure) -> Finding:
    """Two majors may word one meaning differently, so across majors a difference proves nothing."""
    before, after = wanted.objects[key].splitlines(), there.objects[key].splitlines()
    same_words = wanted.major == there.major
    return finding(
        "object_changed",
        f"{_name(key)} is not what it was",
        expected="; ".join([line for line in before if line not in after][:_LINES]) or "the same",
        observed="; ".join([line for line in after if line not in before][:_LINES])
        or "the same parts in another order or number",
        hint="describe the source anew if it was changed on purpose"
        if same_words
        else f"the reference was described by PostgreSQL {wanted.major}, this is {there.major}: "
        "describe it with the same major to be sure",
        verdict=Verdict.FAILED if same_words else Verdict.INCONCLUSIVE,
    )


def _surplus(keys: list[Key]) -> Iterator[Finding]:
    if keys:
        yield finding(
            "object_unexpected",
            f"{len(keys)} objects are not in the reference",
            observed=", ".join(_name(key) for key in keys[:_LINES]),
            hint="describe the source anew if they were added since",
            verdict=Verdict.PASSED,
        )


def _bounded(found: Iterable[Finding]) -> list[Finding]:
    """Worst first; what is more than a person reads is counted."""
    order = (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED)
    ranked = sorted(found, key=lambda each: order.index(each.verdict))
    if len(ranked) <= MOST_FINDINGS:
        return ranked
    rest = ranked[MOST_FINDINGS:]
    more = finding(
        "more_differences",
        f"and {len(rest)} more differences of structure",
        observed=", ".join(sorted({each.id for each in rest})),
        hint="mend those above first",
        verdict=rest[0].verdict,
    )
    return [*ranked[:MOST_FINDINGS], more]
