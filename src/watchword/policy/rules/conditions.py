"""Conditions of one's own, in CEL over the typed intent: every one must be true. Compiled once; what fails denies.

Only a small part of CEL is taken, so that a condition always ends, and soon: bounded length, known variables, no
macros (`all`, `map`, …), no regular expressions, no fractions. Amounts are integers of 10^-8; `amount("1.5")` writes
one, and a bare number beside an amount is refused, because it would be off by 10^8.

Source: the CEL language definition, github.com/google/cel-spec; evaluated by the package common-expression-language.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal

import msgspec

from watchword.kernel.units import TooPrecise, format_trimmed, parse_scaled
from watchword.policy.case import Case, OrderFacts
from watchword.policy.decision import Deny
from watchword.policy.intent import KINDS, Cancel, Place, Withdraw
from watchword.policy.rules.hours import DAY_MINUTES, DAYS, minute_of_week

ConditionKind = Literal["place", "cancel", "withdraw"]

CONDITION_CHARS_MAX: Final = 500
CONDITIONS_COUNT_MAX: Final = 20
NESTING_COUNT_MAX: Final = 20
#: CEL's integers have 64 bits.
INTEGER_MAX: Final = 2**63 - 1

FUNCTIONS: Final = frozenset(("size", "startsWith", "endsWith", "contains"))
_WORDS: Final = frozenset(("true", "false", "in"))
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<amount>amount\(\s*(?:"(?P<a1>[0-9.]*)"|'(?P<a2>[0-9.]*)')\s*\))"""
    r"""|(?P<text>"[^"\\\n]*"|'[^'\\\n]*')|(?P<number>[0-9][0-9A-Za-z_.]*)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<sign>&&|\|\||[<>=!]=|[<>!?:+\-*/%()\[\],.]))""",
    re.ASCII,
)
_COMPARISONS: Final = frozenset(("<", ">", "<=", ">=", "==", "!=", "+", "-"))

#: From the case and the order's facts (None where the intent is no order) to the value.
_Read = Callable[[Any, Any], Any]


class _Variable(msgspec.Struct, frozen=True):
    """One name conditions may use.

    Attributes:
        read: How its value is found.
        amount: Whether it counts 10^-8.
        sample: A value of its type, to try a condition on.
    """

    read: _Read
    amount: bool = False
    sample: Any = "x"


