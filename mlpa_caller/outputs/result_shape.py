"""The shape of ``result.json``: a document that is read back is checked once, before anything is made of it.

The rules are those of the schema (``reference/schema/result.schema.json``) and what the reports need beyond it.
Fields that the schema does not know are let pass, so that results of later versions can be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mlpa_caller.errors import shown
from mlpa_caller.refdata import reference_path

__all__ = ["KEYWORDS", "shape_fault"]

KEYWORDS = frozenset({
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "required", "properties",
    "additionalProperties", "items", "enum", "const", "minLength", "minItems", "pattern", "minimum", "maximum",
    "exclusiveMinimum",
})  # fmt: skip
"""Keywords that the schema may hold; ``pattern`` is left to the schema's own readers."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,), "null": (type(None),),
    "array": (list,), "object": (dict,),
}  # fmt: skip
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "nothing (null)",
          list: "a list", dict: "an object"}  # fmt: skip
_EVERY = frozenset(_WORDS)
_LARGEST = 1e100
"""Size that no number of a result reaches; sums and squares of smaller ones can still be worked out."""
_DEEPEST = 32
"""Lists and objects inside each other, where the schema leaves a value free."""

_TEXT, _NUMBER = {"type": "string"}, {"type": ["number", "null"]}
_NEEDED: Mapping[str, Any] = {
    "properties": {
        "run": {"properties": {"compression": {**_NUMBER, "minimum": 0, "maximum": 100}}},
        "parameters": {
            "properties": {
                "detection": {"type": "object", "additionalProperties": {"$ref": "#/$defs/texts"}},
                "quality": {"type": "object", "additionalProperties": _NUMBER},
            }
        },
    },
    "$defs": {
        "call": {
            "properties": {
                "copies_lost": {"type": ["integer", "null"]},
                **dict.fromkeys(
                    (
                        "hgvs_p",
                        "hgvs_g38",
                        "allele_consequence",
                        "consequence_sentence",
                        "consequence_source",
                    ),
                    _TEXT,
                ),
            }
        }
    },
}
"""What the reports need beyond the schema, in the words of a schema."""

Fault = tuple[str | int, ...]
"""Where a document is wrong, keys and places from the outside in, and last what is wrong there."""


@dataclass(slots=True)
class _Shape:
    """What a value must be; a shape may hold others, and one that is not filled in lets everything pass."""

    types: frozenset[type] = _EVERY
    words: tuple[Any, ...] = ()
    shortest: int = 0
    least: float = -_LARGEST
    most: float = _LARGEST
    above: float = -2 * _LARGEST
    required: tuple[str, ...] = ()
    fields: dict[str, _Shape] = field(default_factory=dict)
    others: _Shape | None = None
    items: _Shape | None = None


def shape_fault(document: Mapping[str, Any]) -> str:
    """Return what is wrong with a result document, in one clause that names the field; empty for a sound one.

    Parameters
    ----------
    document
        As the JSON reader gives it; it holds no NaN.
    """
    found = _fault(document, _result_shape(), 0) or _uneven(document)
    return "" if found is None else f"{_place(found[:-1])} {found[-1]}"


