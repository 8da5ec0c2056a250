# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What encoding a text that is not UTF-8 looks like: for the message that refuses it, never to read it by."""

from __future__ import annotations

import codecs
from typing import NamedTuple

_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32 (little-endian)",  # begins like the mark of UTF-16
    codecs.BOM_UTF32_BE: "UTF-32 (big-endian)",
    codecs.BOM_UTF16_LE: "UTF-16 (little-endian)",
    codecs.BOM_UTF16_BE: "UTF-16 (big-endian)",
    b"\x84\x31\x95\x33": "GB18030",
}
_SHIFTS = {b"\x1b$B": "ISO-2022-JP", b"\x1b$@": "ISO-2022-JP", b"\x1b$)C": "ISO-2022-KR", b"\x1b$A": "ISO-2022-CN"}
_WIDE = {"utf-16-le": "UTF-16 (little-endian)", "utf-16-be": "UTF-16 (big-endian)"}
_KANA = "".join(map(chr, (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), 0x30FC)))
_WEST = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßœÀÁÂÄÅÆÇÈÉÊÑÓÔÖØÚÜŒ“”‘’–—…«»¿¡°€µ²³½×±§©®"
_EAST = "ąćęłńśźżčďěňřšťůýžőűáéíóúüöäôâîășțşţŁŚŻŹČŘŠŽ„”–—…"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ"
_HAN = (
    "的一是不了在人有我他这上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小"
    "多然于心学么之都好看起发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方"
    "期它头经长儿回位分爱老因很给名法间斯知世什两次使身者被高已亲其进此话常与活正感答案图红色门请画左右字"
    "题选"
)
_HAN_OLD = (
    "的一是不了在人有我他這上們來到時大地為子中你說生國年著就那和要她出也得里後自以會家可下而過天去能對小"
    "多然於心學麼之都好看起發當沒成只如事把還用第樣道想作種開美總從無情己面最女但現前些所同日手又行意動方"
    "期它頭經長兒回位分愛老因很給名法間答案圖紅色門請畫左右"
)
_HANGUL = (
    "이다는을가의에고하지를은기사리어로서도인한나자있대아그시게정일수해장제라것들전보부만스주상과원여선오"
    "조구유으년니우소미국요성동안거치입무비신방공적했문면없모답각세림빨간왼른쪽습"
)


class _Encoding(NamedTuple):
    """An encoding, and what texts in it look like."""

    codec: str
    name: str
    usual: frozenset[str]
    """Characters that most texts in it hold."""
    is_latin: bool = False
    """Whether its letters stand beside those of ASCII in one word, and seldom beside each other."""
    leads: range = range(0)
    """First bytes of the characters that are in use, where a character has two bytes."""
    weight: float = 1.0


_KNOWN = (
    _Encoding("cp1252", "Windows-1252 (Latin-1)", frozenset(_WEST), is_latin=True),
    _Encoding("cp1250", "Windows-1250", frozenset(_EAST), is_latin=True, weight=0.85),
    _Encoding("mac-roman", "Mac Roman", frozenset(_WEST), is_latin=True, weight=0.85),
    _Encoding("cp850", "code page 850 (MS-DOS)", frozenset(_WEST), is_latin=True, weight=0.85),
    _Encoding("cp1254", "Windows-1254", frozenset("çğıöşüÇĞİÖŞÜâîû"), is_latin=True, weight=0.85),
    _Encoding("cp1251", "Windows-1251", frozenset(_CYRILLIC)),
    _Encoding("koi8-r", "KOI8-R", frozenset(_CYRILLIC)),
    _Encoding("cp1253", "Windows-1253", frozenset("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ")),
    _Encoding("cp1255", "Windows-1255", frozenset("אבגדהוזחטיךכלםמןנסעףפץצקרשת")),
    _Encoding("cp1256", "Windows-1256", frozenset("ابتثجحخدذرزسشصضطظعغفقكلمنهويةىأإءئ،؟"), weight=0.8),
    _Encoding("cp874", "TIS-620", frozenset(map(chr, range(0x0E01, 0x0E4F))), weight=0.6),
    _Encoding("cp932", "Shift-JIS", frozenset(_KANA + _HAN_OLD + "。、「」"), leads=range(0x88, 0x98)),
    _Encoding("euc-jp", "EUC-JP", frozenset(_KANA + _HAN_OLD + "。、「」"), leads=range(0xB0, 0xD0), weight=0.9),
    _Encoding("gb18030", "GB18030 (GBK)", frozenset(_HAN + "，。、：？！“”"), leads=range(0xB0, 0xD8)),
    _Encoding("big5", "Big5", frozenset(_HAN_OLD + "，。、：？！「」"), leads=range(0xA4, 0xC7)),
    _Encoding("cp949", "EUC-KR", frozenset(_HANGUL), leads=range(0xB0, 0xC9)),
    _Encoding("utf-16-le", _WIDE["utf-16-le"], frozenset(_KANA + _HAN + _HAN_OLD + _HANGUL + _CYRILLIC)),
    _Encoding("utf-16-be", _WIDE["utf-16-be"], frozenset(_KANA + _HAN + _HAN_OLD + _HANGUL + _CYRILLIC)),
)


