"""Teaches the fuzzer bodies of JSON lines: the document describes one line of them."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def to_line(context, value):
    if isinstance(value, (bytes, str)):
        return value if isinstance(value, bytes) else value.encode(errors="replace")
    return json.dumps(value).encode() + b"\n"


@schemathesis.deserializer("application/x-ndjson")
def from_first_line(context, response):
    return json.loads(response.content.split(b"\n")[0])
