"""What a pydantic model allows at a place: its keys and its forms, for saying what was expected."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Loc = Sequence[str | int]

_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    timedelta: "a duration such as 15m",
    Path: "a path",
}


def key_of(name: str, field: FieldInfo) -> str:
    """The key in the YAML of a model's field."""
    return field.alias or name


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(key_of(name, field) for name, field in model.model_fields.items())


def keys_at(model: type[BaseModel], loc: Loc) -> tuple[str, ...]:
    """Every key that a mapping at `loc` may have; empty when any key may stand there."""
    found = [form for form in _forms(model, loc) if _is_model(form)]
    return tuple(dict.fromkeys(key for form in found for key in keys_of(form)))


def field_at(model: type[BaseModel], loc: Loc) -> FieldInfo | None:
    """The declared field that `loc` ends in, when it ends in one."""
    for form in _forms(model, loc[:-1]) if loc else ():
        if _is_model(form):
            for name, field in form.model_fields.items():
                if key_of(name, field) == loc[-1]:
                    return field  # type: ignore[no-any-return]
    return None


def expected_at(model: type[BaseModel], loc: Loc) -> str:
    """Such as `empty or {value} or {range}`."""
    return " or ".join(dict.fromkeys(filter(None, map(_described, _forms(model, loc)))))


def _forms(model: type[BaseModel], loc: Loc) -> tuple[Any, ...]:
    """The types a value at `loc` may have. Names of union members in `loc` are passed over."""
    here: tuple[Any, ...] = (model,)
    for step in loc:
        below = tuple(part for form in here for part in _step(form, step))
        named = tuple(form for form in here if getattr(form, "__name__", None) == step)
        here = below or named or here
    return here


def _step(form: Any, step: str | int) -> tuple[Any, ...]:
    if _is_model(form):
        fields = form.model_fields.items()
        return next((_flat(f.annotation) for n, f in fields if key_of(n, f) == step), ())
    origin, args = get_origin(form), get_args(form)
    if origin in (list, tuple, set, frozenset, Sequence, AbstractSet) and isinstance(step, int):
        fixed = origin is tuple and Ellipsis not in args and step < len(args)
        return _flat(args[step] if fixed else args[0])
    if origin in (dict, Mapping):
        return _flat(args[0 if step == "[key]" else 1])
    return ()


def _flat(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, without Annotated wrappers."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _flat(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(part for member in get_args(annotation) for part in _flat(member))
    return (annotation,)


def _described(form: Any) -> str:
    if _is_model(form):
        return "{" + ", ".join(keys_of(form)) + "}"
    origin, args = get_origin(form), get_args(form)
    if origin is Literal:
        return " or ".join(_literal(value) for value in args)
    if origin in (list, tuple, set, frozenset, Sequence, AbstractSet):
        return "a list"
    if origin in (dict, Mapping):
        return "a mapping"
    return "" if form is type(None) else _WORDS.get(form, "")


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"`{value}`"


def _is_model(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, BaseModel)
