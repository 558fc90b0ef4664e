"""Inputs made from saved ones, and the tricks that are worked into them."""

from __future__ import annotations

from hypothesis import strategies as st

from fuzz.targets import Target

TRICKS: tuple[bytes, ...] = (
    b"${system(touch /tmp/x)}", b"$${hostname}", b"$\\{x}", b"',origination_uuid='x", b"\\,", b"|", b":_:", b"[a=b]", b"{a=b}",
    b"<a=b>", b"^^:", b"\n", b"\r", b"\0", b"\\\n", b"\t", b"../", b"/../../etc/passwd", b"%0A", b"%00", b"%", b"\xff",
    b"\xed\xa0\x80", b"\xc2\x85", b"\xe2\x80\xa8", b"\xff\xfe", b'"', b"'", b"`id`", b"$(id)", b"-", b"--", b"=1+1", b"\x1b[2J",
    b"\x9b2J", b"A" * 300, b"9" * 200, b"1e999", b"\xc2\xb2", b"\xd9\xa3", b"fax:0::docq/x\n", b"returned:2\n", b"#",
    b"include: x", b"\n\n", b"Content-Length: 5\n", b"Content-Length: -1\n", b"<" * 40, b"[" * 600, b"{a: " * 300, b"(" * 120,
    b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x08\0\0\0",
)


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Saved inputs with some pieces cut out, doubled, replaced and tricks put in; and bytes of no origin."""
    seeds = [data for _, data in target.seeds()]
    edit = st.tuples(
        st.integers(0, 1 << 16), st.integers(0, 12), st.one_of(st.sampled_from(TRICKS), st.binary(max_size=8), st.just(b"")),
        st.booleans(),
    )
    edited = st.builds(_edited, st.sampled_from(seeds), st.lists(edit, max_size=6))
    return st.one_of(edited, st.binary(max_size=200))


def _edited(data: bytes, edits: list[tuple[int, int, bytes, bool]]) -> bytes:
    for place, length, piece, double in edits:
        at = place % (len(data) + 1)
        removed = data[at:at + length]
        data = data[:at] + piece + (removed * 2 if double else b"") + data[at + length:]
    return data[:1 << 16]
