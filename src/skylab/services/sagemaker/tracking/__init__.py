"""What is known of how things came to be: experiments, trials and their components, lineage, search.

jobs.py and automatic.py have what other families call when a job, a package or an endpoint is made and changed.
"""

from skylab.services.sagemaker.tracking.actions import Actions, Contexts
from skylab.services.sagemaker.tracking.artifacts import Artifacts
from skylab.services.sagemaker.tracking.associations import Associations
from skylab.services.sagemaker.tracking.components import TrialComponents
from skylab.services.sagemaker.tracking.deployments import Deployment
from skylab.services.sagemaker.tracking.experiments import Experiments
from skylab.services.sagemaker.tracking.groups import LineageGroups
from skylab.services.sagemaker.tracking.query import Lineage
from skylab.services.sagemaker.tracking.search import Searches
from skylab.services.sagemaker.tracking.trials import Trials

WORK = {"deployment": Deployment}
RESOURCES = [
    Experiments,
    Trials,
    TrialComponents,
    Artifacts,
    Actions,
    Contexts,
    Associations,
    LineageGroups,
    Lineage,
    Searches,
]