def marked_encoding(content: bytes) -> str | None:
    r"""The encoding that a text shows by its first bytes, its NUL bytes or its escape sequences, other than UTF-8.

    Args:
        content: the beginning of the text.

    Returns:
        Its name, or None where there is no such sign.

    Example:
        >>> marked_encoding("a,b".encode("utf-16")), marked_encoding("a,b".encode("utf-32-be"))
        ('UTF-16 (little-endian)', 'UTF-32 (big-endian)')
        >>> marked_encoding("a,b".encode("utf-16-be")), marked_encoding(b"a,b")
        ('UTF-16 (big-endian)', None)
    """
    signs = (name for mark, name in _MARKS.items() if content.startswith(mark) and not _is_utf8(content[len(mark) :]))
    shifts = (name for shift, name in _SHIFTS.items() if shift in content)
    return next(signs, None) or _by_nuls(content) or next(shifts, None)


def likely_encoding(content: bytes) -> str | None:
    """What a text that is not UTF-8 looks like by its characters, or None where nothing fits.

    Args:
        content: the text, or a part of it that cuts no character.

    Returns:
        The name of the encoding, or of two between which the text does not decide.

    Example:
        >>> likely_encoding("Crème brûlée".encode("latin-1")), likely_encoding("ドアを描いて".encode("shift-jis"))
        ('Windows-1252 (Latin-1)', 'Shift-JIS')
    """
    fits = [_fit(content, encoding) for encoding in _KNOWN]
    first, second = sorted(fits, key=lambda fit: -fit.value)[:2]
    if first.value <= 0:
        return None
    is_open = second.value >= 0.9 * first.value and second.text != first.text
    return f"{first.name} or {second.name}" if is_open else first.name


def _is_utf8(content: bytes) -> bool:
    """Whether what follows a mark belies it: a damaged first line does not make the others UTF-16."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content)  # the end may be cut
    except UnicodeDecodeError:
        return False
    return bool(text) and "\0" not in text


class _Fit(NamedTuple):
    value: float
    name: str
    text: str = ""


def _by_nuls(content: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: the high bytes of ASCII characters are 0."""
    empty = [content[place::4].count(0) / max(1, len(content[place::4])) for place in range(4)]
    if len(content) >= 4 and min(empty[2:]) >= 0.9:
        return "UTF-32 (little-endian)"
    if len(content) >= 4 and min(empty[:2]) >= 0.9:
        return "UTF-32 (big-endian)"
    if len(content) % 2 or content.count(0) < max(1, 0.02 * len(content)):
        return None
    plain = {codec: _plain_share(content, codec) for codec in _WIDE}
    best = max(plain, key=lambda codec: plain[codec])
    return _WIDE[best] if plain[best] > 0.5 else None


def _plain_share(content: bytes, codec: str) -> float:
    text = content[: len(content) // 2 * 2].decode(codec, "replace")
    usual = _KNOWN[-1].usual
    return sum((c.isascii() and (c.isprintable() or c.isspace())) or c in usual for c in text) / max(1, len(text))


def _fit(content: bytes, encoding: _Encoding) -> _Fit:
    """How well a text fits: above 0 where more of its characters are usual than odd."""
    try:
        text = codecs.getincrementaldecoder(encoding.codec)().decode(content)  # the end may be cut
    except UnicodeDecodeError:
        return _Fit(-1.0, encoding.name)
    weights = [_weight(text, place, encoding) for place, character in enumerate(text) if not character.isascii()]
    return _Fit(encoding.weight * sum(weights) / max(1, len(weights)), encoding.name, text)


def _weight(text: str, place: int, encoding: _Encoding) -> float:
    """From 1 for a character that such texts are full of to -1 for one that has no place there."""
    character, before = text[place], text[max(0, place - 1) : place]
    after = text[place + 1 : place + 2]
    strange = sum(other.isalpha() and other.isascii() != encoding.is_latin for other in before + after)
    humped = (before.islower() and character.isupper()) or (character.islower() and after.isupper())
    if character.isalpha() and not encoding.leads and (humped or (strange and not encoding.is_latin)):
        return -0.5
    if character in encoding.usual or character.lower() in encoding.usual:
        capital = character.isupper() and before.isalpha()
        return (1.0, 0.3, 0.0)[strange] if encoding.is_latin and character.isalpha() else 0.8 if capital else 1.0
    return 0.8 if encoding.leads and character.encode(encoding.codec)[0] in encoding.leads else -0.7
