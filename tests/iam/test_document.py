"""What is a policy and what is not, with IAM's wordings.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html and, for ARNs,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

import json

import pytest
from iam.asking import ROLE, SESSION, document, parse

from skylab.policy import kinds
from skylab.policy.document import Malformed

SYNTAX, LEGACY = "Syntax errors in policy.", "The policy failed legacy parsing"
BAD_JSON = "This policy contains invalid Json"
PREFACED = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


def complaint(text, kind=kinds.identity):
    with pytest.raises(Malformed) as caught:
        kind(parse(text))
    return str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", BAD_JSON),
        ("{", BAD_JSON),
        ('{"Statement": NaN}', BAD_JSON),
        ("[" * 100_000, BAD_JSON),
        ('{"Version": ' + "1" * 5000 + "}", BAD_JSON),
        (document({}) + document({}), BAD_JSON),
        ('{"Statement": [], "Statement": []}', BAD_JSON),
        (document({}).replace('"Effect"', '"Effect": "Deny", "Effect"'), BAD_JSON),
        ("[]", SYNTAX),
        ("null", SYNTAX),
        ("{}", SYNTAX),
        ('{"Version": "2012-10-17"}', SYNTAX),
        (document(), SYNTAX),
        ('{"Statement": ["afd"]}', SYNTAX),
        ('{"Statement": null}', SYNTAX),
        (document({}).replace('"Version"', '"Extra": 1, "Version"'), SYNTAX),
        (document({}).replace('"Version"', '"Id": {}, "Version"'), SYNTAX),
        (document({}, version="2013-10-17"), "The policy must contain a valid version string"),
        (document({}, version=["2012-10-17"]), "The policy must contain a valid version string"),
    ],
)
def test_a_text_that_is_no_policy_is_refused(text, message):
    assert complaint(text) == message


@pytest.mark.parametrize(
    "statement, message",
    [
        ({"Extra": 1}, SYNTAX),
        ({"Sid": []}, SYNTAX),
        ({"Effect": "invalid"}, SYNTAX),
        ({"Effect": ["Allow"]}, SYNTAX),
        ({"Effect": "allow"}, LEGACY),
        ({"Action": {}}, SYNTAX),
        ({"Action": [[]]}, SYNTAX),
        ({"Action": 123}, SYNTAX),
        ({"Action": []}, "Policy statement must contain actions."),
        ({"Action": ""}, PREFACED),
        ({"NotAction": "GetObject"}, PREFACED),
        ({"Action": ["s3:*", "invalid"]}, PREFACED),
        ({"Action": "s3:List:Bucket"}, "Actions/Condition can contain only one colon."),
        ({"Action": "a a:ListBucket"}, "Vendor a a is not valid"),
        ({"Action": ":GetObject"}, "Vendor  is not valid"),
        ({"Action": "s*:GetObject"}, "Vendor s* is not valid"),
        ({"Resource": {"a": "b"}}, SYNTAX),
        ({"Resource": ["arn:aws:s3:::b", {}]}, SYNTAX),
        ({"Resource": []}, "Policy statement must contain resources."),
        ({"Resource": ""}, 'Resource  must be in ARN format or "*".'),
        ({"NotResource": ["*", "adf"]}, 'Resource adf must be in ARN format or "*".'),
        ({"Resource": "a:bsdf"}, 'Partition "bsdf" is not valid for resource "arn:bsdf:*:*:*:*".'),
        ({"Resource": "a:b:c:d:e:f:g:h"}, 'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".'),
        ({"Resource": "aws:s3:::bucket"}, 'Partition "s3" is not valid for resource "arn:s3:::bucket:*".'),
        ({"Resource": "arn:aws"}, "Resource vendor must be fully qualified and cannot contain regexes."),
        ({"Resource": "arn:aws:s*:::b"}, "Resource vendor must be fully qualified and cannot contain regexes."),
        ({"Resource": "arn:aws:s3::bucket"}, LEGACY),
        ({"Resource": "arn:aws::::bucket"}, LEGACY),
        (
            {"Resource": "arn:aws:iam:eu-west-1::user/a"},
            "IAM resource arn:aws:iam:eu-west-1::user/a cannot contain region information.",
        ),
        ({"Principal": "*"}, "Policy document should not specify a principal."),
        ({"NotPrincipal": {"AWS": "*"}}, "Policy document should not specify a principal."),
        ({"Condition": []}, SYNTAX),
        ({"Condition": "a"}, SYNTAX),
        ({"Condition": {"a": "b"}}, SYNTAX),
        ({"Condition": {"x": {"a": "1"}}}, SYNTAX),
        ({"Condition": {"DateGreaterThan": []}}, SYNTAX),
        ({"Condition": {"DateGreaterThan": {"a": {}}}}, SYNTAX),
        ({"Condition": {"DateGreaterThan": {"a": "sdfdsf"}}}, LEGACY),
    ],
)
def test_a_statement_that_is_none_is_refused(statement, message):
    assert complaint(document(statement)) == message


@pytest.mark.parametrize("member", ["Action", "Resource"])
def test_an_element_and_its_not_exclude_each_other(member):
    assert complaint(document({}).replace(f'"{member}"', f'"Not{member}": [], "{member}"')) == SYNTAX


def test_statements_have_their_own_ids():
    assert complaint(document({"Sid": "a"}, {"Sid": "a"})) == "Statement IDs (SID) in a single policy must be unique."
    assert len(parse(document({"Sid": "a"}, {}, {})).statements) == 3


@pytest.mark.parametrize(
    "statement",
    [
        {"Condition": {}},
        {"Condition": {"DateGreaterThan": {}}},
        {"Condition": {"DateGreaterThan": {"a": []}}},
        {"Condition": {"any": {}}},
        {"Action": "iam: asdf safdsf af "},
        {"Action": ["s3.s:ListBucket", "s3-s:ListBucket"]},
        {"Resource": ["arn:aws:fdsasf", "arn:aws:iam:::user/x", "arn:aws:ec2:us-east-1::x"]},
        {"Resource": "arn:aws:s3:::b/${aws:username}/*"},
        {"NotAction": "s3:*", "NotResource": "*"},
    ],
)
def test_what_iam_takes_is_taken(statement):
    assert kinds.identity(parse(document(statement))).statements


@pytest.mark.parametrize(
    "principal, message",
    [
        ([], "Invalid principal in policy."),
        ({}, "Invalid principal in policy."),
        ("me", "Invalid principal in policy."),
        ({"GCP": "*"}, "Invalid principal in policy."),
        ({"AWS": "me"}, 'Invalid principal in policy: "AWS":"me"'),
        ({"AWS": f"{ROLE}*"}, f'Invalid principal in policy: "AWS":"{ROLE}*"'),
        ({"AWS": f"{SESSION}*"}, f'Invalid principal in policy: "AWS":"{SESSION}*"'),
        (
            {"AWS": ["arn:aws:iam::111122223333:user/*x y"]},
            'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*x y"',
        ),
        (
            {"AWS": "arn:aws:iam::111122223333:group/g"},
            'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:group/g"',
        ),
        ({"Service": "cloudtrail"}, 'Invalid principal in policy: "Service":"cloudtrail"'),
        ({"AWS": {}}, SYNTAX),
        ({"AWS": [1]}, SYNTAX),
    ],
)
def test_a_principal_is_one(principal, message):
    assert complaint(document({"Principal": principal}), kinds.resource) == message


@pytest.mark.parametrize(
    "members, message",
    [
        ({}, "Missing required field Principal"),
        ({"Principal": "*", "Resource": "*"}, "Has prohibited field Resource"),
        ({"NotPrincipal": {"AWS": "*"}}, "Has prohibited field NotPrincipal"),
        ({"Principal": "*", "NotPrincipal": "*"}, SYNTAX),
        (
            {"Principal": "*", "Action": ["sts:AssumeRole", "s3:*"]},
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
    ],
)
def test_a_trust_policy_says_who_and_nothing_of_resources(members, message):
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole"} | members
    assert complaint(json.dumps({"Statement": statement}), kinds.trust) == message


def test_a_resources_policy_says_who():
    assert complaint(document({}), kinds.resource) == "Missing required field Principal"
    assert kinds.resource(parse(document({"Principal": "*"})))


def test_white_space_is_not_counted():
    assert kinds.size(' {"a b":\n\t1}') == 8
