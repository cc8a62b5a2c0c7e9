"""Runs the scripts of clients/conformance/frames.txt and takes down what they make of a frame.

python clients/python/tests/frames.py    # prints the file with the answers of this client
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import literals
from fake_daemon import FakeDaemon, spans
from google.protobuf import text_format

from tensord import _ops, base
from tensord import dtype as dt
from tensord._proto import session_pb2
from tensord.base import OpRow, apply, local, wrap
from tensord.nodes import type_message
from tensord.session.connection import Connection
from tensord.symbolic import Shape, Variable
from tensord.trace import Trace

FILE = Path(__file__).parents[2] / "conformance" / "frames.txt"
ROWS = {v.name: v for v in vars(_ops).values() if isinstance(v, OpRow)}


class Case(NamedTuple):
    """A script, and what it makes a client send."""

    name: str
    script: list[str]
    strings: list[str]
    items: list[bytes]


def read_cases(text: str) -> list[Case]:
    cases: list[Case] = []
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "case":
            cases.append(Case(rest, [], [], []))
        elif line.startswith("  "):
            cases[-1].script.append(line[2:])
        elif word == "strings":
            cases[-1].strings.extend(rest.split())
        elif word == "item":
            cases[-1].items.append(bytes.fromhex(rest))
    return cases


class Listener(FakeDaemon):
    """Takes everything down and computes nothing."""

    def item(self, item: session_pb2.Item) -> session_pb2.Reply | None:
        kind = item.WhichOneof("kind")
        if kind == "hello":
            return super().item(item)
        if kind == "fetch":
            return session_pb2.Reply(data=session_pb2.Data(id=item.fetch.id))
        if kind == "barrier":
            return session_pb2.Reply(barrier_done=session_pb2.BarrierDone())
        if kind == "describe":
            values = [session_pb2.Description(id=id_) for id_ in spans(item.describe.ids)]
            return session_pb2.Reply(described=session_pb2.Described(values=values))
        if kind == "publish":
            made = session_pb2.Published(name=f"me/{item.publish.name}", generation=1)
            return session_pb2.Reply(published=made)
        if kind == "lookup":
            return session_pb2.Reply(found=found(item.lookup))
        return None


def found(lookup: session_pb2.Lookup) -> session_pb2.Found:
    """Of a publication whose every entry is a f32[2]."""
    made = session_pb2.Found(name=f"me/{lookup.name}", generation=1)
    for k, path in enumerate(lookup.paths):
        made.entries.add(path=path, id=lookup.first_id + k, type=type_message(dt.float32, (2,)))
    return made


def split(text: str) -> list[str]:
    """Pieces between commas outside of brackets."""
    return [p.strip() for p in re.findall(r"(?:\[[^\]]*\]|\"[^\"]*\"|[^,\[\"])+", text)]


def listed(text: str) -> list[str]:
    """ "[a, b]"."""
    return split(text.strip()[1:-1])


class Script:
    """Calls of a client, one a line."""

    def __init__(self, session: Connection) -> None:
        self.session = session
        self.names: dict[str, Any] = {}
        self.outside: dict[str, Any] = {}  # while a body is recorded
        self.body: dict[str, Any] = {}

    def run(self, line: str) -> None:
        head, _, tail = line.strip().partition(" | ")
        made, _, call = head.rpartition(" = ")
        word, _, rest = call.partition(" ")
        method = getattr(self, f"do_{word}", None)
        names = self.names  # a Program's name stands outside of its body
        if word == "put":
            results = [self.put(rest)]
        elif method is not None:
            results = method(rest.split(), dict(p.split("=", 1) for p in split(tail))) or []
        else:
            results = self.op(word, rest.split(), tail)
        names.update(zip(made.replace(",", " ").split(), results, strict=True))

    def value(self, name: str) -> Any:
        return self.names[name]._v

    def dims(self, text: str) -> Shape:
        variables = self.body["trace"].variables if self.body else {}
        return tuple(eval(d, {}, variables) for d in listed(text))

    def put(self, text: str) -> Any:
        dtype, array = literals.read_tensor(text)
        return wrap(self.session.put(dtype, array.shape, array.tobytes()))

    def op(self, name: str, inputs: list[str], attrs: str) -> list[Any]:
        row = ROWS[name]
        operands = [self.names[i] if i in self.names else literals.read_number(i) for i in inputs]
        kinds = {n: kind for n, kind, _ in row.attrs}
        given = {}
        for attr, text in (part.split("=", 1) for part in split(attrs)):
            kind = kinds[attr]
            given[attr] = self.dims(text) if kind == "dims" else literals.read_value(text, kind)
        return list(apply(row, operands, [given.get(n) for n, _, _ in row.attrs]))

    def do_copy(self, words: list[str], options: dict[str, str]) -> list[Any]:
        return list(apply(ROWS["copy"], [self.names[words[0]]], [int(options["device"])]))

    # ------------------------------------------------------------------ of a session

    def do_fetch(self, words: list[str], options: dict[str, str]) -> None:
        self.session.fetch(self.value(words[0])).result(30)

    def do_evaluate(self, words: list[str], options: dict[str, str]) -> None:
        self.session.evaluate([self.value(w) for w in words])

    def do_cancel(self, words: list[str], options: dict[str, str]) -> None:
        self.session.cancel([self.value(w) for w in words])

    def do_barrier(self, words: list[str], options: dict[str, str]) -> None:
        self.session.synchronize(30)

    def do_describe(self, words: list[str], options: dict[str, str]) -> None:
        self.session.describe([self.value(w) for w in words])

    def do_realize(self, words: list[str], options: dict[str, str]) -> None:
        asyncio.run(self.session.aready([self.value(w) for w in words]))

    def do_free(self, words: list[str], options: dict[str, str]) -> None:
        for word in words:
            del self.names[word]

    def do_gradient(self, words: list[str], options: dict[str, str]) -> list[Any]:
        graph = local.trace or self.session
        wrt = [self.value(w) for w in listed(options["wrt"])]
        given = listed(options.get("seeds", "[]"))
        seeds = [self.value(s) for s in given] or [None] * len(words)
        return [wrap(v) for v in graph.gradient([self.value(w) for w in words], seeds, wrt, 0)]

    def do_publish(self, words: list[str], options: dict[str, str]) -> None:
        name, *values = words
        entries = dict(zip(listed(options["paths"]), map(self.value, values), strict=True))
        ttl = float(options["ttl_ms"]) / 1000 if "ttl_ms" in options else None
        self.session.publish(name, entries, ttl, options.get("shared") == "true")

    def do_unpublish(self, words: list[str], options: dict[str, str]) -> None:
        self.session.unpublish(words[0])

    def do_lookup(self, words: list[str], options: dict[str, str]) -> list[Any]:
        paths = listed(options["paths"])
        generation = int(options.get("generation", 0))
        _, values = self.session.lookup(words[0], paths, generation, None)
        return [wrap(values[path]) for path in paths]

    # ------------------------------------------------------------------ Programs

    def do_program(self, words: list[str], options: dict[str, str]) -> list[Any]:
        trace = Trace(self.session, options["label"])
        for text in listed(options.get("vars", "[]")):
            name, low, high = text.split(":")
            trace.variables[name] = Variable(name, int(low), int(high))
        donated = [int(k) for k in listed(options.get("donate", "[]"))]
        self.body = {"trace": trace, "donated": donated}
        self.outside, self.names = self.names, {}
        for k, text in enumerate(words):
            dtype, _, dims = text.partition("[")
            stand_in = trace.input(dt.BY_NAME[dtype], self.dims(f"[{dims}"), 0)
            self.names[f"in{k}"] = wrap(stand_in)
        local.trace = trace
        return [self.body]

    def do_out(self, words: list[str], options: dict[str, str]) -> None:
        values = [self.value(w) for w in words]
        local.trace = None
        self.body["body"] = self.body["trace"].body(values, self.body["donated"])
        self.body["types"] = [(v.dtype, v.shape) for v in values]
        self.names = self.outside

    def do_execute(self, words: list[str], options: dict[str, str]) -> list[Any]:
        program, inputs = self.names[words[0]], [self.value(w) for w in words[1:]]
        if "slot" not in program:
            digest = program["digest"] = hashlib.sha256(program["body"]).digest()
            program["slot"] = self.session.program(program["body"], digest)
        variables = [int(v) for v in listed(options.get("vars", "[]"))]
        made, _ = self.session.execute(
            program["slot"], inputs, program["donated"], program["types"], variables
        )
        return [wrap(v) for v in made]

    def do_release(self, words: list[str], options: dict[str, str]) -> None:
        del self.names[words[0]]["slot"]
        self.session.drop_program(self.names[words[0]]["digest"])
        self.session.flush()


class Sent(NamedTuple):
    """What a script made the client send, between Hello and Bye."""

    strings: list[str]
    items: list[session_pb2.Item]


def run(script: list[str]) -> Sent:
    daemon = Listener()
    with mock.patch("tensord.base.here", return_value=0):  # no places of this program
        session = Connection("listener", transport=daemon)
        running = Script(session)
        here = mock.patch.object(base, "_default_recorder", [lambda: session])
        try:
            with here, session.lock:  # nothing leaves by itself
                for line in script:
                    running.run(line)
                session.flush()
        finally:
            local.trace = None
            session.close()
    for raw, frame in zip(daemon.raw, daemon.frames, strict=True):
        assert frame.SerializeToString(deterministic=True) == raw, "not canonical"
    items = itertools.chain.from_iterable(f.items for f in daemon.frames)
    kept = itertools.takewhile(lambda i: not i.HasField("bye"), itertools.islice(items, 1, None))
    return Sent(daemon.strings, list(kept))


def renewed(text: str) -> Iterator[str]:
    """The lines of the file with what this client sends."""
    cases = {c.name: c for c in read_cases(text)}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word in ("strings", "item") or line.startswith("#   "):
            continue
        yield line
        if word == "case":
            name = rest
        if word.strip() == "" and line.strip() and line[2:] == cases[name].script[-1]:
            yield from answer(run(cases[name].script))


def answer(sent: Sent) -> Iterator[str]:
    if sent.strings:
        yield f"strings {' '.join(sent.strings)}"
    for item in sent.items:
        yield f"item {item.SerializeToString(deterministic=True).hex()}"
        yield f"#   {text_format.MessageToString(item, as_one_line=True)}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in renewed(FILE.read_text()))