@lru_cache(maxsize=1)
def _result_shape() -> _Shape:
    schema = json.loads(reference_path("schema/result.schema.json").read_text(encoding="utf-8"))
    del schema["properties"]["schema_version"]  # later minor versions are read
    whole = _merged(schema, _NEEDED)
    shapes: dict[str, _Shape] = {f"#/$defs/{name}": _Shape() for name in whole["$defs"]}
    for name, rules in whole["$defs"].items():
        _fill(shapes[f"#/$defs/{name}"], rules, shapes)
    return _shape(whole, shapes)


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return `one` with what `other` says in addition, or differently."""
    merged = dict(one)
    for key, value in other.items():
        both = (
            isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and "$ref" not in merged[key]
        )
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _shape(rules: Mapping[str, Any], shapes: Mapping[str, _Shape]) -> _Shape:
    if "$ref" in rules:
        return shapes[rules["$ref"]]
    shape = _Shape()
    _fill(shape, rules, shapes)
    return shape


def _fill(shape: _Shape, rules: Mapping[str, Any], shapes: Mapping[str, _Shape]) -> None:
    kinds = rules.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    shape.words = tuple(rules.get("enum", [rules["const"]] if "const" in rules else ()))
    named = frozenset(kind for name in kinds for kind in _TYPES[name])
    shape.types = named or frozenset(map(type, shape.words)) or _EVERY
    shape.shortest = max(rules.get("minLength", 0), rules.get("minItems", 0))
    shape.least, shape.most = rules.get("minimum", -_LARGEST), rules.get("maximum", _LARGEST)
    shape.above = rules.get("exclusiveMinimum", -2 * _LARGEST)
    shape.required = tuple(rules.get("required", ()))
    shape.fields = {name: _shape(inner, shapes) for name, inner in rules.get("properties", {}).items()}
    others, items = rules.get("additionalProperties"), rules.get("items")
    shape.others = _shape(others, shapes) if isinstance(others, dict) else None
    shape.items = _shape(items, shapes) if isinstance(items, dict) else None


_FREE = _Shape()


def _fault(value: Any, shape: _Shape, depth: int) -> Fault | None:
    """Return where and how a value differs from its shape; None where it does not."""
    kind = type(value)
    if kind not in shape.types:
        known = shape.types - {int} if float in shape.types else shape.types
        wanted = " or ".join(word for name, word in _WORDS.items() if name in known)
        return (f"is {_WORDS[kind]} where {wanted} belongs",)
    if shape.words and value not in shape.words:
        return (f"is {shown(value)}, not one of {shown(', '.join(map(str, shape.words)), 120)}",)
    if kind is int or kind is float:
        if shape.least <= value <= shape.most and value > shape.above:
            return None
        return (f"is {shown(value, 30)}, out of range",)
    if kind is str or kind is list:
        if len(value) < shape.shortest:
            return ("is empty",)
        return _list_fault(value, shape, depth) if kind is list else None
    return _object_fault(value, shape, depth) if kind is dict else None


def _list_fault(values: Sequence[Any], shape: _Shape, depth: int) -> Fault | None:
    inner = shape.items or _FREE
    if depth >= _DEEPEST:
        return ("holds too many lists inside each other",)
    if _all_plain(values, inner):
        return None
    for place, value in enumerate(values):
        found = _fault(value, inner, depth + 1)
        if found:
            return (place, *found)
    return None


def _all_plain(values: Sequence[Any], inner: _Shape) -> bool:
    """Return whether all of these are numbers, or missing, as they should be; False where that is to be looked at."""
    kinds = set(map(type, values))
    if not kinds <= inner.types or not kinds <= {int, float, type(None)} or inner.words:
        return False
    numbers = [value for value in values if value is not None] if type(None) in kinds else values
    if not numbers:
        return True
    lowest = min(numbers)
    return bool(inner.least <= lowest and lowest > inner.above and max(numbers) <= inner.most)


def _object_fault(value: Mapping[str, Any], shape: _Shape, depth: int) -> Fault | None:
    if depth >= _DEEPEST:
        return ("holds too many objects inside each other",)
    for name in shape.required:
        if name not in value:
            return (f"has no field {name}",)
    others = shape.others or _FREE
    for name, inner in value.items():
        found = _fault(inner, shape.fields.get(name, others), depth + 1)
        if found:
            return (name, *found)
    return None


def _uneven(document: Mapping[str, Any]) -> Fault | None:
    """Return the first list along the probes that is not as long as the panel."""
    n_probes = len(document["panel"]["probes"])
    for place, sample in enumerate(document["samples"]):
        for name, values in sample["ratios"].items():
            if not isinstance(values, list) or len(values) != n_probes:
                return (
                    "samples",
                    place,
                    "ratios",
                    name,
                    f"does not have one entry for each of {n_probes} probes",
                )
    return None


def _place(keys: Sequence[str | int]) -> str:
    """Return a path as ``samples[3].calls[0].ratio``; unusual names stand in quotes."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key if key.isidentifier() and key.isascii() and len(key) < 40 else shown(key, 40)}"
    return text.removeprefix(".") or "the document"
