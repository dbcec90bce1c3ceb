"""The words of a drill file, gathered from the rooms that own them."""

from __future__ import annotations

from drillctl.definition.vocabulary import Vocabulary
from drillctl.restore.catalogue import ENGINES
from drillctl.sandbox.catalogue import PROVIDERS
from drillctl.validate.catalogue import CHECKS


def vocabulary() -> Vocabulary:
    return Vocabulary(
        checks={kind: check.SPEC for kind, check in CHECKS.items()},
        engines={name: engine.options for name, engine in ENGINES.items()},
        providers=("auto", *PROVIDERS),
    )
