"""Makes the golden vectors of lib/block/FORMAT.md without any code of myfs.

    python3 -m venv venv && venv/bin/pip install blake3==1.0.11 cryptography==50.0.2 zstandard==0.25.0
    venv/bin/python tests/golden/block/make_vectors.py

writes digests.json, myfs_vectors.json and rfs_vectors.json beside itself. BLAKE3 comes from the
Python package blake3, BLAKE2b from hashlib, AES-GCM from cryptography (OpenSSL), zstd from the
Python package zstandard; Snappy is encoded and decoded here, from format_description.txt.
payloads.json (see make_payloads.ts) holds what the pinned runtime compresses; here it is only
checked by other decoders, and sealed.
"""

import base64
import hashlib
import json
import pathlib

import zstandard
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from make_data import make_data

HERE = pathlib.Path(__file__).parent
CIPHER_CONTEXT = "myfs 2026-11 block encryption key v1"
NONCE_CONTEXT = "myfs 2026-11 block nonce key v1"
SECRET = bytes(range(100, 132))


def blake2b256(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


# --- myfs -----------------------------------------------------------------------------------------


def myfs_seal(chunk: bytes, payload: bytes, secret: bytes | None) -> dict:
    """B10, B11 and B16 to B20."""
    key = blake3(chunk).digest() if secret is None else blake3(chunk, key=secret).digest()
    cipher_key = blake3(key, derive_key_context=CIPHER_CONTEXT).digest()
    nonce_key = blake3(key, derive_key_context=NONCE_CONTEXT).digest()
    nonce = blake3(payload, key=nonce_key).digest()[:12]
    block = nonce + AESGCM(cipher_key).encrypt(nonce, payload, None)
    assert len(block) == len(payload) - 1 + 29
    return {
        "key": key.hex(),
        "cipherKey": cipher_key.hex(),
        "nonceKey": nonce_key.hex(),
        "nonce": nonce.hex(),
        "id": blake3(block).hexdigest(),
        "storedSize": len(block),
        "block": block,
    }


def myfs_vectors(payloads: dict) -> dict:
    raw = []
    for spec in [
        {"kind": "xorshift", "seed": 7, "length": 1},
        {"kind": "words", "seed": 7, "length": 5},
        {"kind": "xorshift", "seed": 8, "length": 64},
        {"kind": "xorshift", "seed": 9, "length": 1000},
        {"kind": "xorshift", "seed": 10, "length": 262144},
    ]:
        for secret in [None, SECRET]:
            chunk = make_data(**spec)
            sealed = myfs_seal(chunk, b"\x00" + chunk, secret)
            block = sealed.pop("block")
            if len(block) <= 2000:
                sealed["block"] = block.hex()
            raw.append({"chunk": spec, "secret": None if secret is None else secret.hex(), **sealed})

    written = []
    for payload in payloads["zstd"]:
        chunk = make_data(**payload["chunk"])
        frame = base64.b64decode(payload["frame"])
        assert zstandard.get_frame_parameters(frame).content_size == len(chunk)
        assert zstandard.ZstdDecompressor().decompress(frame) == chunk
        assert 100 * len(frame) <= 97 * len(chunk), payload["chunk"]
        for secret in [None, SECRET]:
            sealed = myfs_seal(chunk, b"\x01" + frame, secret)
            sealed.pop("block")
            written.append(
                {
                    "chunk": payload["chunk"],
                    "level": payload["level"],
                    "secret": None if secret is None else secret.hex(),
                    **sealed,
                }
            )

    foreign = []
    for name, spec, compressor in [
        ("level 1 with a checksum", ("words", 11, 30000), dict(level=1, write_checksum=True)),
        ("level 9", ("words", 12, 3000), dict(level=9)),
        ("level 19", ("words", 13, 3000), dict(level=19)),
        ("a frame with several blocks", ("words", 14, 150000), dict(level=19)),
        ("a window smaller than the content", ("zeros", 0, 600000), "window"),
        ("a chunk that hardly compresses, raw", ("words", 15, 40), "raw"),
        ("a chunk that compresses, raw", ("words", 16, 400), "raw"),
    ]:
        chunk = make_data(*spec)
        if compressor == "raw":
            payload = b"\x00" + chunk
        elif compressor == "window":
            parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=16)
            payload = b"\x01" + zstandard.ZstdCompressor(compression_params=parameters).compress(chunk)
            assert zstandard.get_frame_parameters(payload[1:]).window_size == 65536
        else:
            payload = b"\x01" + zstandard.ZstdCompressor(**compressor).compress(chunk)
        sealed = myfs_seal(chunk, payload, None)
        foreign.append(
            {
                "name": name,
                "chunk": dict(zip(("kind", "seed", "length"), spec)),
                "key": sealed["key"],
                "id": sealed["id"],
                "block": base64.b64encode(sealed["block"]).decode(),
            }
        )
    return {"raw": raw, "written": written, "foreign": foreign}


