"""The encoding of a file is told from its bytes, and a byte that fits none is named by its row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate import DataError
from lockgate.reading.encodings import decode

CHINESE = "距离川沙公路较近，但是公交指示不对。房间较为简单，商务大床房，房间很大。"
ENGLISH = "a gob of drivel\n" * 300


@pytest.mark.parametrize(
    ("data", "text", "told"),
    [
        (b"plain", "plain", "UTF-8"),
        ("naïve".encode(), "naïve", "UTF-8"),
        ("naïve".encode("utf-8-sig"), "naïve", "UTF-8 with a byte order mark"),
        ("naïve".encode("utf-16"), "naïve", "UTF-16"),
        (b"\xfe\xff" + "naïve".encode("utf-16-be"), "naïve", "UTF-16"),
        ("naïve".encode("utf-32"), "naïve", "UTF-32"),
        (CHINESE.encode(), CHINESE, "UTF-8"),
        (CHINESE.encode("gb18030"), CHINESE, "GB18030"),
        (("1\tWIFI " + CHINESE).encode("gb18030"), "1\tWIFI " + CHINESE, "GB18030"),
        ("rancid crème brûlée".encode("latin-1"), "rancid crème brûlée", "Latin-1"),
        # one accent among much English, which detectors by frequency take for Big5
        ((ENGLISH + "sisterðcity").encode("latin-1"), ENGLISH + "sisterðcity", "Latin-1"),
        ("it’s 9 ½ weeks — so".encode("cp1252"), "it’s 9 ½ weeks — so", "Windows-1252"),
        (b"no Windows-1252: \x81", "no Windows-1252: \x81", "Latin-1"),
    ],
)
def test_encoding_is_told_and_named(data: bytes, text: str, told: str) -> None:
    decoded = decode(data, "a.txt")

    assert decoded.text == text
    assert f"read as {told}" in decoded.notice
    assert decoded.notice.startswith("a.txt is ")


def test_encoding_can_be_forced() -> None:
    data = CHINESE.encode("big5", "ignore")

    assert decode(data, "a.txt", "big5") == (data.decode("big5"), "big5", "")


@pytest.mark.parametrize("word", ["Größe", "ÄÖÜ (süß)", "créée", "señor"])
def test_accented_letters_in_a_row_are_no_chinese(word: str) -> None:
    decoded = decode(f"{word},Wind\n1,2\n".encode("latin-1"), "a.csv")

    assert (decoded.text.split(",")[0], decoded.codec) == (word, "latin-1")


@pytest.mark.parametrize("word", ["时间", "气温（度）", "婷婷的风速", "PM2.5浓度"])
def test_few_chinese_characters_are_enough(word: str) -> None:
    decoded = decode(f"{word},x\n1,2\n".encode("gb18030"), "a.csv")

    assert (decoded.text.split(",")[0], decoded.codec) == (word, "gb18030")


def test_only_another_encoding_than_utf8_is_a_warning() -> None:
    assert decode("é".encode(), "a.csv").warnings == ()
    assert decode("é".encode("utf-8-sig"), "a.csv").warnings == ()
    assert decode("é".encode("utf-16"), "a.csv").warnings == ("a.csv is read as UTF-16",)
    assert decode("é".encode("utf-16"), "a.csv", "utf-16").warnings == ()


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (CHINESE.encode() + b"\n\xff", {}, "text in UTF-8, got the byte 0xff in row 2; mend it"),
        (
            (CHINESE * 9).encode("gb18030") + b"\n\n\xff\xff",
            {},
            "GB18030, got the byte 0xff in row 3",
        ),
        ("é".encode("latin-1"), {"encoding": "utf-8"}, "utf-8, got the byte 0xe9 in row 1"),
        ("a\né".encode("latin-1"), {"encoding": "ascii", "header": True}, "0xe9 in row 1"),
        ("é".encode("latin-1"), {"encoding": "ascii", "header": True}, "0xe9 in the header"),
        (b'a\n"b\nb"\n\xe9', {"encoding": "ascii", "header": True}, "0xe9 in row 2"),
        (b'a\n"b\nb"\n\xe9', {"encoding": "ascii", "quoted": False}, "0xe9 in row 4"),
        (b"a\r\nb\rc\xe9", {"encoding": "ascii"}, "in row 3"),
        (b"PK\x03\x04\x00\x00", {}, "a.txt must be text, got binary data"),
        (b"x", {"encoding": "klingon"}, "encoding must be .* that Python knows, .* got 'klingon'"),
        (b"x", {"encoding": "hex"}, "encoding must be .* got 'hex'"),
        (b"x", {"encoding": "undefined"}, "must be text in undefined"),
        ("a\nb".encode("utf-16-le"), {"encoding": "utf-8"}, "zero character in row 1.*utf-16-le"),
        ("a\nb".encode("utf-16-be"), {"encoding": "latin-1"}, "zero character in row 1.*utf-16-be"),
        ("é".encode("utf-16"), {"encoding": "utf-8"}, "got the byte 0xff in row 1.*utf-16"),
        (
            "时间".encode("gb18030"),
            {"encoding": "utf-8"},
            "the byte 0x\\w\\w in row 1; .* .--encoding gb18030",
        ),
        ("nö".encode("utf-16-le") + b"\0", {"encoding": "utf-16"}, "got the byte 0x00 in row 1"),
    ],
)
def test_what_cannot_be_decoded_raises_with_its_row(data, options, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        decode(data, "a.txt", **options)

    assert "\n" not in str(error.value)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_utf8_comes_back(text: str) -> None:
    assert decode(text.encode(), "a.txt").text == text.removeprefix("\ufeff")


@given(st.text(st.sampled_from(CHINESE), min_size=1))
def test_any_chinese_in_gb18030_comes_back(text: str) -> None:
    data = text.encode("gb18030")
    try:
        data.decode()
    except UnicodeDecodeError:
        assert decode(data, "a.txt").text == text
