"""The words a drill may use that other rooms own: kinds of checks, engines, providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Parent of every plug-in's own part of a definition file: frozen, unknown keys are errors.

    `stops` are the recovery targets that an engine can stop at; checks leave it alone. Files are
    judged strictly, as JSON would be: a list fits a tuple, text that looks like a number is text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    stops: ClassVar[tuple[str, ...]] = ("latest",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Each mapping goes from the word in the YAML to the model of what stands under it.

    `engines` models hold the engine's own keys of `restore:` beside from, select and so on.
    """

    checks: Mapping[str, type[Spec]]
    engines: Mapping[str, type[Spec]]
    providers: tuple[str, ...]
