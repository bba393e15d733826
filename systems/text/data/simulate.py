"""Support texts about AWS from what botocore carries: each operation's documentation, as a customer tells it.

    python data/simulate.py --out work/aws

A text's class is the service that the operation belongs to. Names that would give it away (S3, Lambda …) are taken
out. Around the matter stand greetings and signatures with invented people, so that there is something to mask.

    texts.jsonl   text, label, operation, part, spans of personal data

Parts: test, train, validation. An operation, and a sentence, is in one part alone; people of validation and test are
never among those that the masker learns from (people.py). Services that are no class give texts for "other": some in
validation, to set the threshold, different ones in test, to judge it, none in train.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import botocore.session
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "model"))
from examples import OTHER
from letters import CLOSINGS, OPENINGS, Span, fill, joined
from people import People

SEED = 1974
SERVICES = (
    "acm apigateway appsync athena autoscaling backup batch bedrock cloudformation cloudfront cloudtrail cloudwatch "
    "codebuild cognito-idp connect dms dynamodb ecr ecs efs eks elasticache elbv2 emr events firehose glue guardduty "
    "iam kinesis kms lambda logs rds redshift route53 s3 sagemaker secretsmanager ses sns sqs ssm stepfunctions"
).split()
OTHERS = {
    "validation": (
        "amplify chime codecommit comprehend detective fsx gamelift iot lightsail macie2 mq transfer appstream budgets "
        "braket datasync deadline greengrassv2 inspector2 location medialive neptune pinpoint quicksight rekognition "
        "textract wafv2 workspaces"
    ).split(),
    "test": (
        "auditmanager codedeploy dax discovery fis forecast imagebuilder license-manager mgn outposts resiliencehub "
        "servicecatalog servicediscovery signer timestream-write wellarchitected"
    ).split(),
}
TELLINGS = 2  # by how many customers an operation of train is told, so that greetings mean nothing
MOST = 70  # operations a class
FEW = {"validation": 7, "test": 12}  # operations a service of "other", so that both parts have some 190
# In this order along each class's shuffled operations. The last fifth judged the first runs and was seen; it is for
# validation now, as are the services of "other" that were seen, and a fifth that had been for training judges.
SHARES = {"test": 0.2, "train": 0.6, "validation": 0.2}
WORDS = (6, 45)  # of a sentence: shorter ones say nothing
SAYS = (
    "We want to {it} but get an error.",
    "Our script cannot {it}.",
    "How do I {it}?",
    "I tried to {it} and nothing happened.",
    "Since the last update we are unable to {it}.",
    "Is there a way to {it}?",
    "Somebody in my team has to {it}.",
    "It took an hour to {it}.",
    "Please tell me who may {it}.",
    "The console does not let me {it}.",
)
VERBS = (
    "Creates Deletes Describes Lists Gets Updates Returns Adds Removes Modifies Starts Stops Retrieves Sets Puts "
    "Enables Disables Registers Deregisters Associates Disassociates Sends Cancels Restores Provides Changes "
    "Applies Copies Attaches Detaches Tags Untags Publishes Invokes Creates Displays Generates Initiates Allows "
    "Imports Exports Rejects Accepts Deploys Configures Validates Replaces Specifies Resets Verifies Writes Reads "
    "Searches Grants Revokes Terminates Launches Submits Schedules Subscribes Unsubscribes Encrypts Decrypts "
    "Tests Signs Moves Purchases Promotes Reboots Resumes Suspends Rotates Synchronizes Uploads Downloads "
    "Determines Retries Runs Confirms Authorizes"
).split()
BASE = {"Describes": "describe", "Applies": "apply", "Retries": "retry", "Verifies": "verify", "Modifies": "modify"}
BASE |= {"Specifies": "specify", "Searches": "search", "Publishes": "publish", "Copies": "copy", "Attaches": "attach"}
BASE |= {"Detaches": "detach", "Launches": "launch"}


def plain(documentation: str) -> str:
    """Documentation without markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", documentation))).strip()


def first_sentence(text: str) -> str:
    """The first sentence that says something, without its full stop."""
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", text):
        sentence = sentence.strip().rstrip(".:")
        notice = re.match(
            r"(?i)(note|important|this (api|operation|action) (is|was|has been) dep|end of support)", sentence
        )
        if not notice and WORDS[0] <= len(sentence.split()) <= WORDS[1]:
            return sentence
    return ""


