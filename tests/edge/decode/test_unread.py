"""What was heard and not understood."""

from edge_frames import AT, heard
from zodra_edge.decode.unread import ENTRIES_MAX, RAW_BYTES_MAX, WHERE_CHARS_MAX, UnreadList


def test_the_last_frame_of_each_source_is_kept_with_how_often_it_was() -> None:
    unread = UnreadList()
    unread.note("a/b", b"1", "malformed", "no number", AT)
    unread.note("c", b"x", "not_json", "no text", AT)
    unread.note("a/b", b"22", "malformed", "another", heard(5).at)
    latest, other = unread.entries()
    assert (latest.where, latest.raw, latest.count, latest.detail) == ("a/b", b"22", 2, "another")
    assert (latest.first_at, latest.last_at) == (AT, heard(5).at)
    assert other.where == "c"


def test_a_long_frame_is_cut_and_its_length_told() -> None:
    unread = UnreadList()
    unread.note("x" * 1_000, b"y" * 1_000, "oversized", "long", AT)
    (entry,) = unread.entries()
    assert len(entry.raw) == RAW_BYTES_MAX
    assert entry.raw_bytes == 1_000
    assert len(entry.where) == WHERE_CHARS_MAX


def test_a_source_cannot_speak_to_a_terminal() -> None:
    unread = UnreadList()
    unread.note("a\x1b[2J\nb", b"", "malformed", "", AT)
    (entry,) = unread.entries()
    assert entry.where == "a?[2J?b"


def test_no_flood_of_sources_fills_the_memory_and_who_looks_is_not_disturbed() -> None:
    unread = UnreadList()
    unread.note("first", b"", "malformed", "", AT)
    looked = unread.entries()
    for number in range(3 * ENTRIES_MAX):
        unread.note(str(number), b"", "malformed", "", AT)
    assert len(unread) == ENTRIES_MAX
    assert [entry.where for entry in looked] == ["first"]
    assert unread.entries()[0].where == str(3 * ENTRIES_MAX - 1)
