"""The words events are found by."""

from tests.support.trails import small_trail

from watchword.audit.search import Filter, search
from watchword.audit.words import WORD_LENGTH_MAX, WORDS_COUNT_MAX, words_in, words_of


def test_text_comes_apart_into_letters_and_digits_without_case() -> None:
    assert words_in("No answer: BTC_USDT, Größe 10.50!") == [
        "no",
        "answer",
        "btc",
        "usdt",
        "grösse",
        "10",
        "50",
    ]
    assert words_in("---") == []
    assert words_in("a" * 99) == ["a" * WORD_LENGTH_MAX]


def test_event_is_found_by_values_and_reasons_but_not_by_digests() -> None:
    event = {
        "type": "home:changed", "actor": "ada", "replay": "abcd", "policy": "ef01", "code": 7,
        "values": {"label": "Grid Bot", "signature": "zz"}, "reasons": {"unknown key": 3},
        "rows": [{"reason": "bad ip", "origin": "10.0.0.1", "count": 2}],
    }  # fmt: skip
    assert words_of(event) == {"ada", "grid", "bot", "unknown", "key", "bad", "ip", "10", "0", "1"}


def test_words_of_one_event_are_bounded() -> None:
    assert len(words_of({"note": " ".join(str(number) for number in range(999))})) == WORDS_COUNT_MAX


def test_filter_takes_rows_by_words_actor_rule_and_code() -> None:
    lines = [row.line for row in small_trail()]

    def rows(**wanted: object) -> list[int]:
        return [row.number for row, _ in search(lines, Filter(**wanted))]  # type: ignore[arg-type]

    assert rows(text="answer NO") == [8]
    assert rows(text="no answers") == []
    assert rows(actor="uid 1000") == [9]
    assert rows(actor="uid 100") == []
    assert rows(rule="symbols") == [6]
    assert rows(rule="symbol") == []
    assert rows(code=0) == [4, 6, 8]
    assert rows(code=1) == []
