"""Presidio's engine without a language model: words from a blank spaCy pipeline, facts from recognisers alone.

Presidio wants an NlpEngine for the words around a pattern ("SSN: …" raises a score). A blank English pipeline gives
these without any download. The base form of a word is the word in small letters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    UrlRecognizer,
    UsSsnRecognizer,
)
from recognisers import TaggerRecognizer, patterns
from tagger import Tagger


class BlankEngine(NlpEngine):
    """Words, nothing learnt."""

    def __init__(self) -> None:
        self.nlp: Any = None

    def load(self) -> None:
        self.nlp = spacy.blank("en")

    def is_loaded(self) -> bool:
        return self.nlp is not None

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        doc = self.nlp(text)
        return NlpArtifacts(
            entities=[],
            tokens=doc,
            tokens_indices=[token.idx for token in doc],
            lemmas=[token.lower_ for token in doc],
            nlp_engine=self,
            language=language,
            scores=[],
        )

    def process_batch(self, texts: Any, language: str, **_: Any) -> Iterator[tuple[str, NlpArtifacts]]:
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:
        return bool(self.nlp.vocab[word].is_stop)

    def is_punct(self, word: str, language: str) -> bool:
        return bool(self.nlp.vocab[word].is_punct)

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return ["en"]


def analyzer(tagger: Tagger, lean: float) -> AnalyzerEngine:
    """Presidio with its recognisers of numbers, our patterns, and the tagger."""
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())  # it would ask the network first
    nlp = BlankEngine()
    nlp.load()
    registry = RecognizerRegistry(supported_languages=["en"])
    ready = (CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer, UrlRecognizer, UsSsnRecognizer)
    for recogniser in [*(each() for each in ready), *patterns(), TaggerRecognizer(tagger, lean)]:
        registry.add_recognizer(recogniser)
    return AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
