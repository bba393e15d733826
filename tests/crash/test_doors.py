"""Kill -9 right after a bucket's doors were shut or opened: what was answered is in force at the next start."""

import json

import pytest
from botocore.exceptions import ClientError
from test_cloud import Server

OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"}
SHUT = OPEN | {"Effect": "Deny", "Action": "s3:PutObject"}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize("durability", ["kill", "power"])
def test_a_policy_and_a_block_that_were_acknowledged_are_in_force_after_a_kill(tmp_path, durability):
    server = Server(tmp_path / "root", durability)

    def killed():
        server.kill()
        server.start()
        return server.client("s3")

    server.start()
    try:
        s3 = server.client("s3")
        s3.create_bucket(Bucket="box")
        s3.put_bucket_policy(Bucket="box", Policy=policy(SHUT))

        s3 = killed()
        with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
            s3.put_object(Bucket="box", Key="k", Body=b"")
        with pytest.raises(ClientError, match="BlockPublicPolicy"):
            s3.put_bucket_policy(Bucket="box", Policy=policy(OPEN))
        s3.delete_public_access_block(Bucket="box")

        s3 = killed()
        s3.put_bucket_policy(Bucket="box", Policy=policy(OPEN))
        s3.put_public_access_block(Bucket="box", PublicAccessBlockConfiguration={"BlockPublicPolicy": True})

        s3 = killed()
        assert s3.get_bucket_policy_status(Bucket="box")["PolicyStatus"]["IsPublic"]
        s3.put_object(Bucket="box", Key="k", Body=b"")
        with pytest.raises(ClientError, match="BlockPublicPolicy"):
            s3.put_bucket_policy(Bucket="box", Policy=policy(OPEN))
    finally:
        server.kill()
