"""SageMaker SDK v2: a script on scikit-learn's image, on two instances; a folder of code on PyTorch's."""

import tempfile
from pathlib import Path

import sagemaker
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.pytorch.processing import PyTorchProcessor
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn.processing import SKLearnProcessor

CODE = Path(__file__).with_name("processed")

session = sagemaker.Session()
role = sagemaker.get_execution_role(session)
with tempfile.TemporaryDirectory() as folder:
    for number in range(4):
        Path(folder, f"{number}.csv").write_text("value\n" + "\n".join(str(n) for n in range(10 * number)))
    data = session.upload_data(folder, key_prefix="sdk2/process")


def rows(processor, **run):
    """Run the script, and count the rows that it kept."""
    inputs = [ProcessingInput(data, "/opt/ml/processing/input/data", s3_data_distribution_type="ShardedByS3Key")]
    outputs = [ProcessingOutput(output_name="kept", source="/opt/ml/processing/output")]
    processor.run(inputs=inputs, outputs=outputs, arguments=["--least", "5"], **run)
    made = processor.jobs[-1].outputs[0].destination
    with tempfile.TemporaryDirectory() as folder:
        S3Downloader.download(made, folder, sagemaker_session=session)
        files = sorted(Path(folder).iterdir())
        return f"{len(files)} files, {sum(len(file.read_text().split()) - 1 for file in files)} rows"


sizes = {"instance_type": "ml.m5.large", "role": role, "sagemaker_session": session}
scripted = SKLearnProcessor("1.2-1", instance_count=2, **sizes)
print(f"sklearn={rows(scripted, code=str(CODE / 'clean.py'))}")
framed = PyTorchProcessor(framework_version="2.1", py_version="py310", instance_count=1, **sizes)
print(f"pytorch={rows(framed, code='clean.py', source_dir=str(CODE))}")
