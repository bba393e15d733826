"""Invented people: names, addresses, numbers in the forms of a dozen countries, drawn from Faker's lists.

Every name, city and company belongs to one side for ever (`side`, by its checksum): `known` may stand in the masker's
lists, `seen` only in the texts it learns from, `new` only in texts that it is judged on. So what masking reaches is
reached on people it has never met.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib import import_module

import numpy as np

SHARES = {"known": 50, "seen": 30, "new": 20}
NAMES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "nl_NL", "pl_PL", "sv_SE", "da_DK", "en_IN")
NAMES += ("fi_FI", "cs_CZ", "hu_HU", "en_NZ", "no_NO", "sl_SI", "hr_HR", "tr_TR", "yo_NG", "ro_RO")
CITIES = ("de_DE", "fr_FR", "pt_BR", "en_IN", "sv_SE", "da_DK", "pl_PL", "it_IT", "nl_NL", "fi_FI", "hu_HU", "no_NO")
CITIES += ("cs_CZ", "de_AT", "sl_SI", "hr_HR", "fr_CH")
CARDS = {"4": 16, "51": 16, "53": 16, "55": 16, "34": 15, "37": 15, "6011": 16}
STREETS = ("Street", "Road", "Avenue", "Lane", "Drive", "Way", "Court", "Place", "St", "Ave", "Rd", "Close", "Crescent")
ABROAD = ("Rua", "Via", "Rue", "Calle", "Avenida", "Rua das", "Strada", "ul.", "Piazza", "Boulevard", "Chemin de", "R")
GLUED = ("straat", "strasse", "straße", "gade", "vej", "veien", "gatan", "weg", "laan", "katu", "utca", "gasse", "tie")
FIRMS = (
    "{a} Inc",
    "{a} Ltd",
    "{a} GmbH",
    "{a}, {b} and {c}",
    "{a} and Sons",
    "{a} Group",
    "{a}-{b}",
    "{w}{x}",
    "{w} {x}",
)
FIRMS += ("{w}", "{w}ify", "{w} Labs", "{a} LLC", "{x}{w}", "{w} {x} {y}", "{a} Bank", "University of {p}", "{p} {x}")
WORDS = "Open Data Health Cloud Nova Blue Smart Terra Pulse Bright Metro Green Prime Astra Delta Vertex Solar Quantum"
WORDS = (WORDS + " Micro Harbor Summit Silver Lumen Orbit Echo Core Fusion Swift Atlas Zen Omni Cyber Agri Edu").split()
LASTS = "Systems Works Media Foods Energy Partners Analytics Solutions Networks Consulting Motors Foundation Services"
LASTS = (
    LASTS + " Research Logistics Market Maps Metrics Bridge Point Wire Hub Soft Stack Trust Capital Studios"
).split()
FIRST_NOT_LATIN = "ɐ"
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def side(word: str) -> str:
    """The side a name is on."""
    mark = zlib.crc32(word.lower().encode()) % 100
    return "known" if mark < SHARES["known"] else "seen" if mark < SHARES["known"] + SHARES["seen"] else "new"


def _list(kind: str, locale: str, *names: str) -> set[str]:
    try:
        provider = import_module(f"faker.providers.{kind}.{locale}").Provider
    except ModuleNotFoundError:
        return set()
    found: set[str] = set()
    for name in names:
        for entry in getattr(provider, name, ()):
            text = entry[0] if isinstance(entry, tuple) else entry
            if isinstance(text, str) and len(text) > 1 and "{" not in text:
                found.add(text)
    return found


@cache
def lists() -> dict[str, list[str]]:
    """first and last names, cities, countries, occupations; sorted."""
    first = ("first_names", "first_names_male", "first_names_female", "first_names_nonbinary")
    gathered = {
        "first": set().union(*(_list("person", each, *first) for each in NAMES)),
        "last": set().union(*(_list("person", each, "last_names") for each in NAMES)),
        "city": set().union(*(_list("address", each, "cities", "city_names", "towns") for each in CITIES)),
        "country": _list("address", "en", "countries") | _list("address", "en_US", "countries"),
        "job": _list("job", "en_US", "jobs"),
    }
    return {key: sorted(each for each in words if max(each) < FIRST_NOT_LATIN) for key, words in gathered.items()}


@cache
def on(kind: str, sides: tuple[str, ...]) -> list[str]:
    """The words of a kind that are on one of the sides."""
    return [word for word in lists()[kind] if side(word) in sides]


class People:
    """Draws invented facts. sides: whose names may come."""

    def __init__(self, draw: np.random.Generator, sides: tuple[str, ...]) -> None:
        self.draw, self.sides = draw, sides

    def pick(self, *choices: str) -> str:
        return choices[int(self.draw.integers(len(choices)))]

    def of(self, kind: str) -> str:
        words = on(kind, self.sides)
        return words[int(self.draw.integers(len(words)))]

    def digits(self, form: str) -> str:
        return "".join(str(self.draw.integers(10)) if each == "#" else each for each in form)

    def first(self) -> str:
        return self.of("first")

    def last(self) -> str:
        if self.draw.random() < 0.08:
            return f"{self.pick('van der', 'de', 'van', 'da', 'di', 'Mc', 'O')} {self.of('last')}".replace("O ", "O'")
        return self.of("last")

    def name(self) -> str:
        roll = self.draw.random()
        if roll < 0.1:
            return f"{self.first()} {chr(65 + int(self.draw.integers(26)))}. {self.last()}"
        return f"{self.first()} {self.last()}" if roll < 0.9 else f"{self.first()} {self.first()} {self.last()}"

    def prefix(self) -> str:
        return self.pick("Mr.", "Mrs.", "Ms.", "Miss", "Dr.", "Prof.", "Mr", "Mrs")

    def street(self) -> str:
        roll = self.draw.random()
        if roll < 0.5:
            return f"{self.last()} {self.pick(*STREETS)}"
        if roll < 0.75:
            return f"{self.pick(*ABROAD)} {self.pick(self.last(), self.first(), self.name())}"
        return f"{self.of('last')}{self.pick(*GLUED)}" if roll < 0.9 else f"{self.of('city')} {self.pick(*STREETS)}"

    def house(self) -> str:
        return self.digits(self.pick("#", "##", "##", "###", "####", "#####", "0#")).lstrip("0") or "7"

    def flat(self) -> str:
        return (
            f"{self.pick('Apt.', 'Suite', 'Unit', 'Flat', 'Apt', 'Floor')} {self.digits(self.pick('#', '##', '###'))}"
        )

    def postcode(self) -> str:
        letter = "".join(chr(65 + int(each)) for each in self.draw.integers(26, size=4))
        british = f"{letter[:2]}{self.digits('#')} {self.digits('#')}{letter[2:]}"
        return self.pick(
            self.digits("#####"), self.digits("####"), self.digits("## ###"), british, self.digits("######")
        )

    def city(self) -> str:
        return self.of("city")

    def country(self) -> str:
        return self.of("country")

    def address(self) -> str:
        """On one line or several."""
        comma = self.pick(", ", " ", "\n", ",\n", "\n ")
        parts = [self.pick(f"{self.house()} {self.street()}", f"{self.street()} {self.house()}")]
        parts += [self.flat()] if self.draw.random() < 0.4 else []
        parts += [self.pick(f"{self.city()} {self.postcode()}", f"{self.postcode()} {self.city()}", self.city())]
        if self.draw.random() < 0.6:
            parts[-1:] = [self.city(), self.pick(self.country(), f"{self.country()} {self.postcode()}")]
        return comma.join(parts)

    def organization(self) -> str:
        form = self.pick(*FIRMS)
        names = {key: self.of("last") for key in "abc"} | {"w": self.pick(*WORDS), "x": self.pick(*LASTS)}
        return form.format(**names, y=self.pick(*LASTS), p=self.of("city"))

    def phone(self) -> str:
        forms = ("###-###-####", "(###) ###-####", "+1 ### ### ####", "0## ### ## ##", "+44 #### ######", "### ####")
        return self.digits(
            self.pick(*forms, "##-######", "(##) #### ####", "###.###.####x###", "0##-#######", "## ## ## ##")
        )

    def card(self) -> str:
        start = self.pick(*CARDS)
        body = start + self.digits("#" * (CARDS[start] - len(start) - 1))
        return body + luhn(body)

    def ssn(self) -> str:
        return self.digits("5##-4#-####")

    def iban(self) -> str:
        body = self.digits("#" * 18)
        return f"DE{98 - int(body + '131400') % 97:02d}{body}"

    def email(self) -> str:
        host = self.pick("example.com", "example.org", "mail.example.net")
        return f"{self.first()}.{self.of('last')}@{host}".lower().replace(" ", "").replace("'", "")

    def link(self) -> str:
        return f"{self.pick('http://', 'https://', 'https://www.')}{self.pick(*WORDS)}{self.pick(*LASTS)}.example.com/"

    def ip(self) -> str:
        return ".".join(str(each) for each in self.draw.integers(1, 255, size=4))

    def date(self) -> str:
        year, month, day = (int(self.draw.integers(*each)) for each in ((1940, 2026), (1, 13), (1, 29)))
        forms = (f"{month}/{day}/{year}", f"{year}-{month:02d}-{day:02d}", f"{day} {MONTHS[month - 1]} {year}")
        return self.pick(*forms, self.pick(*DAYS), f"{MONTHS[month - 1]} {day}, {year}")

    def job(self) -> str:
        return self.of("job")


def luhn(body: str) -> str:
    """The check digit of a card number."""
    doubled = [int(each) * (2 if place % 2 == 0 else 1) for place, each in enumerate(reversed(body))]
    return str(-sum(each - 9 if each > 9 else each for each in doubled) % 10)
