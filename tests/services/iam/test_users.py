"""Users and their keys."""

from services.iam.asked import ACCOUNT, refused


def test_a_user_has_two_keys_at_most_and_goes_when_they_are_gone(iam):
    user = iam.create_user(UserName="ann", Path="/ml/")["User"]
    assert user["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ml/ann" and user["UserId"].startswith("AIDA")
    first = iam.create_access_key(UserName="ann")["AccessKey"]
    assert first["AccessKeyId"].startswith("AKIA") and len(first["SecretAccessKey"]) == 40
    second = iam.create_access_key(UserName="ann")["AccessKey"]
    assert refused(iam.create_access_key, UserName="ann")[2] == "Cannot exceed quota for AccessKeysPerUser: 2"
    iam.update_access_key(UserName="ann", AccessKeyId=first["AccessKeyId"], Status="Inactive")
    listed = iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]
    assert {key["AccessKeyId"]: key["Status"] for key in listed} == {
        first["AccessKeyId"]: "Inactive",
        second["AccessKeyId"]: "Active",
    }
    assert refused(iam.delete_user, UserName="ann")[1] == "DeleteConflict"
    for key in (first, second):
        iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="ann")
    assert iam.list_users()["Users"] == []


def test_a_key_of_somebody_else_cannot_be_found(iam):
    iam.create_user(UserName="ann")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    assert refused(iam.delete_access_key, UserName="bob", AccessKeyId=key) == (
        404,
        "NoSuchEntity",
        f"The Access Key with id {key} cannot be found.",
    )


def test_a_renamed_user_keeps_id_and_keys(iam):
    user = iam.create_user(UserName="ann")["User"]
    key = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    iam.update_user(UserName="ann", NewUserName="anna", NewPath="/x/")
    renamed = iam.get_user(UserName="anna")["User"]
    assert (renamed["UserId"], renamed["Arn"]) == (user["UserId"], f"arn:aws:iam::{ACCOUNT}:user/x/anna")
    assert iam.list_access_keys(UserName="anna")["AccessKeyMetadata"][0]["AccessKeyId"] == key
    assert iam.list_access_keys(UserName="anna")["AccessKeyMetadata"][0]["UserName"] == "anna"


def test_a_session_of_a_role_has_to_say_which_user_it_means(iam):
    message = "Must specify userName when calling with non-User credentials"
    assert refused(iam.get_user) == (400, "ValidationError", message)
