"""Clickstream formats: what a row becomes, and that a row is the same event whenever it is read."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from opportune.cli.clickstreams import CLICKSTREAMS, clickstream_named
from opportune.errors import BadRequestError

REES46 = """event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde
2019-10-01 00:00:01 UTC,cart,3900821,2053013552326770905,appliances.kettle,aqua,33.20,554748717,9333dfbd
2019-10-01 00:00:02 UTC,purchase,3900821,2053013552326770905,appliances.kettle,aqua,33.20,554748717,9333dfbd
2019-10-01 00:00:02 UTC,purchase,3900821,2053013552326770905,appliances.kettle,aqua,33.20,554748717,9333dfbd
"""
RETAILROCKET = """timestamp,visitorid,event,itemid,transactionid
1433221332117,257597,view,355908,
1433221330000,257597,addtocart,355908,
1433221339999,257597,transaction,355908,4000
"""


def read(
    tmp_path: Path, name: str, text: str, mapping: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    path = tmp_path / "stream.txt"
    path.write_text(text)
    return list(clickstream_named(name).read(path, mapping or {}))


def test_rees46_rows_become_segment_events(tmp_path: Path) -> None:
    view, cart, purchase, _ = read(tmp_path, "rees46", REES46)
    assert view["event"] == "Product Viewed"
    assert view["anonymousId"] == "541312140"
    assert view["timestamp"] == "2019-10-01T00:00:00Z"
    assert view["properties"] == {
        "product_id": "44600062",
        "category": "2103807459595387724",
        "brand": "shiseido",
        "price": 35.79,
    }
    assert cart["event"] == "Product Added"
    assert cart["properties"]["category"] == "appliances.kettle"
    assert purchase["event"] == "Order Completed"
    assert purchase["properties"]["total"] == 33.2
    assert purchase["properties"]["products"][0]["product_id"] == "3900821"


def test_an_exact_duplicate_row_is_the_same_event(tmp_path: Path) -> None:
    messages = read(tmp_path, "rees46", REES46)
    assert messages[2] == messages[3]
    assert len({message["messageId"] for message in messages}) == 3


def test_the_visitor_may_be_the_session_instead(tmp_path: Path) -> None:
    messages = read(tmp_path, "rees46", REES46, {"anonymousId": "user_session"})
    assert messages[0]["anonymousId"] == "72d76fde"


def test_retailrocket_rows_come_in_order_of_time(tmp_path: Path) -> None:
    messages = read(tmp_path, "retailrocket", RETAILROCKET)
    assert [message["event"] for message in messages] == [
        "Product Added",
        "Product Viewed",
        "Order Completed",
    ]
    assert messages[0]["timestamp"] == "2015-06-02T05:02:10Z"
    assert messages[2]["properties"]["order_id"] == "4000-355908"


def test_segment_lines_pass_as_they_are_and_get_an_id(tmp_path: Path) -> None:
    text = '{"type":"page","anonymousId":"a","messageId":"m1"}\n\n{"event":"Signed Up","anonymousId":"a"}\n'
    page, signed_up = read(tmp_path, "segment-jsonl", text)
    assert page == {"type": "page", "anonymousId": "a", "messageId": "m1"}
    assert signed_up["type"] == "track"
    assert len(signed_up["messageId"]) == 32


def test_a_broken_segment_line_is_named_with_its_number(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match=r"stream\.txt:2 is no JSON object"):
        read(tmp_path, "segment-jsonl", '{"event":"A"}\n{nonsense\n')


def test_csv_columns_are_mapped_and_the_rest_become_properties(tmp_path: Path) -> None:
    text = "when,who,what,cost,colour\n2024-05-01T10:00:00Z,v1,Product Viewed,12.50,red\n"
    mapping = {"timestamp": "when", "anonymousId": "who", "event": "what", "properties.price": "cost"}
    (message,) = read(tmp_path, "csv", text, mapping)
    assert message["event"] == "Product Viewed"
    assert message["anonymousId"] == "v1"
    assert message["timestamp"] == "2024-05-01T10:00:00Z"
    assert message["properties"] == {"price": 12.5, "colour": "red"}


def test_csv_finds_usual_columns_by_itself_and_takes_constants(tmp_path: Path) -> None:
    text = "user_id,timestamp\nu1,1714557600\n"
    (message,) = read(tmp_path, "csv", text, {"event": "=Signed Up"})
    assert message["event"] == "Signed Up"
    assert message["userId"] == "u1"
    assert message["timestamp"] == "2024-05-01T10:00:00Z"


def test_a_column_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="there is no such column"):
        read(tmp_path, "csv", "user_id,b\n1,2\n", {"event": "c"})


@pytest.mark.parametrize(
    ("header", "mapping", "said"),
    [
        ("who,what", {"anonymousId": "who"}, r"no column tells event or type; .* --map \"event=COLUMN\""),
        ("who,what", {"event": "what"}, "no column tells anonymousId or userId; .* it has: who, what"),
        ("who,what", {"anonymousid": "who"}, "there is no such field; type, event, messageId, anonymousId"),
    ],
)
def test_what_every_csv_row_would_be_set_aside_for_is_said_first(
    tmp_path: Path, header: str, mapping: dict[str, str], said: str
) -> None:
    with pytest.raises(BadRequestError, match=said):
        read(tmp_path, "csv", f"{header}\n1,2\n", mapping)


@pytest.mark.parametrize("name", ["rees46", "retailrocket"])
def test_a_file_of_another_format_is_refused_with_what_it_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequestError, match="is missing; it has: a, b"):
        read(tmp_path, name, "a,b\n1,2\n")


def test_packed_files_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "stream.csv.gz"
    path.write_bytes(gzip.compress(REES46.encode()))
    assert len(list(clickstream_named("rees46").read(path, {}))) == 4


def test_a_wrong_number_or_time_is_left_for_the_server_to_judge(tmp_path: Path) -> None:
    row = "yesterday,view,1,2,shoes,x,free,7,8\n"
    (message,) = read(tmp_path, "rees46", REES46.splitlines(keepends=True)[0] + row)
    assert message["timestamp"] == "yesterday"
    assert "price" not in message["properties"]


def test_every_format_says_what_it_reads() -> None:
    assert [format_.name for format_ in CLICKSTREAMS] == ["rees46", "retailrocket", "segment-jsonl", "csv"]
    assert all(format_.says for format_ in CLICKSTREAMS)
