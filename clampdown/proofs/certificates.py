"""Certificates for servers on loopback, with an authority of their own that nobody knows."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Certificates = Callable[..., Path]


def certificates(folder: Path) -> Certificates:
    """A maker of certificates in `folder`, for a host: a file of key and certificate; `ca.pem` beside it vouches."""
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    now = datetime.now(UTC)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])

    def sign(
        subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType, days: int
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder(ca_name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(ca_key, hashes.SHA256())
        )

    ca = sign(ca_name, ca_key, x509.BasicConstraints(ca=True, path_length=None), 9)
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))

    def make(host: str, days: int = 9) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
        signed = sign(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)]), key, names, days)
        file = folder / f"{host} {days}.pem"
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        file.write_bytes(secret + signed.public_bytes(pem))
        return file

    return make


def tls(file: Path) -> ssl.SSLContext:
    """The encryption of a server that shows the certificate in `file`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
