"""What people write around their facts: sentences with slots, filled with invented facts whose places are known.

    "my name is {name}" -> "my name is Ana Ruiz", [Span(11, 19, "PERSON")]

Written for this system: tickets, letters, small talk, address labels. A slot names a method of people.People.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from people import People

ENTITY = {
    **dict.fromkeys(("name", "first", "last"), "PERSON"),
    **dict.fromkeys(("address", "street", "house", "flat", "postcode"), "ADDRESS"),
    **dict.fromkeys(("city", "country"), "LOCATION"),
    **dict.fromkeys(("job", "prefix"), "TITLE"),
    **{"organization": "ORGANIZATION", "phone": "PHONE_NUMBER", "card": "CREDIT_CARD", "ssn": "US_SSN"},
    **{"iban": "IBAN_CODE", "email": "EMAIL_ADDRESS", "link": "URL", "ip": "IP_ADDRESS", "date": "DATE_TIME"},
}
SLOT = re.compile(r"\{(\w+)\}")

OPENINGS = (
    "Hello, I am {name}.",
    "Hi, this is {first} from {organization}.",
    "Good morning, {name} here, {job} at {organization}.",
    "{prefix} {last} asked me to write to you.",
    "Dear support, my name is {name} and I live in {city}.",
    "We are {organization}, based in {city}, {country}.",
    "Writing on behalf of {name} ({email}).",
    "Hello team,",
    "Hi,",
    "",
    "",
)
CLOSINGS = (
    "Call me at {phone}, please. {first}",
    "Regards, {name}",
    "You reach me under {email} or {phone}.",
    "Thanks! {name}, {organization}",
    "Our office: {address}",
    "Bill it to my card {card}, please.",
    "Best wishes from {city}, {first} {last}",
    "My address has been {address} since {date}.",
    "It happened on {date} from {ip}.",
    "Thank you.",
    "Please help.",
    "",
    "",
)
SENTENCES = (
    "My name is {name}.",
    "I am {first}, by the way.",
    "Ask for {first} at the desk.",
    "Is {name} still in charge of this?",
    "The contract was signed by {prefix} {last} in {city}.",
    "{prefix} {name} will take over from {first}.",
    "{first} told {first} that the order was late.",
    "{first}, could you have a look?",
    "Yesterday {first} and {first} went home early.",
    "{name} wrote the book, {last} only printed it.",
    "It was recorded by {name} for {organization} years ago.",
    "According to {last}, nobody at {organization} knew.",
    "We hired {name} as {job}.",
    "{name} works as a {job} for {organization}.",
    "{organization} has opened an office in {city}.",
    "I used to work for {organization} before it was sold to {organization}.",
    "The founders, {last} and {last}, left {organization} last year.",
    "Payments from {organization} never arrive in time.",
    "She studied in {city} and moved to {country}.",
    "I was born in {country}, on {date}.",
    "We drove from {city} to {city} in one night.",
    "How is the weather in {country}?",
    "My parents live in {city}, {country}.",
    "They fly to {country} on {date}.",
    "People from {country} are welcome.",
    "Deliver it to {address}, please.",
    "My new home is {address}.",
    "Change the delivery address from {address} to {address}.",
    "The parcel went to {address} instead.",
    "You find us at {house} {street}, {city}.",
    "He lives at {house} {street}.",
    "She stays in {street} {house}, {postcode} {city}.",
    "Turn left into {street} and then right.",
    "The shop on {street} closes at six.",
    "{street} is blocked because of road works.",
    "My postal code is {postcode}.",
    "It is the house at the corner of {street} and {street}.",
    "{name}\n{house} {street}\n{flat}\n{city}\n{country} {postcode}",
    "{name}\n\n{street} {house}\n{postcode} {city}\n{country}",
    "{prefix} {name}\n{flat} {house} {street}\n{city} {postcode}",
    "{organization}\n{address}",
    "{name}\n{job}\n{organization}\n{address}\n{phone}",
    "{house} {street}\n {flat}\n {city}\n {country} {postcode}",
    "> {name}\n> {organization}\n> {house} {street}\n> {city}\n> {country} {postcode}",
    "* {name}\n* {address}\n* {phone}",
    "Name: {name}\nStreet: {house} {street}\nCity: {city}",
    "Customer: {name}, phone: {phone}, date: {date}",
    "Contact: {first} {last}\nTel: {phone} / {phone}",
    "The headquarters of {organization} are in {address}.",
    "Send the invoice to {organization}, {house} {street}, {city}.",
    "{first}: where are you?\n{first}: on my way",
    '"I do not believe it," said {last}.',
    '"We are glad," says {name}, {job} in {city}.',
    "What about {first}?",
    "Nobody understands why {first} is so angry.",
    "This film by {name} stars {name} and {last}.",
    "I love every song of {name}.",
    "A remake of the {last} classic.",
    "The band's singer {last} was only {house} years old.",
    "Team: {first}, {first}, {first} and {first}",
    "He was called {first}, after his uncle {name}.",
    "It was {first}'s idea, not {first}'s.",
    "Please add {name} to the policy.",
    "The account belongs to my wife {name}.",
    "Under which name? {name}",
    "Which city? {city}",
    "Where do you live? In {city}.",
    "Card {card} was stolen.",
    "The number of my card is {card}, valid until next year.",
    "Transfer it to {iban}.",
    "My social security number: {ssn}",
    "Mail it to {email}.",
    "See {link} for the pictures.",
    "The address {ip} is blocked by your firewall.",
    "My number is {phone}.",
    "Nobody picks up under {phone}.",
    "I need it by {date}.",
    "We meet on {date} at {organization} in {city}.",
    "Born {date}, maiden name {last}.",
    "{last} was here first.",
    "The {job} of {organization} quit.",
    "{country} has won again.",
    "{city} is beautiful in spring.",
    "The museum in {city} shows {last}.",
)
PLAIN = (
    "What is the limit of my account?",
    "How do I get a new card? The old one does not work at the machine.",
    "Is there a fee when I withdraw cash abroad?",
    "I want to close my account.",
    "Who are you? Are you a robot?",
    "CAN ANYBODY HELP ME HERE?",
    "Words such as Courage and Honour are written with capital letters here.",
    "One, two, three, go!",
    "Can I talk to your manager, please?",
    "I cannot open your page, it says Error 404.",
    "The payment of 20 dollars is still pending after 3 days.",
    "This song should be number 1 of any list of the 50 best.",
    "In the 1980s the industry grew fast, and Rock and Roll was everywhere.",
    "Sorry, Sir, I did not mean that.",
    "The President spoke to the Senate on Climate Change.",
    "Why does the Internet not work in my room?",
    "Merry Christmas and a Happy New Year!",
    "The Monday meeting is about the Budget.",
    "God bless you all!",
    "It is the best Italian restaurant in town.",
    "A great album with a long guitar solo.",
    "How many people live there? About 5 million.",
    "Please send me my Bank Statement by mail.",
    "My PIN is blocked, the ATM kept my card.",
    "I do not like your tone!",
    "The Company reserves all rights.",
    "It fails with Access Denied since the Last Update.",
    "My PutObject call answers 403 Forbidden, the Role has Full Access.",
    "The Stack is in Rollback, how do I delete a Lambda Function?",
    "Is there a way to list the IAM Roles, KMS Keys and DNS Records in the account?",
)


class Span(NamedTuple):
    """Where a fact stands in a text."""

    start: int
    end: int
    entity: str


def fill(form: str, people: People) -> tuple[str, list[Span]]:
    """The form with invented facts in its slots, and where they are."""
    text, spans, last = "", [], 0
    for slot in SLOT.finditer(form):
        text += form[last : slot.start()]
        fact = str(getattr(people, slot[1])())
        spans.append(Span(len(text), len(text) + len(fact), ENTITY[slot[1]]))
        text, last = text + fact, slot.end()
    return text + form[last:], spans


def joined(parts: list[tuple[str, list[Span]]]) -> tuple[str, list[Span]]:
    """Texts one after the other, with their spans moved along."""
    text, spans = "", []
    for part, found in parts:
        if part:
            text += " " if text else ""
            spans += [Span(each.start + len(text), each.end + len(text), each.entity) for each in found]
            text += part
    return text, spans


def lesson(people: People) -> tuple[str, list[Span]]:
    """One text to learn masking from: one or two sentences, some all in small letters."""
    draw = people.draw
    forms = [PLAIN if draw.random() < 0.2 else SENTENCES for _ in range(1 + int(draw.random() < 0.4))]
    if draw.random() < 0.3:
        forms = [OPENINGS, *forms, CLOSINGS]
    text, spans = joined([fill(people.pick(*each), people) for each in forms])
    return (text.lower(), spans) if draw.random() < 0.2 and len(text.lower()) == len(text) else (text, spans)


def lessons(count: int, seed: int, sides: tuple[str, ...]) -> list[tuple[str, list[Span]]]:
    people = People(np.random.default_rng(seed), sides)
    return [lesson(people) for _ in range(count)]
