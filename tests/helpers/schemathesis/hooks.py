"""Media types of ours, for schemathesis: their bodies are sent as the bytes that they are."""

import schemathesis
from hypothesis import strategies


@schemathesis.serializer("application/vnd.sqlite3", "application/vnd.myfs.blocks")
def bytes_as_they_are(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()


for media_type in ("application/vnd.sqlite3", "application/vnd.myfs.blocks"):
    schemathesis.openapi.media_type(media_type, strategies.binary(max_size=4096))
