"""Data that the tests and the Python scripts make alike from a few numbers: see make_data.ts."""

WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho".split(" ")


def make_data(kind: str, seed: int, length: int) -> bytes:
    state = seed

    def step() -> int:
        nonlocal state
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        return (state >> 8) & 0xFF

    if kind == "zeros":
        return bytes(length)
    if kind == "xorshift":
        return bytes(step() for _ in range(length))
    if kind == "words":
        data = bytearray()
        while len(data) < length:
            data += WORDS[step() % 16].encode() + b" "
        return bytes(data[:length])
    raise ValueError(kind)
