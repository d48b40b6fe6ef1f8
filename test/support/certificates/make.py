"""Makes the certificates in tls/, which the tests of TLS use; needs the package cryptography."""

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

START = datetime.datetime(2025, 1, 1)
END = datetime.datetime(2125, 1, 1)
HERE = pathlib.Path(__file__).parent / "tls"
PEM = serialization.Encoding.PEM


class Holder:
    def __init__(self, name, by=None, hosts=(), end=END, authority=False):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = by or self
        builder = (
            x509.CertificateBuilder(issuer.subject, self.subject, self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(START)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
                critical=False,
            )
        )
        if authority:
            usage = dict.fromkeys(
                "digital_signature content_commitment key_encipherment data_encipherment "
                "key_agreement encipher_only decipher_only".split(),
                False,
            )
            builder = builder.add_extension(
                x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True
            )
        if hosts:
            names = [
                x509.IPAddress(ipaddress.ip_address(host))
                if host[0].isdigit() or ":" in host
                else x509.DNSName(host)
                for host in hosts
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())

    def write(self, name, *chain, password=None):
        pem = b"".join(each.certificate.public_bytes(PEM) for each in (self, *chain))
        (HERE / f"{name}.crt").write_bytes(pem)
        how = serialization.NoEncryption()
        if password:
            how = serialization.BestAvailableEncryption(password)
        key = self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, how)
        (HERE / f"{name}.key").write_bytes(key)


local = ("localhost", "127.0.0.1", "::1")
authority = Holder("Test authority", authority=True)
authority.write("ca")
between = Holder("Authority between", by=authority, authority=True)
Holder("localhost", between, local).write("server", between)
Holder("another localhost", between, local).write("renewed", between)
Holder("localhost", authority, local).write("locked", password=b"s3cret")
Holder("elsewhere", authority, ("elsewhere.example",)).write("elsewhere")
Holder("expired", authority, local, end=datetime.datetime(2025, 2, 1)).write("expired")
Holder("checkout", authority).write("client")
stranger = Holder("Another authority", authority=True)
stranger.write("other-ca")
Holder("stranger", stranger, local).write("stranger")
for name in ("ca", "other-ca"):
    (HERE / f"{name}.key").unlink()