def names(service: str, metadata: dict[str, Any]) -> re.Pattern[str]:
    """What would give the service away."""
    full = [metadata.get(key, "") for key in ("serviceFullName", "serviceAbbreviation", "serviceId", "endpointPrefix")]
    bare = [re.sub(r"^(Amazon|AWS) ", "", each) for each in full]
    known = {each for each in [*full, *bare, service, service.rstrip("v2")] if len(each) > 1}
    known |= {each.split()[-1] for each in bare if each and each.split()[-1][0].isupper() and len(each.split()) > 1}
    found = "|".join(re.escape(each) for each in sorted(known, key=len, reverse=True))
    return re.compile(rf"(?:\b(?:Amazon|AWS) )?\b(?:{found})\b", re.IGNORECASE)


def matter(sentence: str, given_away: re.Pattern[str]) -> str:
    """What the customer wants to do: "create a bucket in the region"."""
    bare = re.sub(r"\s+", " ", given_away.sub("", sentence)).strip()
    bare = re.sub(r"\b(Amazon|AWS|Amazon Web Services)\b ?", "", bare)
    verb = bare.split()[0] if bare else ""
    if verb in VERBS:
        return BASE.get(verb, verb[:-1].lower()) + bare[len(verb) :]
    return ""


def operations(session: Any, service: str) -> dict[str, str]:
    """Matter by operation, those with a sentence that begins with a verb we know."""
    model = session.get_component("data_loader").load_service_model(service, "service-2")
    hide = names(service, model["metadata"])
    found = {}
    for name, operation in sorted(model["operations"].items()):
        text = matter(first_sentence(plain(operation.get("documentation", ""))), hide)
        if len(text.split()) >= WORDS[0] - 2 and not operation.get("deprecated"):
            found[name] = text
    return found


def catalogue(session: Any) -> dict[str, dict[str, str]]:
    """Matter by service and operation; without what several operations say in the same words."""
    wanted = [*SERVICES, *OTHERS["validation"], *OTHERS["test"]]
    found = {service: operations(session, service) for service in wanted}
    said = Counter(bare(text) for each in found.values() for text in each.values())
    return {
        service: {name: text for name, text in each.items() if said[bare(text)] == 1} for service, each in found.items()
    }


def bare(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))


def deal(found: dict[str, dict[str, str]], draw: np.random.Generator, most: int = MOST) -> list[dict[str, str]]:
    """Every operation to one part: those of a class by shares, those of other services as OTHERS says."""
    dealt = []
    for service in SERVICES:
        kept = [list(found[service])[number] for number in draw.permutation(len(found[service]))[:most]]
        ends = (np.cumsum(list(SHARES.values())) * len(kept)).round().astype(int)
        for part, chosen in zip(SHARES, np.split(np.array(kept), ends[:-1]), strict=True):
            dealt += [_row(service, name, found, part, service) for name in chosen.tolist()]
    for part, services in OTHERS.items():
        for service in services:
            many = min(most, FEW[part])
            kept = [list(found[service])[number] for number in draw.permutation(len(found[service]))[:many]]
            dealt += [_row(service, name, found, part, OTHER) for name in kept]
    return dealt


def _row(service: str, name: str, found: dict[str, dict[str, str]], part: str, label: str) -> dict[str, str]:
    return {"operation": f"{service}:{name}", "part": part, "label": label, "matter": found[service][name]}


def tell(matter: str, people: People) -> tuple[str, list[Span]]:
    """A customer's text about the matter, with invented people around it."""
    said = people.pick(*SAYS).format(it=matter)
    return joined([fill(people.pick(*OPENINGS), people), (said, []), fill(people.pick(*CLOSINGS), people)])


def simulate(seed: int = SEED, most: int = MOST) -> list[dict[str, Any]]:
    """All texts; the same seed and the same botocore give the same."""
    draw = np.random.default_rng(seed)
    sides = {"train": ("known", "seen"), "validation": ("new",), "test": ("new",)}
    people = {
        part: People(np.random.default_rng([seed, number]), each) for number, (part, each) in enumerate(sides.items())
    }
    made = []
    for row in deal(catalogue(botocore.session.get_session()), draw, most):
        matter = row.pop("matter")
        for _ in range(TELLINGS if row["part"] == "train" else 1):
            text, spans = tell(matter, people[row["part"]])
            made.append({"text": text, **row, "spans": [list(each) for each in spans]})
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "work" / "aws")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    made = simulate(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    print(dict(Counter(row["part"] for row in made)), f"{len({row['label'] for row in made})} labels")


if __name__ == "__main__":
    main()
