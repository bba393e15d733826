"""SageMaker SDK v3: ScriptProcessor on two instances, and FrameworkProcessor with a folder of code and requirements."""

import logging
import tempfile
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

CODE = Path(__file__).with_name("processed")

logging.basicConfig(level=logging.INFO)  # the SDK leaves what is seen of it, a job's log too, to the program
session = Session()
role = get_execution_role()
image = image_uris.retrieve("sklearn", session.boto_region_name, version="1.4-2")
with tempfile.TemporaryDirectory() as folder:
    for number in range(4):
        Path(folder, f"{number}.csv").write_text("value\n" + "\n".join(str(n) for n in range(10 * number)))
    data = session.upload_data(folder, key_prefix="sdk3/process")


def rows(processor, name, **run):
    """Run the script, and count the rows that it kept."""
    made = f"s3://{session.default_bucket()}/sdk3/{name}"
    source = ProcessingS3Input(
        s3_uri=data,
        local_path="/opt/ml/processing/input/data",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
        s3_data_distribution_type="ShardedByS3Key",
    )
    target = ProcessingS3Output(s3_uri=made, local_path="/opt/ml/processing/output", s3_upload_mode="Continuous")
    processor.run(
        inputs=[ProcessingInput(input_name="data", s3_input=source)],
        outputs=[ProcessingOutput(output_name="kept", s3_output=target)],
        arguments=["--least", "5"],
        **run,
    )
    with tempfile.TemporaryDirectory() as folder:
        S3Downloader.download(made, folder, sagemaker_session=session)
        files = sorted(Path(folder).iterdir())
        return f"{len(files)} files, {sum(len(file.read_text().split()) - 1 for file in files)} rows"


sizes = {"image_uri": image, "instance_type": "ml.m5.large", "role": role, "sagemaker_session": session}
scripted = ScriptProcessor(command=["python3"], instance_count=2, **sizes)
print(f"script={rows(scripted, 'script', code=str(CODE / 'clean.py'))}")
framed = FrameworkProcessor(instance_count=1, **sizes)
print(f"framework={rows(framed, 'framework', code='clean.py', source_dir=str(CODE))}")
