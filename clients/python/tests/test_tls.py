"""tls:// addresses with the real daemon: who vouches for whom, and what is said if nobody does."""

import shutil
import subprocess

import numpy as np
import pytest

import tensord
from tensord import Tensor, errors
from tensord.session.address import tls_for
from tensord.session.daemon import find_binary

TOKEN = "0123456789abcdef0123456789abcdef"
CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


class Pki:
    """A CA, another one, and what the first has signed: NAME.pem and NAME.key."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("ca", "other"):
            openssl(
                *["req", "-x509", *CURVE, "-days", 1, "-subj", f"/CN={name}"],
                *["-keyout", self.key(name), "-out", self.cert(name)],
            )
        self.sign("daemon", "subjectAltName=DNS:localhost")
        self.sign("ann", "extendedKeyUsage=clientAuth")

    def cert(self, name):
        return str(self.folder / f"{name}.pem")

    def key(self, name):
        return str(self.folder / f"{name}.key")

    def sign(self, name, extension):
        request, file = self.folder / "request", self.folder / "extensions"
        file.write_text(extension)
        openssl("req", *CURVE, "-subj", f"/CN={name}", "-keyout", self.key(name), "-out", request)
        openssl(
            *["x509", "-req", "-in", request, "-days", 1, "-extfile", file, "-CAcreateserial"],
            *["-CA", self.cert("ca"), "-CAkey", self.key("ca"), "-out", self.cert(name)],
        )


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program to make certificates with")
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def daemons(pki):
    """Addresses of one daemon that wants client certificates and of one that wants a token."""
    binary = find_binary()
    if binary is None:
        pytest.skip("no tensord binary: set $TENSORD_BIN or build the daemon")
    tokens = pki.folder / "tokens"
    tokens.write_text(f"bob {TOKEN}\n")
    tokens.chmod(0o600)
    started, addresses = [], []
    for proof in (f"--tls-client-ca={pki.cert('ca')}", f"--token-file={tokens}"):
        process = subprocess.Popen(
            [
                *[binary, "--listen=tls://localhost:0", "--device=cpu", "--cache-dir=off", proof],
                *[f"--tls-cert={pki.cert('daemon')}", f"--tls-key={pki.key('daemon')}"],
                *["--exit-with-parent", "--drain-delay=0"],
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        addresses.append(process.stdout.readline().split()[-1])
    yield addresses
    for process in started:
        process.stdin.close()
        process.wait()
        process.stdout.close()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    for name in ("TENSORD_TOKEN", "TENSORD_CA", "TENSORD_CERT", "TENSORD_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TENSORD_CLIENT_CONFIG", str(tmp_path / "client.conf"))
    yield
    tensord.disconnect()


def test_a_certificate_names_the_client(daemons, pki):
    session = tensord.connect(
        daemons[0], ca=pki.cert("ca"), cert=pki.cert("ann"), key=pki.key("ann")
    )
    assert session.welcome.principal == "cn:ann"
    data = np.arange(100_000, dtype=np.float32)
    np.testing.assert_array_equal((Tensor(data) * 2).numpy(), data * 2)


def test_a_token_serves_without_one(daemons, pki):
    session = tensord.connect(daemons[1], ca=pki.cert("ca"), token=TOKEN)
    assert session.welcome.principal == "bob"
    assert session.stats()["sessions"] == 1


def test_files_are_found_in_the_environment_and_the_config_file(
    daemons, pki, monkeypatch, tmp_path
):
    monkeypatch.setenv("TENSORD_CA", pki.cert("ca"))
    config = f"cert = {pki.cert('ann')}\nkey = {pki.key('ann')}\n"
    (tmp_path / "client.conf").write_text(config)
    assert tensord.connect(daemons[0]).welcome.principal == "cn:ann"


def test_refusals_say_why(daemons, pki):
    with pytest.raises(errors.PermissionDenied, match="wants a client certificate"):
        tensord.connect(daemons[0], ca=pki.cert("ca"))
    with pytest.raises(errors.PermissionDenied, match="the token is not valid"):
        tensord.connect(daemons[1], ca=pki.cert("ca"), token="x" * 32)
    with pytest.raises(errors.ConnectionLost, match=r"at the CA \(`ca`, \$TENSORD_CA\)"):
        tensord.connect(daemons[1], ca=pki.cert("other"), token=TOKEN)


def test_files_that_do_not_fit_are_refused(pki):
    with pytest.raises(ValueError, match=r"are for tls://host:port"):
        tls_for("unix:///x", pki.cert("ca"), None, None)
    with pytest.raises(ValueError, match="give both cert and key"):
        tls_for("tls://x:1", None, pki.cert("ann"), None)
    with pytest.raises(ValueError, match="can't read /nonexistent"):
        tls_for("tls://x:1", "/nonexistent", None, None)
    assert tls_for("tcp://x:1", None, None, None) is None
