"""Our recognisers for Presidio: patterns with words around them, and the tagger for what has no pattern.

Numbers that are wrong by their check digit are masked too when they have the form: whoever mistypes a card number has
still written most of it.
"""

from __future__ import annotations

import re
from typing import Any

from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts
from tagger import TAGS, Tagger

MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATES = {
    "digits": r"\b\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)?\d{2}\b",
    "year first": r"\b(?:19|20)\d{2}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?\b",
    "month named": rf"\b(?:\d{{1,2}}\.? {MONTH} (?:19|20)\d{{2}}|{MONTH} \d{{1,2}},? (?:19|20)\d{{2}})\b",
    "day": r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b",
}
PHONES = {
    "international": r"(?<![\w.])\+\d{1,3}[ .-]?(?:\(0?\d+\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}(?:x\d+)?\b",
    "area in brackets": r"(?<!\w)\(\d{2,5}\)[ .-]?\d{2,4}(?:[ .-]?\d{2,4}){1,3}(?:x\d+)?\b",
    "groups": r"(?<![\w.-])\d{2,5}[ .-]\d{2,4}(?:[ .-]\d{2,4}){1,4}(?:x\d+)?(?!\w|-\d)",
    "two groups": r"(?<![\w.-])\d{2,4}[ -]\d{4,8}(?:x\d+)?(?!\w|-\d)",
}
CARD = r"(?<![\w-])(?:[2-6]\d{3}[ -]?(?:\d{4}[ -]?){2}\d{1,7}|3\d{13,14}|\d{12,19})(?!\w|-\d)"
PREFIXES = ["Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Mr.", "Mrs.", "Ms.", "Dr.", "Prof."]


def patterns() -> list[PatternRecognizer]:
    """Dates, telephone, card, account and social security numbers, driver's licences, IPv6, links, prefixes."""
    found = [
        _of("DATE_TIME", DATES, 0.6),
        _of("PHONE_NUMBER", PHONES, 0.5, ["phone", "call", "tel", "fax", "mobile", "number", "reach", "office"]),
        _of("CREDIT_CARD", {"digits": CARD}, 0.6, ["card", "credit", "cc", "visa"]),
        _of("US_SSN", {"digits": r"(?<![\w-])\d{3}-\d{2}-\d{4}(?!\w|-\d)"}, 0.7, ["ssn", "social", "security"]),
        _of("US_DRIVER_LICENSE", {"digits": r"\b[A-Z]{0,2}\d{6,15}[A-Z]?\b"}, 0.3, ["driver", "license", "licence"]),
        _of("IBAN_CODE", {"letters": r"\b[A-Z]{2}\d{2} ?[A-Z0-9]{4}(?: ?[A-Z0-9]{2,4}){2,7}\b"}, 0.7, ["iban"]),
        _of("IP_ADDRESS", {"six": r"(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])"}, 0.8),
        _of("URL", {"scheme": r"https?://[^\s,;]+"}, 0.8),
    ]
    return [*found, PatternRecognizer(supported_entity="TITLE", deny_list=PREFIXES, deny_list_score=0.8)]


def _of(entity: str, forms: dict[str, str], score: float, context: list[str] | None = None) -> PatternRecognizer:
    made = [Pattern(name, form, score) for name, form in forms.items()]
    flags = re.IGNORECASE | re.MULTILINE
    return PatternRecognizer(supported_entity=entity, patterns=made, context=context, global_regex_flags=flags)


class TaggerRecognizer(EntityRecognizer):
    """The tagger's words, those of one tag beside each other as one entity."""

    def __init__(self, tagger: Tagger, lean: float) -> None:
        self.tagger, self.lean = tagger, lean
        super().__init__(supported_entities=list(TAGS[1:]), name="TaggerRecognizer")

    def load(self) -> None:
        """It has learnt already."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None) -> list[Any]:
        found: list[RecognizerResult] = []
        for start, end, tag in self.tagger.tags(text, self.lean):
            if tag not in entities:
                continue
            last = found[-1] if found else None
            if last and last.entity_type == tag and not re.search(r"\w", text[last.end : start]):
                last.end = end
            elif re.match(r"\w", text[start:end]):
                found.append(RecognizerResult(tag, start, end, 0.55))
        for each in found:
            each.end = each.start + len(text[each.start : each.end].rstrip(" \n.,;:!?\"')"))
        return found
