"""Takes the Spot instances of a training job back, as AWS does when it needs them: the user says when, here.

AWS has no operation for it. The note is left where the job's work finds it, so whoever may write the cloud's folder may
leave one, also beside a running server. See work.py for what follows.
"""

from skylab.kernel.key import Key
from skylab.kernel.store import Store
from skylab.wire.errors import invalid


def interrupt(store: Store, job: Key, away: float = 0.0) -> None:
    """away: seconds until there is capacity again. Raises Missing, and AwsError for a job that does not run on Spot."""
    with store.writing() as tx:
        doc = tx.get(job)
        if not doc["EnableManagedSpotTraining"]:
            raise invalid(f"The training job {job.name} does not use managed spot training.")
        if doc["SecondaryStatus"] != "Training":
            raise invalid(f"The training job {job.name} is not training now: its status is {doc['SecondaryStatus']}.")
        for task in tx.tasks(target=job):
            tx.move(task.id, task.state, away=away)
