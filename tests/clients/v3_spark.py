"""SageMaker SDK v3: PySparkProcessor with a configuration and event logs."""

import logging
import tempfile
from pathlib import Path

from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.spark.processing import PySparkProcessor

logging.basicConfig(level=logging.INFO)
session = Session()
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "text.txt").write_text("to be or not to be\n")
    data = session.upload_data(folder, key_prefix="sdk3/words")
base = f"s3://{session.default_bucket()}/sdk3"

processor = PySparkProcessor(
    framework_version="3.5",
    role=get_execution_role(),
    instance_type="ml.m5.xlarge",
    instance_count=1,
    sagemaker_session=session,
)
source = ProcessingS3Input(
    s3_uri=data, local_path="/opt/ml/processing/input/data", s3_data_type="S3Prefix", s3_input_mode="File"
)
target = ProcessingS3Output(s3_uri=f"{base}/counted", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob")
processor.run(
    submit_app=str(Path(__file__).with_name("processed") / "words.py"),
    inputs=[ProcessingInput(input_name="data", s3_input=source)],
    outputs=[ProcessingOutput(output_name="counts", s3_output=target)],
    configuration=[{"Classification": "spark-defaults", "Properties": {"spark.sql.shuffle.partitions": "3"}}],
    spark_event_logs_s3_uri=f"{base}/events",
)
counted = S3Downloader.read_file(f"{base}/counted/counts.csv", sagemaker_session=session)
events = S3Downloader.list(f"{base}/events", sagemaker_session=session)
print(f"counted={' '.join(counted.split())} events={len(events)}")
