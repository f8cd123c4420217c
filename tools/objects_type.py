# SPDX-License-Identifier: Apache-2.0
"""Types and values of setup objects in model/objects.txt, and their A-XDR.

A type is one of
    bool null integer (of any size) i8 i16 i32 i64 u8 u16 u32 u64 enum     integers may have a range: u16 1..9999
    octets N..M   text N..M   bits N   array MOST of TYPE   struct(TYPE, TYPE, ...)
a value one of
    12 -3 true null "text" 0x1A2B (octets) 0.0.25.1.0.255 (octets) 0b101 (bits) [..] (..)
"""
import re

INTEGERS = {"i8": (0x0F, 1, True), "i16": (0x10, 2, True), "i32": (0x05, 4, True),
            "i64": (0x14, 8, True), "u8": (0x11, 1, False), "u16": (0x12, 2, False),
            "u32": (0x06, 4, False), "u64": (0x15, 8, False), "enum": (0x16, 1, False)}
STRINGS = {"octets": 0x09, "text": 0x0A}
TOKEN = re.compile(r'\s*(0x[0-9A-Fa-f]*|0b[01]*|\d+(?:\.\d+){3,5}|-?\d+|\.\.|"[^"]*"|\w+|[\[\](),])')


class Wrong(Exception):
    def __init__(self, field, reason):
        super().__init__(reason)
        self.field = field
        self.reason = reason


class Tokens:
    def __init__(self, text, field):
        self.field = field
        self.list = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise Wrong(field, f"'{text[at:]}' is not understood")
            self.list.append(match[1])
            at = match.end()

    def peek(self):
        return self.list[0] if self.list else ""

    def take(self, wanted=None):
        token = self.peek()
        if not token or (wanted is not None and token != wanted):
            raise Wrong(self.field, f"'{wanted or 'more'}' is missing before '{token}'")
        return self.list.pop(0)

    def number(self):
        token = self.take()
        if not re.fullmatch(r"-?\d+", token):
            raise Wrong(self.field, f"'{token}' is no number")
        return int(token)


