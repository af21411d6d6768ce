"""Conditions on metadata, as they are typed."""

from urllib.parse import urlencode

import pytest

from llmtrack.domain.metadata_conditions import metadata_condition
from llmtrack.domain.views import View


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("team=red", "team", "red"),
        (" team = red ", "team", "red"),
        ("a.b=c=d", "a.b", "c=d"),
        ("team=", "team", ""),
        ('"a=b"=c=d', "a=b", "c=d"),
        ('"a=b" = " x "', "a=b", " x "),
        (r'"a\\b"="\u00e9"', "a\\b", "é"),
        ('say="hi', "say", '"hi'),
        ('say="hi" and "bye"', "say", '"hi" and "bye"'),
        (r'say="\"hi\""', "say", '"hi"'),
    ],
)
def test_quotes_keep_what_would_be_lost(text: str, name: str, value: str) -> None:
    assert metadata_condition(text) == (name, value)


@pytest.mark.parametrize(
    "text",
    ["", "team", "=red", '""=red', '"team=red', '"team"', r'"a\"b"=c', r'a="\u0000"', "a\0=b"],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name=value"):
        metadata_condition(text)


@pytest.mark.parametrize("condition", ["u=cora", '"a=b"=cora', 'u=" cora "'])
def test_a_view_names_the_customer_of_its_condition(condition: str) -> None:
    view = View("events", urlencode({"metadata": condition}))
    assert view.names_customer({"cora"})
    assert not view.names_customer({"noor"})
