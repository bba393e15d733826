"""Which events a trail selects, as tables.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html
"""

import pytest

from skylab.services.cloudtrail.selection import Facts, any_data, selects

READ = Facts(False, "iam.amazonaws.com", "ListUsers", True)
WRITE = Facts(False, "kms.amazonaws.com", "CreateKey", False)
OBJECT = Facts(True, "s3.amazonaws.com", "GetObject", True, "AWS::S3::Object", "arn:aws:s3:::box/a/b")
FUNCTION = Facts(
    True, "lambda.amazonaws.com", "Invoke", False, "AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:f2"
)


def basic(*values, type="AWS::S3::Object", **more):
    return {"EventSelectors": [{"DataResources": [{"Type": type, "Values": list(values)}] if values else []} | more]}


def advanced(**fields):
    """eventCategory="Data" is Equals; resources_ARN=("StartsWith", "x") any other operator."""
    made = []
    for field, given in fields.items():
        operator, *values = given if isinstance(given, tuple) else ("Equals", given)
        made.append({"Field": field.replace("__", "."), operator: values})
    return {"AdvancedEventSelectors": [{"FieldSelectors": made}]}


S3 = {"eventCategory": "Data", "resources__type": "AWS::S3::Object"}


@pytest.mark.parametrize(
    "trail, facts, selected",
    [
        ({}, READ, True),
        ({}, OBJECT, False),
        (basic(ReadWriteType="WriteOnly"), READ, False),
        (basic(ReadWriteType="WriteOnly"), WRITE, True),
        (basic(ReadWriteType="ReadOnly"), WRITE, False),
        (basic(IncludeManagementEvents=False), WRITE, False),
        (basic(ExcludeManagementEventSources=["kms.amazonaws.com"]), WRITE, False),
        (basic(ExcludeManagementEventSources=["kms.amazonaws.com"]), READ, True),
        (basic("arn:aws:s3"), OBJECT, True),
        (basic("arn:aws:s3:::"), OBJECT, True),
        (basic("arn:aws:s3:::box/"), OBJECT, True),
        (basic("arn:aws:s3:::box/a/"), OBJECT, True),
        (basic("arn:aws:s3:::box/b"), OBJECT, False),
        (basic("arn:aws:s3:::other/"), OBJECT, False),
        (basic("arn:aws:s3:::box/", ReadWriteType="WriteOnly"), OBJECT, False),
        (basic("arn:aws:lambda", type="AWS::Lambda::Function"), FUNCTION, True),
        (basic("arn:aws:lambda:us-east-1:1:function:f", type="AWS::Lambda::Function"), FUNCTION, False),
        (basic("arn:aws:lambda:us-east-1:1:function:f2", type="AWS::Lambda::Function"), FUNCTION, True),
        (advanced(eventCategory="Management"), READ, True),
        (advanced(eventCategory="Management"), OBJECT, False),
        (advanced(eventCategory="Management", readOnly="false"), READ, False),
        (advanced(eventCategory="Management", eventSource=("NotEquals", "kms.amazonaws.com")), WRITE, False),
        (advanced(**S3), OBJECT, True),
        (advanced(**S3, resources__ARN=("StartsWith", "arn:aws:s3:::box/")), OBJECT, True),
        (advanced(**S3, resources__ARN=("NotStartsWith", "arn:aws:s3:::x/", "arn:aws:s3:::box/")), OBJECT, False),
        (advanced(**S3, resources__ARN=("EndsWith", "/b")), OBJECT, True),
        (advanced(**S3, resources__ARN=("NotEndsWith", "/b")), OBJECT, False),
        (advanced(**S3, eventName=("Equals", "PutObject", "GetObject")), OBJECT, True),
        (advanced(**S3, eventName=("NotEquals", "GetObject")), OBJECT, False),
        (advanced(eventCategory="Data", resources__type="AWS::SageMaker::Endpoint"), OBJECT, False),
        (advanced(**S3, userIdentity__arn=("StartsWith", "arn:aws:iam")), OBJECT, False),
    ],
)
def test_a_trail_selects(trail, facts, selected):
    assert selects(trail, facts) is selected


def test_only_a_trail_with_data_resources_makes_data_calls_cost_anything():
    assert not any_data({}) and not any_data(basic()) and not any_data(advanced(eventCategory="Management"))
    assert any_data(basic("arn:aws:s3")) and any_data(advanced(**S3))
