"""Options, secrets and proxies: docs/specs/client.md, 3.6, 3.7 and 7."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from answering_server import AnsweringServer
from conftest import eventually, values
from gravitas_telemetry import Event, QueryError, Telemetry
from gravitas_telemetry._grpc_transport import target_of
from gravitas_telemetry._option_checks import _RANGES, checked
from gravitas_telemetry._options import Options
from gravitas_telemetry._proxies import proxy_of
from gravitas_telemetry._transports import Transports

Stored = Callable[[], "list[Event]"]
SECRET = "s3cr3t"


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer() as server:
        yield server


WRONG: list[tuple[str, Any]] = [
    *[(name, least - 1) for name, (least, _) in _RANGES.items()],
    *[(name, most + 1) for name, (_, most) in _RANGES.items()],
    *[(name, wrong) for name in _RANGES for wrong in (float("nan"), float("inf"), "10", True, [], b"1")],
    ("batch_events_max", 10.5),
    ("batch_events_max", 10**4000),
    ("url", ""),
    ("url", "localhost:8002"),
    ("url", "ftp://host"),
    ("url", "http://"),
    ("url", "http://["),
    ("url", "http://ho%20st"),
    ("url", "http://host\\x"),
    ("url", "http://a b:8002"),
    ("url", "http://host:8002/a\nb"),
    ("url", "http://host:port"),
    ("url", "http://host:99999"),
    ("url", "http://host:0"),
    ("url", "http://host/?a=1"),
    ("url", 8002),
    ("enabled", "false"),
    ("token", f"{SECRET}\nx"),
    ("token", f"{SECRET}ü"),
    ("token", f"{SECRET} {SECRET}"),
    ("token", f"{SECRET}\t{SECRET}"),
    ("token", SECRET.encode()),
    ("headers", [("a", "b")]),
    ("headers", {"a b": "c"}),
    ("headers", {"a": f"{SECRET}\r\nb: c"}),
    ("headers", {"a": 1}),
    ("service_name", 5),
    ("resource", "zone"),
    ("transport", "pigeon"),
    ("fallback", "nowhere"),
    ("spool_directory", 5),
    ("spool_directory", "a\0b"),
    ("before_send", "redact"),
    ("verify", "/etc/ca.pem"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_can_not_be_meant_is_told_at_once(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} ") as told:
        Telemetry(**{name: value})
    assert SECRET not in str(told.value)


@pytest.mark.parametrize("name", _RANGES)
def test_the_ends_of_each_range_are_in_it(name: str) -> None:
    for value in _RANGES[name]:
        assert checked(name, value) == value


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (" http://host:8002 ", "http://host:8002"),
        ("http://host:8002\n", "http://host:8002"),
        ("http://host:8002//", "http://host:8002"),
        ("http://host//telemetry///", "http://host/telemetry"),
        ("HTTPS://Host", "https://Host"),
        ("http://[::1]:8002/", "http://[::1]:8002"),
        ("http://user:pass@host", "http://user:pass@host"),
    ],
)
def test_a_url_is_used_as_it_was_meant(given: str, used: str) -> None:
    assert checked("url", given) == used


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://[::1]:8002", "[::1]:8002"),
        ("http://[2001:db8::1]", "[2001:db8::1]:80"),
        ("https://host", "host:443"),
        ("http://user:pass@127.0.0.1:1/path", "127.0.0.1:1"),
    ],
)
def test_targets_of_grpc(url: str, target: str) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_urls_as_people_write_them(url: str, spool: Path, component: str, stored: Stored, transport: Any) -> None:
    with Telemetry(url=f" {url}//\n", spool_directory=spool, transport=transport) as client:
        client.log("A", component, 1)
        assert client.flush().delivered == 1
    assert values(stored()) == [1]


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"  {SECRET}\r\n", f"\t{SECRET}"])
@pytest.mark.parametrize("way", ["argument", "environment"])
def test_a_token_with_white_space_around_it(
    server: AnsweringServer, spool: Path, monkeypatch: pytest.MonkeyPatch, token: str, way: str
) -> None:
    given = {"token": token} if way == "argument" else {}
    if way == "environment":
        monkeypatch.setenv("TELEMETRY_TOKEN", token)
    with Telemetry(url=server.url, spool_directory=spool, **given) as client:
        client.log("A")
        assert client.flush().delivered == 1
    assert server.received[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_secrets_are_never_printed(
    spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, transport: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TELEMETRY_TOKEN", f"{SECRET}\x01{SECRET}")
    client = Telemetry(
        url=f"http://user:{SECRET}@127.0.0.1:1",
        headers={"x-key": SECRET},
        spool_directory=spool,
        transport=transport,
    )
    client.log("A")
    assert client.flush().spooled == 1
    assert client.get_recent_events() == []
    client.close()
    assert "TELEMETRY_TOKEN counts as not given" in caplog.text
    assert SECRET not in caplog.text and SECRET not in repr(client._options)


def test_a_mistake_in_the_environment_costs_no_more_than_itself(
    server: AnsweringServer, spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for variable, text in (
        ("TELEMETRY_URL", f"{server.url}/\n"),
        ("TELEMETRY_TRANSPORT", "pigeon"),
        ("TELEMETRY_FALLBACK", "nowhere"),
        ("TELEMETRY_SERVICE_NAME", "  "),
        ("TELEMETRY_ENABLED", " "),
        ("TELEMETRY_SPOOL_DIRECTORY", f" {spool} "),
    ):
        monkeypatch.setenv(variable, text)
    with Telemetry() as client:
        assert client.log("A")
        assert client.flush().delivered == 1
    assert "TELEMETRY_TRANSPORT counts as not given" in caplog.text
    assert "TELEMETRY_FALLBACK counts as not given" in caplog.text


PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("http://host", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://host", {"http_proxy": PROXY, "HTTP_PROXY": "http://other"}, PROXY),
        ("http://host", {"HTTPS_PROXY": PROXY}, None),
        ("https://host", {"https_proxy": PROXY}, PROXY),
        ("https://host", {"ALL_PROXY": PROXY}, PROXY),
        ("https://host", {"ALL_PROXY": "http://other", "HTTPS_PROXY": PROXY}, PROXY),
        ("http://host", {"HTTP_PROXY": "proxy:3128"}, PROXY),
        ("http://host", {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, None),
        ("http://host", {"http_proxy": PROXY, "REQUEST_METHOD": "GET"}, PROXY),
        *[
            (url, {"ALL_PROXY": PROXY, "HTTP_PROXY": PROXY, "NO_PROXY": ""}, None)
            for url in (
                "http://localhost:8002",
                "http://a.localhost",
                "http://127.0.0.1",
                "http://127.8.8.8",
                "http://[::1]:8002",
                "http://[::ffff:127.0.0.1]",
                "http://LOCALHOST.",
            )
        ],
        *[
            (url, {"ALL_PROXY": PROXY, "NO_PROXY": no_proxy}, expected)
            for url, no_proxy, expected in [
                ("http://host", "*", None),
                ("http://host", " other , host ", None),
                ("http://a.host", "host", None),
                ("http://host", "other\thost last", None),
                ("http://host:81", "*:81", None),
                ("http://host:82", "*:81", PROXY),
                ("http://a.host", ".host", None),
                ("http://a.host", "*.host", None),
                ("http://ahost", "host", PROXY),
                ("http://host:8002", "host:8002", None),
                ("http://host:8002", "host:80", PROXY),
                ("http://host", "host:80", None),
                ("http://10.1.2.3", "10.0.0.0/8", None),
                ("http://11.1.2.3", "10.0.0.0/8", PROXY),
                ("http://10.1.2.3", "10.1.2.3", None),
                ("http://[2001:db8::1]", "2001:db8::/32", None),
                ("http://[2001:db8::1]:8002", "[2001:db8::1]:8002", None),
                ("http://host", "[::1, ,,:,host:port,10.0.0.0/99,http://[,%%,\x00", PROXY),
                ("http://host", "[, host", None),
            ]
        ],
    ],
)
def test_which_proxy_the_environment_names(
    url: str, environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("os.environ", {name: value for name, value in environment.items()})
    assert proxy_of(url) == expected


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("no_proxy", ["", "[::1, http://[ ,,10.0.0.0/99"])
def test_loopback_is_reached_whatever_the_environment_says(
    url: str, spool: Path, component: str, monkeypatch: pytest.MonkeyPatch, transport: Any, no_proxy: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with Telemetry(url=url, spool_directory=spool, transport=transport) as client:
        client.log("A", component, 1)
        assert client.flush().delivered == 1
        assert client.get_recent_events(1, component)[0]["value"] == 1


def test_a_proxy_is_used(server: AnsweringServer, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    with Telemetry(url="http://telemetry.invalid:8002", spool_directory=spool) as client:
        client.log("A")
        assert client.flush().delivered == 1
    assert server.received[0].headers["host"] == "telemetry.invalid:8002"


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_transport_that_can_not_be_built_is_an_outage(
    server: AnsweringServer,
    spool: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    transport: Any,
) -> None:
    monkeypatch.setattr("gravitas_telemetry._circuit.DELAY_S_MAX", 0.1)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with Telemetry(url="http://telemetry.invalid", spool_directory=spool, transport=transport) as client:
        for value in range(3):
            client.log("A", value=value)
            assert client.flush().spooled == 1
        assert len([each for each in caplog.records if each.name == "gravitas_telemetry"]) == 1
        with pytest.raises(QueryError, match="socks"):
            client.queries().get_footprint()
        assert client.get_recent_events() == []
        # What was missing is there by now.
        monkeypatch.setenv("ALL_PROXY", server.url)
        eventually(lambda: client.counters()["delivered"] == 3)


def test_without_the_packages_of_grpc_http_takes_its_place(
    server: AnsweringServer, spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gravitas_telemetry._grpc_transport", None)
    with Telemetry(url=server.url, spool_directory=spool, transport="grpc") as client:
        client.log("A")
        assert client.flush().delivered == 1
    assert "gravitas-telemetry[grpc] is not installed" in caplog.text


def test_a_token_goes_before_a_header_of_its_name(server: AnsweringServer, spool: Path) -> None:
    headers = {"Authorization": "Basic eDp5", "X-Team": "a"}
    with Telemetry(url=server.url, spool_directory=spool, token=SECRET, headers=headers) as client:
        client.log("A")
        assert client.flush().delivered == 1
    [received] = server.received
    assert (received.headers["authorization"], received.headers["x-team"]) == (f"Bearer {SECRET}", "a")


@pytest.mark.parametrize("proxy", ["https://127.0.0.1:1", "socks5://127.0.0.1:1", "nonsense://127.0.0.1:1"])
def test_grpc_never_goes_around_a_proxy(
    spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, proxy: str
) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    options = Options(url="http://telemetry.invalid:8002", transport="grpc", spool_directory=spool)
    transports = Transports(options)
    assert transports.live is transports.http
    transports.close()
