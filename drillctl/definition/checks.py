"""Items of `validate:` into CheckSpecs: one word that names the check, and what the check needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from drillctl.definition.document import Path, Report
from drillctl.definition.drill import CheckSpec
from drillctl.definition.drill_file import CheckPart
from drillctl.definition.fit import fit
from drillctl.definition.guess import did_you_mean, one_of, shown
from drillctl.definition.later import not_yet
from drillctl.definition.shapes import keys_of
from drillctl.definition.vocabulary import Spec, Vocabulary

DEADLINE = timedelta(minutes=5)
_PATH: Path = ("validate",)
_FORM = "such as `- row_counts: {min_total: 1}`"


def read_checks(report: Report, vocabulary: Vocabulary) -> tuple[CheckSpec, ...]:
    """Every check that is right; what is wrong goes to `report`."""
    items = report.document.data.get("validate")
    if items is None or items == []:
        report.add(
            _PATH,
            "the drill checks nothing: a restore that nobody looked into proves nothing",
            expected=f"`validate:` with at least one of {', '.join(vocabulary.checks)}",
            at="key",
        )
        return ()
    if not isinstance(items, list):
        hint = "begin each check with `- `" if isinstance(items, dict) else ""
        report.add(_PATH, f"`validate` is {shown(items)}", expected="a list", hint=hint)
        return ()
    read = [_Item(report, vocabulary, at).read(item) for at, item in enumerate(items)]
    _names_differ(report, read)
    return tuple(check for check in read if check is not None)


def bare_allowed(model: type[Spec]) -> bool:
    """May the check be written as its name alone?"""
    try:
        model.model_validate_json("{}", strict=True)
    except ValidationError:
        return False
    return True


def shared_keys(model: type[Spec]) -> tuple[str, ...]:
    """Keys that every check has, unless the check's own model declares them."""
    return tuple(key for key in keys_of(CheckPart) if key not in keys_of(model))


class _Item:
    def __init__(self, report: Report, vocabulary: Vocabulary, at: int) -> None:
        self.report, self.vocabulary, self.path = report, vocabulary, (*_PATH, at)

    def read(self, item: Any) -> CheckSpec | None:
        if isinstance(item, str):
            return self._check(item, {}, self.path, bare=True)
        if not isinstance(item, dict) or not item:
            self.report.add(self.path, f"this check is {shown(item)}", expected=_FORM)
            return None
        kind = next(iter(item))
        if len(item) > 1:
            known = next((key for key in item if key in self.vocabulary.checks), kind)
            indent = known in self.vocabulary.checks and not isinstance(item[known], dict)
            self.report.add(
                self.path,
                f"one item names one check, this one has {', '.join(f'`{key}`' for key in item)}",
                expected=_FORM,
                hint=f"indent what belongs to `{known}` further" if indent else "use an item each",
            )
            return None
        spec = {} if item[kind] is None else item[kind]
        return self._check(kind, spec, (*self.path, kind), bare=item[kind] is None)

    def _check(self, kind: str, data: Any, path: Path, *, bare: bool) -> CheckSpec | None:
        model = self.vocabulary.checks.get(kind)
        if model is None:
            later = not_yet("check", kind)
            known = tuple(self.vocabulary.checks)
            self.report.add(
                path,
                later or f"`{kind}` is not a check",
                expected=one_of(known),
                hint="" if later else did_you_mean(kind, known),
                at="key",
            )
            return None
        if not isinstance(data, dict):
            keys = ", ".join(keys_of(model))
            expected = f"a mapping with the keys {keys}" if keys else f"`- {kind}` alone"
            self.report.add(path, f"`{kind}` is {shown(data)}", expected=expected)
            return None
        return self._spec(kind, model, data, path, bare=bare)

    def _spec(
        self, kind: str, model: type[Spec], data: dict[str, Any], path: Path, *, bare: bool
    ) -> CheckSpec | None:
        shared = shared_keys(model)
        own = {key: value for key, value in data.items() if key not in shared}
        beside = {key: value for key, value in data.items() if key in shared}
        part = fit(CheckPart, beside, path, self.report, subject=f"`{kind}`")
        spec = fit(model, own, path, self.report, subject=f"`{kind}`", others=shared)
        if part is None or spec is None:
            return None
        return CheckSpec(
            kind=kind,
            name=part.name or str(getattr(spec, "name", None) or ""),
            spec=spec,
            deadline=part.deadline or _deadline(spec) or DEADLINE,
            line=self.report.document.where(self.path)[0],
        )


def _deadline(spec: Spec) -> timedelta | None:
    own = getattr(spec, "deadline", None)
    return own if isinstance(own, timedelta) else None


def _names_differ(report: Report, read: Sequence[CheckSpec | None]) -> None:
    seen: dict[str, int] = {}
    for at, check in enumerate(read):
        if check is None or not check.name:
            continue
        if check.name in seen:
            report.add(
                (*_PATH, at),
                f"two checks are called {check.name!r}: in line {seen[check.name]} and here",
                hint="give them different names, to tell them apart in a debrief",
            )
        seen.setdefault(check.name, check.line)
