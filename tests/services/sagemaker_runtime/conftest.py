import pytest
from endpoint_steps import Hosting, until


@pytest.fixture
def hosting(real_cloud):
    """Endpoints of one real cloud, all deleted in the end: their processes would outlive it."""
    hosting = Hosting(real_cloud)
    yield hosting
    for endpoint in hosting.sagemaker.list_endpoints()["Endpoints"]:
        if hosting.settled(endpoint["EndpointName"])["EndpointStatus"] != "Deleting":
            hosting.sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])
    until(lambda: not hosting.sagemaker.list_endpoints()["Endpoints"])