class Type:
    """name, and by name: low and high, most and element, or members."""

    def __init__(self, name, low=0, high=0, members=()):
        self.name, self.low, self.high, self.members = name, low, high, members

    def is_array(self):
        return self.name == "array"

    def describe(self):
        """As management/setup reads it."""
        if self.name in INTEGERS:
            tag, size, signed = INTEGERS[self.name]
            ends = b"" if size == 8 else (self.low.to_bytes(size, "big", signed=signed) +
                                          self.high.to_bytes(size, "big", signed=signed))
            return bytes([tag]) + ends
        if self.name in STRINGS:
            return bytes([STRINGS[self.name], self.low, self.high])
        inner = b"".join(member.describe() for member in self.members)
        return {"null": b"\x00", "bool": b"\x03", "integer": b"\xFD", "bits": bytes([4, self.high]),
                "array": bytes([1, self.high, len(inner)]) + inner,
                "struct": bytes([2, len(self.members)]) + inner}[self.name]

    def encode(self, value):
        if self.name in INTEGERS:
            return self.encode_integer(value)
        if self.name in STRINGS:
            return self.encode_string(value)
        if self.name in ("array", "struct"):
            return self.encode_list(value)
        if self.name == "bits":
            return self.encode_bits(value)
        if self.name == "bool" and isinstance(value, bool):
            return bytes([3, value])
        if self.name == "null" and value is None:
            return b"\x00"
        raise Wrong("value", f"{value} is no {self.name}")

    def encode_integer(self, value):
        tag, size, signed = INTEGERS[self.name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong("value", f"{value} is no {self.name}")
        if not self.low <= value <= self.high:
            raise Wrong("value", f"{value} is not in {self.low}..{self.high}")
        return bytes([tag]) + value.to_bytes(size, "big", signed=signed)

    def encode_string(self, value):
        octets = value.encode() if isinstance(value, str) else value
        if not isinstance(octets, bytes) or isinstance(value, str) != (self.name == "text"):
            raise Wrong("value", f"{value} is no {self.name}")
        if not self.low <= len(octets) <= self.high:
            raise Wrong("value", f"{len(octets)} octets are not {self.low}..{self.high}")
        return bytes([STRINGS[self.name]]) + length(len(octets)) + octets

    def encode_bits(self, value):
        if not isinstance(value, Bits) or len(value.text) != self.high:
            raise Wrong("value", f"{self.high} bits 0b... are wanted")
        padded = value.text + "0" * (-len(value.text) % 8)
        return bytes([4, self.high]) + bytes(int(padded[i:i + 8], 2)
                                             for i in range(0, len(padded), 8))

    def encode_list(self, value):
        if not isinstance(value, list if self.name == "array" else tuple):
            raise Wrong("value", f"{value} is no {self.name}")
        if self.name == "array":
            if len(value) > self.high:
                raise Wrong("value", f"{len(value)} elements are more than {self.high}")
            kinds = self.members * len(value)
        elif len(value) != len(self.members):
            raise Wrong("value", f"{len(value)} members instead of {len(self.members)}")
        else:
            kinds = self.members
        inner = b"".join(kind.encode(one) for kind, one in zip(kinds, value))
        return bytes([1 if self.name == "array" else 2]) + length(len(value)) + inner


class Bits:
    def __init__(self, text):
        self.text = text


def length(count):
    return bytes([count]) if count < 128 else bytes([0x81, count])


def span(tokens, low, high):
    """LOW..HIGH inside of low..high; a single number is both."""
    first = tokens.number()
    last = first
    if tokens.peek() == "..":
        tokens.take()
        last = tokens.number()
    if not low <= first <= last <= high:
        raise Wrong("type", f"{first}..{last} is not inside of {low}..{high}")
    return first, last


def parse_type(tokens):
    name = tokens.take()
    if name in INTEGERS:
        _, size, signed = INTEGERS[name]
        low = -(1 << 8 * size - 1) if signed else 0
        high = (1 << 8 * size - signed) - 1
        ranged = re.fullmatch(r"-?\d+", tokens.peek()) and size < 8
        return Type(name, *(span(tokens, low, high) if ranged else (low, high)))
    if name in STRINGS:
        return Type(name, *span(tokens, 0, 255))
    if name == "bits":
        return Type(name, *span(tokens, 1, 127))
    if name == "array":
        _, most = span(tokens, 1, 127)
        tokens.take("of")
        return Type(name, 0, most, (parse_type(tokens),))
    if name == "struct":
        tokens.take("(")
        members = [parse_type(tokens)]
        while tokens.peek() == ",":
            tokens.take()
            members.append(parse_type(tokens))
        tokens.take(")")
        return Type(name, members=tuple(members))
    if name in ("bool", "null", "integer"):
        return Type(name)
    raise Wrong("type", f"'{name}' is none")


def parse_list(tokens, end):
    values = []
    while tokens.peek() != end:
        if values:
            tokens.take(",")
        values.append(parse_value(tokens))
    tokens.take(end)
    return values


def parse_value(tokens):
    token = tokens.take()
    if token == "[":
        return parse_list(tokens, "]")
    if token == "(":
        return tuple(parse_list(tokens, ")"))
    if token in ("true", "false"):
        return token == "true"
    if token == "null":
        return None
    if token.startswith('"'):
        return token[1:-1]
    if token.startswith("0x"):
        if len(token) % 2:
            raise Wrong("value", f"'{token}' has half an octet")
        return bytes.fromhex(token[2:])
    if token.startswith("0b"):
        return Bits(token[2:])
    if "." in token:
        parts = [int(part) for part in token.split(".")]
        if max(parts) > 255:
            raise Wrong("value", f"'{token}' has a number above 255")
        return bytes(parts)
    if re.fullmatch(r"-?\d+", token):
        return int(token)
    raise Wrong("value", f"'{token}' is none")


def read_whole(text, field, parse):
    tokens = Tokens(text, field)
    result = parse(tokens)
    if tokens.peek():
        raise Wrong(field, f"'{tokens.peek()}' is too much")
    return result


def read_type(text):
    return read_whole(text, "type", parse_type)


def read_value(text):
    return read_whole(text, "value", parse_value)
