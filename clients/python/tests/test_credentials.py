"""Tokens: kept, read from a file, answered by a function, renewed while a session lives."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time

import pytest
from fake_daemon import FakeDaemon

import tensord
from tensord import Tensor, errors
from tensord.session import credentials
from tensord.session.credentials import Credentials, seconds_until_renewal
from tensord.session.daemon import PrivateDaemon, find_binary

JWT_SECRET = "s" * 32
JWT_LEEWAY = 30.0  # seconds that the daemon gives behind `exp`


def base64url(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def jwt(seconds):
    """A token of ann's that ends in so many seconds."""
    claims = {"sub": "ann", "aud": "test", "exp": time.time() + seconds}
    head = {"typ": "JWT", "alg": "HS256"}
    text = ".".join(base64url(json.dumps(part).encode()) for part in (head, claims))
    return f"{text}.{base64url(hmac.digest(JWT_SECRET.encode(), text.encode(), hashlib.sha256))}"


def jwt_until(end):
    """A token of ann's that the daemon takes until then, a time.time()."""
    return jwt(end - JWT_LEEWAY - time.time())


def test_a_jwt_is_renewed_at_four_fifths_of_its_life():
    assert seconds_until_renewal(jwt(1000)) == pytest.approx(800, abs=5)
    assert seconds_until_renewal(jwt(-5)) == 1.0
    assert seconds_until_renewal("opaque") == seconds_until_renewal("a.b.c") == 30.0


def test_a_token_comes_from_a_file_or_a_function(tmp_path):
    path = tmp_path / "token"
    path.write_text("first\n")
    from_file = Credentials(path)
    assert from_file.now().bearer == "first"
    path.write_text("second\n")
    assert from_file.now().bearer == "second"
    assert Credentials(lambda: "answered").now().bearer == "answered"
    assert not Credentials("").now().HasField("bearer")


def test_what_gives_no_token_says_so(tmp_path):
    with pytest.raises(PermissionError, match=r"no token in .*missing"):
        Credentials(tmp_path / "missing").now()
    with pytest.raises(ValueError, match="expected a str"):
        Credentials(lambda: None).now()


def test_a_new_token_is_told_before_the_old_one_ends(monkeypatch):
    monkeypatch.setattr(credentials, "_SOONEST", 0.001)
    tokens = iter([jwt(-1), jwt(-1), jwt(-2), jwt(-2), jwt(3000)])
    told = []
    done = threading.Event()
    source = Credentials(lambda: next(tokens))
    first = source.now().bearer

    def tell(fresh):
        told.append(fresh.bearer)
        if seconds_until_renewal(fresh.bearer) > 1000:
            done.set()

    source.keep_fresh(tell)
    assert done.wait(10)
    source.close()
    assert len(set(told)) == len(told)  # one that stays the same is not told again
    assert first not in told


