"""Kill -9 right after a lifecycle rule was taken, and while it expires objects: it goes on, and takes nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from compute.programs import until
from test_cloud import Server

RULE = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "old/"}}
YESTERDAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)


def listed(s3, prefix):
    return {one["Key"] for one in s3.list_objects_v2(Bucket="box", Prefix=prefix).get("Contents", [])}


@pytest.mark.parametrize("durability", ["kill", pytest.param("power", marks=pytest.mark.slow)])
def test_a_rule_that_was_acknowledged_expires_its_objects_and_no_others_after_kills(tmp_path, durability):
    server = Server(tmp_path / "root", durability)
    server.start()
    try:
        s3 = server.client("s3")
        s3.create_bucket(Bucket="box")
        for n in range(20):
            s3.put_object(Bucket="box", Key=f"old/{n}", Body=b"old")
            s3.put_object(Bucket="box", Key=f"new/{n}", Body=b"new")
        rule = RULE | {"Expiration": {"Date": YESTERDAY}}
        s3.put_bucket_lifecycle_configuration(Bucket="box", LifecycleConfiguration={"Rules": [rule]})

        for _ in range(3):  # whatever of the pass was done by then
            server.kill()
            server.start()
        s3 = server.client("s3")
        until(lambda: not listed(s3, "old/"))
        assert len(listed(s3, "new/")) == 20
        assert s3.get_object(Bucket="box", Key="new/7")["Body"].read() == b"new"

        server.kill()
        server.start()
        s3 = server.client("s3")
        assert not listed(s3, "old/") and len(listed(s3, "new/")) == 20
        assert s3.get_bucket_lifecycle_configuration(Bucket="box")["Rules"][0]["ID"] == "old"
    finally:
        server.kill()
