"""What certificates are taken from whom, and which one is ours (docs/specs/client.md, 3.9)."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import httpx

from ._options import Options


def ssl_context(options: Options) -> ssl.SSLContext:
    """For httpx. Raises what says which file is at fault."""
    if options.ca_file is None:
        # With SSL_CERT_FILE and SSL_CERT_DIR, which trust_env would read.
        context = httpx.create_ssl_context()
    else:
        context = ssl.create_default_context(cadata=_text("ca_file", options.ca_file))
    if options.client_cert_file is not None:
        _text("client_cert_file", options.client_cert_file)
        if options.client_key_file is not None:
            _text("client_key_file", options.client_key_file)
        try:
            context.load_cert_chain(options.client_cert_file, options.client_key_file)
        except ssl.SSLError as error:
            files = f"{options.client_cert_file} and {options.client_key_file or 'the key in it'}"
            raise ValueError(f"client_cert_file: {files} are no pair: {error}") from error
    return context


def grpc_files(options: Options) -> dict[str, bytes | None]:
    """For the channel credentials of gRPC, which knows nothing of SSL_CERT_FILE."""
    authority = options.ca_file or os.environ.get("SSL_CERT_FILE") or None
    key = options.client_key_file or options.client_cert_file
    return {
        "root_certificates": _read("ca_file", authority),
        "private_key": _read("client_key_file", key),
        "certificate_chain": _read("client_cert_file", options.client_cert_file),
    }


def version(options: Options) -> tuple[int, ...]:
    """Changes when one of the files does."""
    files = (options.ca_file, options.client_cert_file, options.client_key_file)
    return tuple(_changed_at(file) for file in files if file is not None)


def _changed_at(file: str | os.PathLike[str]) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0


def _read(option: str, file: str | os.PathLike[str] | None) -> bytes | None:
    if file is None:
        return None
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ValueError(f"{option}: {error}") from error


def _text(option: str, file: str | os.PathLike[str]) -> str:
    return (_read(option, file) or b"").decode("ascii", "replace")
