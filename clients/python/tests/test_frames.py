"""The bytes that calls become, the same for every client: clients/conformance/frames.txt."""

import frames
import pytest

CASES = frames.read_cases(frames.FILE.read_text())


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_calls_become_the_bytes_of_the_file(case):
    sent = frames.run(case.script)
    assert [str(i) for i in sent.items] == [
        str(frames.session_pb2.Item.FromString(i)) for i in case.items
    ]
    assert [i.SerializeToString(deterministic=True) for i in sent.items] == case.items
    assert sent.strings == case.strings


def test_the_file_is_as_this_client_would_write_it():
    text = frames.FILE.read_text()
    assert "".join(f"{line}\n" for line in frames.renewed(text)) == text


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if not {"copy", "lookup"} & set(" ".join(c.script).split())],
    ids=lambda c: c.name,
)
def test_a_daemon_answers_the_scripts(session, case):
    script = frames.Script(session)
    for line in case.script:
        script.run(line)
    assert session.synchronize(30)
