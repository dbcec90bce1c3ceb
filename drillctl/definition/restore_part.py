"""`restore:` into a RestoreSpec: our own keys, and beside them those of the engine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from drillctl.definition.document import Report
from drillctl.definition.drill import RecoveryTarget, RestoreSpec
from drillctl.definition.drill_file import RestorePart
from drillctl.definition.fit import fit
from drillctl.definition.guess import did_you_mean, one_of, shown
from drillctl.definition.later import not_yet, unavailable
from drillctl.definition.shapes import keys_of
from drillctl.definition.targets import check_target
from drillctl.definition.vocabulary import Spec, Vocabulary

_PATH = ("restore",)


def read_restore(drill: Path, report: Report, vocabulary: Vocabulary) -> RestoreSpec | None:
    """None after what is wrong went to `report`; a drill without the key is said elsewhere."""
    data = report.document.data.get("restore")
    if not isinstance(data, dict):
        if "restore" in report.document.data:
            report.add(_PATH, f"`restore` is {shown(data)}", expected="a mapping with `engine`")
        return None
    ours = keys_of(RestorePart)
    part = fit(RestorePart, {k: v for k, v in data.items() if k in ours}, _PATH, report)
    engine = find_engine(data.get("engine"), (*_PATH, "engine"), report, vocabulary)
    theirs = {key: value for key, value in data.items() if key not in ours}
    if engine is None:
        _unknown_everywhere(theirs, report, vocabulary)
        return None
    options = fit(engine, theirs, _PATH, report, others=ours)
    if part is None or options is None:
        return None
    return RestoreSpec(
        engine=part.engine,
        location=locate(part.location, drill, report),
        select=part.select,
        options=options,
        recovery_target=_target(part, engine, report),
        backup_interval=part.backup_interval,
    )


def find_engine(
    word: Any, path: tuple[str, ...], report: Report, vocabulary: Vocabulary
) -> type[Spec] | None:
    """The engine's own model. None when it is missing or not text, which is said elsewhere."""
    if not isinstance(word, str):
        return None
    engine = vocabulary.engines.get(word)
    if engine is None:
        later = not_yet("engine", word)
        report.add(
            path,
            later or f"{shown(word)} is not a backup engine",
            expected=one_of(vocabulary.engines),
            hint="" if later else did_you_mean(word, vocabulary.engines),
        )
    return engine


def locate(
    written: str | None, file: Path, report: Report, path: tuple[str, ...] = ("restore", "from")
) -> Path | None:
    """An absolute path; relative ones are meant from the folder of `file`."""
    if written is None:
        return None
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]{1,20})://", written)
    if scheme:
        report.add(
            path,
            unavailable(f"reading backups from `{scheme[1]}://`"),
            expected="a path on this machine",
            hint="copy the backup here first, or mount it",
        )
        return None
    try:
        expanded = Path(written).expanduser()
    except RuntimeError:
        report.add(path, f"{shown(written)} names no user of this machine", hint="write the path")
        return None
    return Path(os.path.normpath(file.absolute().parent / expanded))


def _target(part: RestorePart, engine: type[Spec], report: Report) -> RecoveryTarget:
    target = part.recovery_target
    if target.stop not in engine.stops:
        report.add(
            (*_PATH, "recovery_target", "stop"),
            f"{part.engine} cannot stop at `{target.stop}`",
            expected=one_of(engine.stops),
        )
    return RecoveryTarget(stop=target.stop, value=check_target(target.stop, target.value))


def _unknown_everywhere(data: dict[str, Any], report: Report, vocabulary: Vocabulary) -> None:
    """Without a known engine, say only of keys that no engine has."""
    models: tuple[type[BaseModel], ...] = (RestorePart, *vocabulary.engines.values())
    known = tuple(dict.fromkeys(key for model in models for key in keys_of(model)))
    for key in data:
        if key not in known and not report.taken((*_PATH, key)):
            report.add(
                (*_PATH, key),
                f"`{key}` is not a key of `restore`",
                expected=one_of(known),
                hint=did_you_mean(key, known),
                at="key",
            )
