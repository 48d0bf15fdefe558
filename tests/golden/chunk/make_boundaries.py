"""Makes boundaries.json from the sentences C1 to C7 of lib/block/FORMAT.md, without any code of myfs.

    python3 tests/golden/chunk/make_boundaries.py

It is written for being compared with the sentences, not for speed: it takes some seconds.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "block"))
sys.dont_write_bytecode = True

from make_data import make_data  # noqa: E402

MODULUS = 2**32


def gear(b: int) -> int:
    x = (b + 1) * 0x9E3779B9 % MODULUS
    x = (x ^ (x >> 16)) * 0x85EBCA6B % MODULUS
    x = (x ^ (x >> 13)) * 0xC2B2AE35 % MODULUS
    return x ^ (x >> 16)


GEAR = [gear(b) for b in range(256)]
assert GEAR[0] == 0x92CA2F0E


def hashes(data: bytes) -> list[int]:
    """The gear hash (C5) at each place of `data`, 0 to its end; wrong before place 32."""
    found = [0]
    for byte in data:
        found.append((found[-1] * 2 + GEAR[byte]) % MODULUS)
    # The sum of C5 has 32 terms: those further back are multiples of 2^32.
    for place in range(32, len(data), 9973):
        assert found[place] == sum(GEAR[data[place - 1 - k]] << k for k in range(32)) % MODULUS
    return found


def boundaries(data: bytes, size_min: int, size_mean: int, size_max: int) -> list[int]:
    """The lengths of the chunks (C7)."""
    mean_bits = size_mean.bit_length() - 1
    at = hashes(data)
    lengths = []
    start = 0
    while start < len(data):
        length = size_min
        while True:
            place = start + length
            if place >= len(data):
                length = len(data) - start
                break
            if length == size_max:
                break
            bits = mean_bits + 2 if length < size_mean * 3 // 4 else mean_bits - 2
            if at[place] >> (32 - bits) == 0:
                break
            length += 1
        lengths.append(length)
        start += length
    return lengths


if __name__ == "__main__":
    short = (16384, 65536, 262144)
    long = (262144, 524288, 2097152)
    middle = (131072, 262144, 1048576)
    small = (64, 1024, 4096)
    odd = (100, 2048, 5000)
    cases = []
    for data, sizes in [
        (("xorshift", 11, 2000000), short),
        (("words", 12, 1500000), short),
        (("zeros", 0, 700000), short),
        (("xorshift", 13, 9000000), long),
        (("words", 14, 5000000), long),
        (("zeros", 0, 5000000), long),
        (("xorshift", 1, 6000000), middle),
        (("words", 2, 2500000), middle),
        (("zeros", 0, 5000000), middle),
        (("xorshift", 3, 131072), middle),
        (("xorshift", 4, 131073), middle),
        (("xorshift", 5, 1), middle),
        (("xorshift", 6, 50000), small),
        (("words", 7, 50000), small),
        (("zeros", 0, 10000), small),
        (("xorshift", 8, 50000), odd),
        (("xorshift", 9, 40000), (768, 1024, 1024)),
        (("xorshift", 10, 20000), (32, 1024, 2000)),
    ]:
        cases.append(
            {
                "data": dict(zip(("kind", "seed", "length"), data)),
                "sizes": dict(zip(("sizeMin", "sizeMean", "sizeMax"), sizes)),
                "lengths": boundaries(make_data(*data), *sizes),
            }
        )
    text = json.dumps(cases, indent=1)
    (HERE / "boundaries.json").write_text(text + "\n")