_ALWAYS: Final[dict[str, _Variable]] = {
    "kind": _Variable(lambda case, _: KINDS[type(case.intent)]),
    "endpoint": _Variable(lambda case, _: case.intent.endpoint),
    "weekday": _Variable(lambda case, _: DAYS[minute_of_week(case.now_us) // DAY_MINUTES]),
    "hour": _Variable(lambda case, _: minute_of_week(case.now_us) % DAY_MINUTES // 60, False, 1),
    "minute": _Variable(lambda case, _: minute_of_week(case.now_us) % 60, False, 1),
}
_PLACE: Final[dict[str, _Variable]] = {
    **_ALWAYS,
    "symbol": _Variable(lambda case, _: case.intent.symbol),
    "base": _Variable(lambda case, _: _market(case).base),
    "quote": _Variable(lambda case, _: _market(case).quote),
    "orders": _Variable(lambda case, _: len(case.orders), False, 1),
    "dry": _Variable(lambda case, _: case.intent.dry, False, False),
    "replaces": _Variable(lambda case, _: case.intent.cancels is not None, False, False),
    "side": _Variable(lambda _, fact: fact.order.side),
    "type": _Variable(lambda _, fact: fact.order.type),
    "time_in_force": _Variable(lambda _, fact: fact.order.time_in_force),
    "client_order_id": _Variable(lambda _, fact: fact.order.client_order_id),
    "trailing_delta": _Variable(lambda _, fact: fact.order.trailing_delta, False, 1),
    "price": _Variable(lambda _, fact: fact.order.price, True, 1),
    "stop_price": _Variable(lambda _, fact: fact.order.stop_price, True, 1),
    "quantity": _Variable(lambda _, fact: _known(fact).quantity, True, 1),
    "quote_quantity": _Variable(lambda _, fact: fact.order.quote_quantity, True, 1),
    "notional": _Variable(lambda _, fact: _known(fact).gross, True, 1),
    "median": _Variable(lambda case, _: _fresh(case), True, 1),
    "bought": _Variable(lambda case, _: case.usage.bought.get(_market(case).base, 0), True, 1),
    "spent_today": _Variable(lambda case, _: case.usage.spent.get(_market(case).quote, 0), True, 1),
}
VARIABLES: Final[Mapping[str, Mapping[str, _Variable]]] = MappingProxyType(
    {
        "place": _PLACE,
        "cancel": {
            **_ALWAYS,
            "symbol": _PLACE["symbol"],
            "scope": _Variable(lambda case, _: case.intent.scope),
            "client_order_id": _Variable(lambda case, _: case.intent.client_order_id),
        },
        "withdraw": {
            **_ALWAYS,
            "coin": _Variable(lambda case, _: case.intent.coin),
            "network": _Variable(lambda case, _: case.intent.network),
            "address": _Variable(lambda case, _: case.intent.address),
            "tag": _Variable(lambda case, _: case.intent.tag),
            "amount_sent": _Variable(lambda case, _: case.intent.amount, True, 1),
        },
    }
)


class _Unknown(Exception):  # noqa: N818 - a signal within this module
    """A variable has no value in this case."""


class Condition(msgspec.Struct, frozen=True):
    """One condition.

    Attributes:
        title: What people call it.
        on: The kind of intent it is about.
        source: As written.
        program: Compiled.
        variables: Names it uses, and how each is read.
    """

    title: str
    on: ConditionKind
    source: str
    program: Any
    variables: tuple[tuple[str, _Read], ...]


class Conditions(msgspec.Struct, frozen=True):
    """All of them; every order of a list is asked."""

    name: ClassVar[str] = "conditions"

    conditions: tuple[Condition, ...]

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        intent = case.intent
        for condition in self.conditions:
            refused: Deny | None = None
            if condition.on == "place" and isinstance(intent, Place):
                for fact in case.orders:
                    refused = refused or _ask(condition, case, fact)
            elif (condition.on == "cancel" and isinstance(intent, Cancel)) or (
                condition.on == "withdraw" and isinstance(intent, Withdraw)
            ):
                refused = _ask(condition, case, None)
            if refused is not None:
                return refused
        return None

    def limit(self) -> str:
        """See Rule."""
        return "; ".join(condition.source for condition in self.conditions)

    def widening(self, parent: "Conditions") -> str:
        """See Rule: each of the parent's conditions must be here, letter for letter."""
        mine = {(condition.on, condition.source) for condition in self.conditions}
        for condition in parent.conditions:
            if (condition.on, condition.source) not in mine:
                return f"without the condition {condition.title!r}"
        return ""


def compile_condition(title: str, on: ConditionKind, source: str) -> Condition | str:
    """Check and compile one condition.

    Args:
        title: What people call it.
        on: Which kind of intent it is about.
        source: In CEL, of at most CONDITION_CHARS_MAX characters.

    Returns:
        The condition, or what is wrong with it.
    """
    from cel import compile as compile_cel

    if len(source) > CONDITION_CHARS_MAX:
        return f"a condition has at most {CONDITION_CHARS_MAX} characters"
    known = VARIABLES[on]
    translated = _translate(source, known)
    if isinstance(translated, _Flaw):
        return translated.text
    text, names = translated
    try:
        program = compile_cel(text)
    except ValueError as error:
        return "this is not CEL: " + str(error).partition("ERROR: <input>:")[2].partition("\n")[0]
    try:
        answer = program.execute({name: known[name].sample for name in names})
    except Exception as error:  # noqa: BLE001 - whatever CEL makes of it, the author should know
        return f"this cannot be answered: {error}"
    if not isinstance(answer, bool):
        return f"this gives {answer!r}; a condition is true or false"
    return Condition(title, on, source, program, tuple((name, known[name].read) for name in names))


def holds(condition: Condition, case: Case, fact: OrderFacts | None) -> bool | str:
    """Ask one condition as a question: yes or no, or why it cannot be answered.

    Args:
        condition: Compiled, on the kind of the case's intent.
        case: What it is about.
        fact: The order; None where the intent is none.
    """
    values: dict[str, Any] = {}
    try:
        for name, read in condition.variables:
            value = values[name] = read(case, fact)
            if type(value) is int and value > INTEGER_MAX:
                return f"{name} is larger than any amount"
        answer = condition.program.execute(values)
    except Exception as error:  # noqa: BLE001 - whatever CEL makes of it, it is not an answer
        return str(error) or type(error).__name__
    return answer if isinstance(answer, bool) else f"{answer!r} is neither yes nor no"


def _ask(condition: Condition, case: Case, fact: OrderFacts | None) -> Deny | None:
    values: dict[str, Any] = {}
    try:
        for name, read in condition.variables:
            value = values[name] = read(case, fact)
            if type(value) is int and value > INTEGER_MAX:
                raise _Unknown(f"{name} is larger than any amount")  # noqa: TRY301 - one way out for all
        if condition.program.execute(values) is True:
            return None
        reason = f"{condition.title!r} does not hold: {condition.source}"
    except _Unknown as gap:
        reason = f"{condition.title!r} cannot be answered: {gap}"
    except Exception as error:  # noqa: BLE001 - whatever CEL makes of it, it is not a yes
        reason = f"{condition.title!r} cannot be answered: {error}"
    return Deny("conditions", reason, _texts(values, condition.on), condition.source)


def _texts(values: Mapping[str, Any], on: str) -> tuple[tuple[str, str], ...]:
    known = VARIABLES[on]
    return tuple(
        (name, format_trimmed(value) if known[name].amount else str(value)) for name, value in values.items()
    )


class _Flaw(msgspec.Struct, frozen=True):
    """What is wrong with a condition."""

    text: str


class _Token(msgspec.Struct, frozen=True):
    """One word of a condition: its kind, its text, and for amounts the integer it stands for."""

    kind: str
    text: str


def _translate(source: str, known: Mapping[str, _Variable]) -> tuple[str, list[str]] | _Flaw:
    """Refuse what is outside the small language, and write amounts as integers."""
    tokens: list[_Token] = []
    names: dict[str, None] = {}
    depth = 0
    for token in _tokens(source):
        if isinstance(token, _Flaw):
            return token
        if token.kind == "name" and token.text in known and not (tokens and tokens[-1].text == "."):
            names[token.text] = None
        elif token.kind == "name" and token.text not in FUNCTIONS and token.text not in _WORDS:
            return _Flaw(
                f"{token.text!r} is not known here; there are {' '.join(sorted((*known, *FUNCTIONS)))}"
            )
        depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        if depth > NESTING_COUNT_MAX:
            return _Flaw(f"brackets are nested deeper than {NESTING_COUNT_MAX}")
        tokens.append(token)
    mixed = _mixed(tokens, known)
    if mixed:
        return _Flaw(mixed)
    return " ".join(token.text for token in tokens), list(names)


def _tokens(source: str) -> Iterator[_Token | _Flaw]:
    at, end = 0, len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            yield _Flaw(f"{source[at : at + 12].strip()!r} has no place in a condition")
            return
        at = match.end()
        kind = match.lastgroup if match.lastgroup not in {"a1", "a2"} else "amount"
        text = match[0].strip()
        if match["amount"] is not None:
            yield _amount(match["a1"] if match["a1"] is not None else match["a2"])
        elif kind == "number" and not text.isdigit():
            yield _Flaw(f'{text} is no whole number; write an amount as amount("{text}")')
        elif kind == "number" and int(text) > INTEGER_MAX:
            yield _Flaw(f"{text} is larger than any number here")
        else:
            yield _Token(kind or "", text)


def _amount(text: str) -> _Token | _Flaw:
    try:
        value = parse_scaled(text)
    except TooPrecise:
        return _Flaw(f'amount("{text}") has more than eight decimals')
    if value is None or value > INTEGER_MAX:
        return _Flaw(f'amount("{text}") is not an amount')
    return _Token("scaled", str(value))


def _mixed(tokens: list[_Token], known: Mapping[str, _Variable]) -> str:
    """Find a bare number compared with an amount."""
    for left, sign, right in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign.text not in _COMPARISONS:
            continue
        for one, other in ((left, right), (right, left)):
            named = one.kind == "name" and one.text in known and known[one.text].amount
            if named and other.kind == "number" and other.text.strip("0"):
                return f'{one.text} is an amount: write amount("{other.text}") instead of {other.text}'
    return ""


def _market(case: Case) -> Any:
    if case.market is None:
        raise _Unknown(case.stale)
    return case.market


def _fresh(case: Case) -> int:
    if case.stale:
        raise _Unknown(case.stale)
    median: int = _market(case).median
    return median


def _known(fact: OrderFacts) -> OrderFacts:
    if fact.gap:
        raise _Unknown(fact.gap)
    return fact
