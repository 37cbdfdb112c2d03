"""The server's certificate: made for the occasion and signed by itself, or given as PEM files."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

LIFETIME: Final = datetime.timedelta(days=365)


@lru_cache(maxsize=4)
def self_signed(name: str = "localhost") -> tuple[bytes, bytes]:
    """A certificate for `name`, localhost and 127.0.0.1, and its key: both PEM. The same one within a process."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(n) for n in dict.fromkeys((name, "localhost"))]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(
            x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def server_context(certificate: tuple[Path, Path] | None) -> ssl.SSLContext:
    """TLS for the server's side: with `certificate` (certificate, key) or a self-signed one.

    TLS 1.2 only: within TDS 7.x the handshake travels inside PRELOGIN packets, and a handshake of TLS 1.3 has no end
    that both sides see at the same place.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    if certificate is not None:
        context.load_cert_chain(*certificate)
        return context
    # The ssl module takes files only.
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        for path, data in zip(files, self_signed(), strict=True):
            path.touch(0o600)
            path.write_bytes(data)
        context.load_cert_chain(*files)
    return context