def test_the_daemon_hears_of_a_new_token():
    daemon = FakeDaemon()
    tokens = iter(["first", "second"])
    session = tensord.connect(transport=daemon, token=lambda: next(tokens), default=False)
    assert daemon.frames[0].items[0].hello.credentials.bearer == "first"
    session.refresh_credentials()
    assert daemon.auths == ["second"]
    assert session._inbox._waiting == {}
    session.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A daemon with a TCP door, its token file, and the address of that door."""
    if find_binary() is None:
        pytest.skip("no tensord binary")
    folder = tmp_path_factory.mktemp("tokens")
    tokens, secrets = folder / "tokens", folder / "secrets"
    tokens.write_text(f"me {'a' * 16}\nme {'b' * 16}\nother {'c' * 16}\n")
    secrets.write_text(f"{JWT_SECRET}\n")
    for path in (tokens, secrets):
        path.chmod(0o600)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    flags = (
        f"--listen={address}",
        f"--token-file={tokens}",
        f"--jwt-secret-file={secrets}",
        "--jwt-audience=test",
        "--cache-dir=off",
        "--drain-delay=0s",
    )
    daemon = PrivateDaemon(arguments=flags)
    yield address
    daemon.stop()


def test_a_refreshed_token_is_of_the_same_principal(guarded, tmp_path):
    path = tmp_path / "token"
    path.write_text("a" * 16)
    session = tensord.connect(guarded, token=path, default=False)
    assert session.welcome.principal == "me"
    path.write_text("b" * 16)
    session.refresh_credentials()
    path.write_text("c" * 16)
    with pytest.raises(errors.PermissionDenied, match="another principal"):
        session.refresh_credentials()
    path.write_text("z" * 16)
    with pytest.raises(PermissionError):
        session.refresh_credentials()
    value = session.put(tensord.dtypes.float32, (), b"\0\0\0\0")
    assert session.read(value) == b"\0\0\0\0"
    session.close()


def test_a_wrong_token_opens_nothing(guarded):
    with pytest.raises(PermissionError):
        tensord.connect(guarded, token="z" * 16, default=False)


def until(condition):
    """Whether it becomes true within seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_a_jwt_that_ended_is_followed_by_a_new_stream(guarded):
    end = time.time() + 1.5
    first = jwt_until(end)
    with tensord.connect(
        guarded, token=lambda: first if time.time() < end else jwt(3600), default=False
    ) as session:
        assert session.welcome.principal == "jwt:ann"
        value = session.put(tensord.dtypes.float32, (), b"\0\0\0\0")
        assert until(lambda: session._resumptions > 0)
        assert session.read(value) == b"\0\0\0\0"
        assert session._resumptions == 1


def test_a_resume_that_is_refused_is_followed_by_one_with_a_newer_token(guarded):
    first = jwt_until(time.time() + 1)
    asked = []

    def token():
        asked.append(first if len(asked) < 2 else jwt(3600))
        return asked[-1]

    with tensord.connect(guarded, token=token, default=False) as session:
        session._credentials.close()  # nothing is renewed in time
        value = session.put(tensord.dtypes.float32, (), b"\0\0\0\0")
        assert until(lambda: session._resumptions > 0)
        assert session.read(value) == b"\0\0\0\0"
    assert asked[:2] == [first, first]
    assert len(asked) == 3


@pytest.mark.parametrize("kind", ["str", "file", "function"])
def test_a_jwt_that_ended_without_a_newer_one_ends_the_session(guarded, tmp_path, kind):
    token = jwt_until(time.time() + 1)
    path = tmp_path / "token"
    path.write_text(token)
    given = {"str": token, "file": path, "function": lambda: token}[kind]
    with tensord.connect(guarded, token=given, default=False) as session:
        value = session.put(tensord.dtypes.float32, (), b"\0\0\0\0")
        assert until(lambda: not session.alive)
        with pytest.raises(errors.PermissionDenied) as refused:
            session.read(value)
        assert refused.value.reason == "AUTH"
        assert session._resumptions == 0


def test_priorities_and_devices_are_settings_of_a_block(fake):
    def sent(kind):
        return [getattr(i, kind) for f in fake.frames for i in f.items if i.HasField(kind)][-1]

    x = Tensor([1.0])
    with tensord.priority(2):
        (x + 1).numpy()
        assert sent("fetch").priority == 2
        with tensord.priority(-2):
            (x + 2).realize()
            x.numpy()
        assert sent("evaluate").priority == -2
    x.numpy()
    assert sent("fetch").priority == 0
    with pytest.raises(ValueError, match="priority 3"), tensord.priority(3):
        pass
    with tensord.device("null"):
        assert Tensor([1.0]).device == "null"
        assert Tensor([1.0], device="cpu").device == "cpu"
    assert Tensor([1.0]).device == "cpu"
    with tensord.device("tpu"), pytest.raises(ValueError, match="no device 'tpu'"):
        Tensor([1.0])
