"""TLS, and certificates of clients, by HTTP and gRPC (docs/specs/client.md, 3.9 and 3.10)."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, collector_process, eventually, free_port
from gravitas_telemetry import QueryClient, QueryError, Telemetry
from gravitas_telemetry._options import Options

CERTIFICATES = ROOT / "test" / "support" / "certificates" / "tls"
TRANSPORTS = ("http", "grpc")


def certificate(name: str) -> Path:
    return CERTIFICATES / f"{name}.crt"


def key(name: str) -> Path:
    return CERTIFICATES / f"{name}.key"


@pytest.fixture(scope="module")
def secure() -> Iterator[str]:
    """Of a collector that wants certificates of its clients."""
    options = {
        "TELEMETRY_TLS_CERT_FILE": str(certificate("server")),
        "TELEMETRY_TLS_KEY_FILE": str(key("server")),
        "TELEMETRY_TLS_CLIENT_CA_FILE": str(certificate("ca")),
    }
    port = free_port()
    with collector_process(port, options):
        address = f"https://localhost:{port}"
        with QueryClient(Options(url=address, **OURS)) as queries:
            eventually(lambda: _answers(queries), 60)
        yield address


def _answers(queries: QueryClient) -> bool:
    try:
        return bool(queries.get_footprint())
    except QueryError:
        return False


OURS: dict[str, Any] = {"ca_file": certificate("ca"), "client_cert_file": certificate("client"), "client_key_file": key("client")}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_records_arrive(secure: str, tmp_path: Path, transport: Any) -> None:
    with Telemetry(url=secure, transport=transport, spool_directory=tmp_path, **OURS) as client:
        client.log("TLS", transport)
        assert client.flush(20).delivered == 1
        # A collector that has only just begun may have it in its own spool for a moment.
        eventually(lambda: client.get_recent_events(1, transport))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_files_come_from_the_environment(
    secure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: Any
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate("ca")))
    monkeypatch.setenv("TELEMETRY_CLIENT_CERT_FILE", str(certificate("client")))
    monkeypatch.setenv("TELEMETRY_CLIENT_KEY_FILE", f" {key('client')}\n")
    with Telemetry(url=secure, transport=transport, spool_directory=tmp_path) as client:
        client.log("TLS", transport)
        assert client.flush(20).delivered == 1
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate("other-ca")))
    monkeypatch.setenv("TELEMETRY_CA_FILE", str(certificate("ca")))
    with Telemetry(url=secure, transport=transport, spool_directory=tmp_path) as client:
        client.log("TLS", transport)
        assert client.flush(20).delivered == 1


@contextmanager
def tls_server(name: str) -> Iterator[str]:
    """Speaks TLS, and nothing in it. What it was sent in plain text ends the test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(name), key(name))
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                assert connection.recv(1, socket.MSG_PEEK) in (b"\x16", b"")
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def expect_outage(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: Any, why: str, **files: Any
) -> None:
    with caplog.at_level(logging.WARNING, "gravitas_telemetry"):
        with Telemetry(url=url, transport=transport, spool_directory=tmp_path, **files) as client:
            for value in range(3):
                client.log("TLS", "outage", value)
            eventually(lambda: client.counters()["spooled"] == 3)
    said = [record.getMessage() for record in caplog.records if "takes nothing" in record.getMessage()]
    assert len(said) == 1
    assert why.lower() in said[0].lower()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("name", "why"),
    [("stranger", "certificate"), ("expired", "expired"), ("elsewhere", "localhost")],
)
def test_whom_it_does_not_know_gets_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: Any, name: str, why: str
) -> None:
    with tls_server(name) as url:
        # The libraries of gRPC say less.
        said = why if transport == "http" else ""
        expect_outage(url, tmp_path, caplog, transport, said, ca_file=certificate("ca"))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_service_that_does_not_know_us_is_an_outage(
    secure: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: Any
) -> None:
    stranger = {"client_cert_file": certificate("stranger"), "client_key_file": key("stranger")}
    expect_outage(secure, tmp_path, caplog, transport, "", ca_file=certificate("ca"), **stranger)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_plain_text_to_a_port_with_tls_is_an_outage(
    secure: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: Any
) -> None:
    plain = secure.replace("https:", "http:")
    expect_outage(plain, tmp_path, caplog, transport, "use https")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
        ({**OURS, "client_key_file": "/nowhere/key.pem"}, "client_key_file"),
    ],
)
def test_a_file_that_is_not_there_is_an_outage(
    secure: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: Any, files: Any, why: str
) -> None:
    expect_outage(secure, tmp_path, caplog, transport, why, **files)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_files_that_change_are_used(secure: str, tmp_path: Path, transport: Any) -> None:
    mounted, spool = tmp_path / "tls", tmp_path / "spool"
    mounted.mkdir()
    shutil.copy(certificate("client"), mounted / "client.crt")
    shutil.copy(key("client"), mounted / "client.key")
    files = {"client_cert_file": mounted / "client.crt", "client_key_file": mounted / "client.key"}
    with Telemetry(
        url=secure, transport=transport, spool_directory=spool, ca_file=mounted / "ca.crt", **files
    ) as client:
        client.log("TLS", "mounted later")
        eventually(lambda: client.counters()["spooled"] == 1)
        shutil.copy(certificate("ca"), mounted / "ca.crt")
        eventually(lambda: client.counters()["delivered"] == 1)


def test_queries_say_why(secure: str) -> None:
    with pytest.raises(QueryError, match="(?i)certificate"):
        QueryClient(Options(url=secure)).get_footprint()
    with QueryClient(Options(url=secure, **OURS)) as queries:
        assert queries.get_footprint()


@pytest.mark.parametrize(
    ("url", "given", "is_told"),
    [
        ("http://collector:8002", {"token": "s3cret"}, True),
        ("http://10.0.0.1:8002", {"headers": {"X-API-Key": "s3cret"}}, True),
        ("http://collector:8002", {"headers": {"x-team": "a"}}, False),
        ("http://collector:8002", {}, False),
        ("https://collector:8002", {"token": "s3cret"}, False),
        ("http://localhost:8002", {"token": "s3cret"}, False),
        ("http://127.0.0.1:8002", {"token": "s3cret"}, False),
        ("http://[::1]:8002", {"token": "s3cret"}, False),
    ],
)
def test_secrets_in_plain_text_are_warned_of(url: str, given: Any, is_told: bool) -> None:
    assert Options(url=url, **given).tells_secrets() is is_told


def test_the_warning_has_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "gravitas_telemetry"):
        with Telemetry(url="http://collector.invalid", token="s3cret", spool_directory=tmp_path) as client:
            client.log("TLS")
            eventually(lambda: "use https" in caplog.text)
    assert "s3cret" not in caplog.text
