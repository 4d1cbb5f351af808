"""Rules as data: what ``reference/risk`` says about each classifier.

A rule file holds everything but the logic: inputs with their cut points, population, quotations with their
location, evidence, outcome figures of the cited cohort, and the readings chosen where the print is wrong.
Changing a figure means editing the file; the file's SHA-256 goes with every result.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlpa_caller.errors import MlpaError, UsageError, shown
from mlpa_caller.refdata import reference_path
from mlpa_caller.risk.classifiers import CLASSIFIERS
from mlpa_caller.risk.classifiers.base import NOT_APPLICABLE, Outcome, Settings, Values
from mlpa_caller.risk.domains import KINDS, DomainValue, domain_of

__all__ = ["Rule", "RuleInput", "default_folder", "load_data", "load_rules", "select_rules"]


@dataclass(frozen=True, slots=True, eq=False)
class RuleInput:
    """One input of a rule.

    Attributes
    ----------
    name
        As it stands in the outputs.
    kind
        ``gene``, ``zygosity``, ``exon_ranges``, ``number``, ``choice`` or ``germline``.
    source
        Gene, gene group or clinical column that gives the value.
    unit
        Of a number.
    cuts
        Cut points of a number, by name.
    tolerance
        A number no farther than this from a cut point is taken to lie on it.
    values
        Of a choice, in the rule's words.
    also
        Further words of the clinical column, each with the values it may stand for.
    clinical
        Clinical column that states the same as the gene's call (yes, no); empty when none does.
    categories
        Exon ranges by category; a range in none of them is of the category `otherwise`.
    otherwise
        See `categories`.
    domain
        Every value that can make a difference: a number has one on, and one between, its cut points.
    """

    name: str
    kind: str
    source: str
    unit: str
    cuts: Mapping[str, float]
    tolerance: float
    values: tuple[str, ...]
    also: Mapping[str, tuple[str, ...]]
    clinical: str
    categories: Mapping[str, tuple[str, ...]]
    otherwise: str
    domain: tuple[DomainValue, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One classifier with its data; `classes` run from the lowest risk to the highest.

    Attributes
    ----------
    data
        The whole rule file, for the texts: ``quotations``, ``outcomes``, ``errata``, ``doubts`` and so on.
    population
        Conditions by input name: ``any_of``, or ``at_least`` and ``below`` with the name of a cut point.
    cohort
        Who was studied, by clinical column, and in words (``text``); a patient outside gets a note, not
        another class.
    evidence_by_class
        Where a class is worse founded than the rule as a whole.
    """

    id: str
    version: str
    sha256: str
    title: str
    source: str
    evidence: str
    status: str
    compare_with: str
    classes: tuple[str, ...]
    inputs: tuple[RuleInput, ...]
    population: Mapping[str, Mapping[str, Any]]
    cohort: Mapping[str, Any]
    evidence_by_class: Mapping[str, str]
    settings: Settings
    data: Mapping[str, Any]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Every answer the rule can give, `not_applicable` last."""
        return (*self.classes, NOT_APPLICABLE)

    def evaluate(self, values: Values) -> Outcome:
        """Return the class of a patient whose every input is known.

        Parameters
        ----------
        values
            One value for every input of the rule, in the terms of its domain.
        """
        for name, condition in self.population.items():
            value, cuts = values[name], self.settings.cut.get(name, {})
            if (
                ("any_of" in condition and value not in condition["any_of"])
                or ("at_least" in condition and value < cuts[condition["at_least"]])
                or ("below" in condition and value >= cuts[condition["below"]])
            ):
                return NOT_APPLICABLE
        return CLASSIFIERS[self.id](values, self.settings)


def default_folder() -> Path:
    """Return the folder of the rules that come with the package."""
    return reference_path("risk/index.toml").parent


def load_data(path: Path) -> dict[str, Any]:
    """Return the contents of one TOML file.

    Raises
    ------
    MlpaError
        If the file is missing or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MlpaError(
            f"cannot be read ({error.strerror})", remedy="install mlpa-caller again", file=path
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MlpaError(f"is no TOML: {error}", remedy="correct the rule file", file=path) from error


@lru_cache(maxsize=8)
def load_rules(folder: Path | None = None) -> Mapping[str, Rule]:
    """Return every rule by its identifier, in the fixed order of the outputs.

    Parameters
    ----------
    folder
        Folder of the rule files; the package's own when None.

    Raises
    ------
    MlpaError
        If a rule file is missing, damaged, or names a classifier that does not exist.
    """
    home = default_folder() if folder is None else folder
    index = load_data(home / "index.toml")
    names = [*index["classifiers"], *index["on_request"]]
    return {name: _read_rule(home / f"{name}.toml", name) for name in names}


def select_rules(
    classifiers: tuple[str, ...] | None, folder: Path | None = None
) -> tuple[Mapping[str, Rule], tuple[str, ...]]:
    """Return all rules and the identifiers to report, in the fixed order.

    Parameters
    ----------
    classifiers
        Identifiers asked for; None means all that are not reported on request only.
    folder
        Folder of the rule files; the package's own when None.

    Raises
    ------
    UsageError
        If an identifier is unknown.
    """
    rules = load_rules(folder)
    if classifiers is None:
        return rules, tuple(name for name, rule in rules.items() if rule.status != "on_request")
    for name in classifiers:
        if name not in rules:
            raise UsageError(f"there is no classifier {shown(name)}", remedy=f"choose of {', '.join(rules)}")
    return rules, tuple(name for name in rules if name in classifiers)


def _read_rule(path: Path, name: str) -> Rule:
    data = load_data(path)
    try:
        inputs = tuple(_read_input(item) for item in data["inputs"])
        rule = Rule(
            id=data["id"],
            version=data["version"],
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            title=data["title"],
            source=data["source"],
            evidence=data["evidence"],
            status=data["status"],
            compare_with=data.get("compare_with", ""),
            classes=tuple(data["classes"]),
            inputs=inputs,
            population=data.get("population", {}),
            cohort=data.get("cohort", {}),
            evidence_by_class=data.get("evidence_by_class", {}),
            settings=Settings({item.name: item.cuts for item in inputs if item.cuts}, data["parameters"]),
            data=data,
        )
    except (KeyError, TypeError) as error:
        raise MlpaError(f"lacks {error}", remedy="correct the rule file", file=path) from error
    known = {item.name for item in inputs}
    if rule.id != name or name not in CLASSIFIERS:
        raise MlpaError(f"is no rule of a classifier {name}", remedy="correct the rule file", file=path)
    for item in rule.population:
        if item not in known:
            raise MlpaError(f"names {item}, which is no input", remedy="correct the rule file", file=path)
    return rule


def _read_input(item: Mapping[str, Any]) -> RuleInput:
    kind = item["kind"]
    if kind not in KINDS:
        raise KeyError(f"a known kind of input (found {kind})")
    cuts = {name: float(value) for name, value in item.get("cut_points", {}).items()}
    values = tuple(item.get("values", ()))
    categories = {name: tuple(ranges) for name, ranges in item.get("categories", {}).items()}
    otherwise = item.get("otherwise", "")
    return RuleInput(
        name=item["name"],
        kind=kind,
        source=item.get("source", item["name"]),
        unit=item.get("unit", ""),
        cuts=cuts,
        tolerance=float(item.get("tolerance", 0.0)),
        values=values,
        also={word: tuple(meant) for word, meant in item.get("also", {}).items()},
        clinical=item.get("clinical", ""),
        categories=categories,
        otherwise=otherwise,
        domain=domain_of(kind, cuts=cuts, values=values, categories=(*categories, otherwise)),
    )
