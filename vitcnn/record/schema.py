"""The form of the `vitcnn` section of a run's JSON: `run.schema.json` beside this file. `SCHEMA` counts its changes.

1. the first;
2. a run says when it began and what of the suite was asked for (`started`, `selection`);
3. a record stands here alone, no longer in pytest-benchmark's `extra_info` too; which test images were right lies
   packed in a file that `files["answers"]` names; a run says which records are of an interrupted one (`resumed`);
4. `selection` says which recipes and how many seeds were asked for; the family `other`;
5. the settings of a record hold the name of its recipe in `recipe` and all of it in `training`, and its `cell`; a case
   says how long its whole test took (`wall_s`);
6. `selection` says which weights were asked for;
7. `metrics` says the unit, direction and tolerance of each metric: a measurement says only what is different there.

Files from schema `OLDEST` on are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from vitcnn.errors import RecordError
from vitcnn.spec import ANY, shared_name

SCHEMA, OLDEST = 7, 2


def upgraded(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document of an older schema as one of this one; RecordError where it is too old, or newer."""
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if not isinstance(schema, int) or isinstance(schema, bool):
        return document
    if schema > SCHEMA:
        raise RecordError(f"schema: {schema} is newer than {SCHEMA}, which this vitcnn reads: upgrade vitcnn")
    if schema < OLDEST:
        raise RecordError(f"schema: {schema} is older than {OLDEST}, the oldest this vitcnn reads: measure again")
    if schema == SCHEMA:
        return document
    cases = document.get("cases")
    upgraded_cases = [_case(case) if isinstance(case, dict) else case for case in cases or ()]
    later: dict[str, dict[str, Any]] = {
        "environment": {"git_changes": ""},
        "selection": {"recipes": [], "weights": "", "num_seeds": 0},
    }
    sections = {name: document.get(name) for name in later}
    upgraded = {name: {**later[name], **found} for name, found in sections.items() if isinstance(found, dict)}
    return {
        "more_runs": 0,
        "resumed": [],
        "metrics": {},
        **document,
        "schema": SCHEMA,
        **upgraded,
        "cases": upgraded_cases if isinstance(cases, list) else cases,
    }


def _case(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case of an older schema as one of this one."""
    record = case.get("record")
    settings = record.get("settings") if isinstance(record, dict) else None
    later = {"place": "", "wall_s": None, **case}
    if record is None or not isinstance(settings, dict):
        return later
    recipe = settings.get("recipe", "")
    if isinstance(recipe, dict):
        recipe = str(recipe.get("name", ""))
        settings = {**settings, "recipe": recipe, "training": settings["recipe"]}
    cell = _cell(str(case.get("id", "")), str(record.get("architecture", "")), str(recipe))
    return {**later, "record": {**record, "settings": {"cell": cell, **settings}}}


def _cell(case: str, architecture: str, recipe: str) -> str:
    """Return the cell of a case of an older schema, whose records did not say it."""
    without = case.replace(f"/{architecture}/", f"/{ANY}/", 1)
    return without.replace(f"/{recipe}/", f"/{shared_name(recipe)}/", 1) if recipe else without


def validate(document: Any, definition: str) -> None:
    """Check `document` against a definition of run.schema.json; RecordError names the field, the value, the rule."""
    try:
        _validator(definition)(document)
    except fastjsonschema.JsonSchemaException as refusal:
        raise RecordError(_what_is_wrong(document, definition) or str(refusal)) from None


@cache
def _schema(definition: str) -> dict[str, Any]:
    schema = json.loads(Path(__file__).with_name("run.schema.json").read_text(encoding="utf-8"))
    return {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"}


@cache
def _validator(definition: str) -> Callable[[Any], Any]:
    validator: Callable[[Any], Any] = fastjsonschema.compile(_schema(definition))
    return validator


def _what_is_wrong(document: Any, definition: str) -> str:
    """Return the field, the value and the rule, in the words of jsonschema: slow, so only for what was refused."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(_schema(definition)).iter_errors(document))
    if error is None:
        return ""
    where = error.json_path.removeprefix("$").removeprefix(".") or definition
    got = f", got {error.instance!r}" if error.validator == "const" else ""
    return f"{where}: {error.message}{got}"
