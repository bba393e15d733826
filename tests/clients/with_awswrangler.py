"""awswrangler: data frames to and from a bucket, in parts and in partitions."""

import awswrangler as wr
import boto3
import pandas as pd

boto3.client("s3").create_bucket(Bucket="wrangled")
frame = pd.DataFrame(
    {
        "name": [f"row {n}" for n in range(5000)],
        "value": [n / 7 for n in range(5000)],
        "day": ["mon", "tue", "wed", "thu", "fri"] * 1000,
    }
)
wr.s3.to_parquet(frame, "s3://wrangled/set/", dataset=True, partition_cols=["day"])
names = wr.s3.list_objects("s3://wrangled/set/")
assert len(names) == 5 and all("/day=" in name for name in names), names
back = wr.s3.read_parquet("s3://wrangled/set/", dataset=True)
assert sorted(back["name"]) == sorted(frame["name"])
tuesday = wr.s3.read_parquet("s3://wrangled/set/", dataset=True, partition_filter=lambda part: part["day"] == "tue")
assert len(tuesday) == 1000

wr.s3.to_csv(frame, "s3://wrangled/one.csv", index=False)
pd.testing.assert_frame_equal(wr.s3.read_csv("s3://wrangled/one.csv"), frame)
pieces = list(wr.s3.read_csv("s3://wrangled/one.csv", chunksize=2000))
assert [len(piece) for piece in pieces] == [2000, 2000, 1000]
wr.s3.to_json(frame.head(10), "s3://wrangled/lines.json", orient="records", lines=True)
assert len(wr.s3.read_json("s3://wrangled/lines.json", lines=True)) == 10
wr.s3.copy_objects(["s3://wrangled/one.csv"], "s3://wrangled/", "s3://wrangled/copied/")
assert wr.s3.does_object_exist("s3://wrangled/copied/one.csv")
wr.s3.delete_objects("s3://wrangled/")
print("left=", wr.s3.list_objects("s3://wrangled/"))