# --- rfs ------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(encoded + bytes([number]))


def snappy_literal(literal: bytes) -> bytes:
    size = len(literal) - 1
    if size < 60:
        return bytes([size << 2]) + literal
    width = (size.bit_length() + 7) // 8
    return bytes([59 + width << 2]) + size.to_bytes(width, "little") + literal


def snappy_decode(data: bytes) -> bytes:
    at = size = shift = 0
    while True:
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                width = length - 59
                length = int.from_bytes(data[at : at + width], "little")
                at += width
            out += data[at : at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, width = (tag >> 2 & 7) + 4, 1
            offset = (tag >> 5) << 8 | data[at]
        else:
            length, width = (tag >> 2) + 1, 2 if tag & 3 == 2 else 4
            offset = int.from_bytes(data[at : at + width], "little")
        at += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def rfs_seal(chunk: bytes, data: bytes) -> dict:
    """B41 and B43 to B45."""
    assert snappy_decode(data) == chunk
    key = blake2b256(chunk)
    block = AESGCM(key).encrypt(key[:12], data, None)
    return {"key": key.hex(), "id": blake2b256(block).hex(), "storedSize": len(block), "block": block}


def rfs_vectors(payloads: dict) -> dict:
    written = []
    for payload in payloads["snappy"]:
        chunk = make_data(**payload["chunk"])
        sealed = rfs_seal(chunk, base64.b64decode(payload["data"]))
        sealed.pop("block")
        written.append({"chunk": payload["chunk"], **sealed})

    foreign = []
    for name, spec in [
        ("one byte", ("xorshift", 20, 1)),
        ("a literal of 60 bytes", ("xorshift", 21, 60)),
        ("a literal with one byte of length", ("xorshift", 22, 200)),
        ("a literal with two bytes of length", ("xorshift", 23, 3000)),
        ("a run of zeros as copies", ("zeros", 0, 524288)),
        ("text as literals of 50 bytes", ("words", 24, 2000)),
    ]:
        chunk = make_data(*spec)
        data = varint(len(chunk))
        if name.endswith("as copies"):
            # One zero, then copies of it with a one-byte offset: 64 bytes each, and the rest.
            data += snappy_literal(b"\x00")
            left = len(chunk) - 1
            while left > 0:
                length = min(left, 64)
                data += bytes([length - 1 << 2 | 2, 1, 0])
                left -= length
        elif name.endswith("50 bytes"):
            data += b"".join(snappy_literal(chunk[at : at + 50]) for at in range(0, len(chunk), 50))
        else:
            data += snappy_literal(chunk)
        sealed = rfs_seal(chunk, data)
        foreign.append(
            {
                "name": name,
                "chunk": dict(zip(("kind", "seed", "length"), spec)),
                "key": sealed["key"],
                "id": sealed["id"],
                "block": base64.b64encode(sealed["block"]).decode(),
            }
        )
    return {"written": written, "foreign": foreign}


# --- primitives -----------------------------------------------------------------------------------


def digest_vectors() -> dict:
    """The inputs, key and context are those of BLAKE3's published test vectors."""
    key = b"whats the Elvish word for friend"
    context = "BLAKE3 2019-12-27 16:29:52 test vectors context"
    cases = []
    for length in [0, 1, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2048, 8193, 102400]:
        data = bytes(i % 251 for i in range(length))
        cases.append(
            {
                "length": length,
                "hash": blake3(data).hexdigest(),
                "keyedHash": blake3(data, key=key).hexdigest(),
                "deriveKey": blake3(data, derive_key_context=context).hexdigest(),
                "blake2b256": blake2b256(data).hex(),
            }
        )
    return {"key": key.decode(), "context": context, "cases": cases}


def write(name: str, vectors: dict) -> None:
    (HERE / name).write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    payloads = json.loads((HERE / "payloads.json").read_text())
    write("digests.json", digest_vectors())
    write("myfs_vectors.json", myfs_vectors(payloads))
    write("rfs_vectors.json", rfs_vectors(payloads))
