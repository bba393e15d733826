"""Takes the Spot instances of a training job back, to see what becomes of it: `skylab interrupt JOB`."""

from skylab.kernel.key import Key
from skylab.kernel.store import Missing, Store
from skylab.root import Refused, Root
from skylab.services.sagemaker.training import spot
from skylab.wire.errors import AwsError


def interrupt(root: Root, job: str, away: float) -> str:
    """Leaves the note in the cloud's own store, which only its user may write. Raises Refused."""
    root.running()
    own = root.credentials()
    store = Store(root.path / "state.db")
    try:
        spot.interrupt(store, Key(own.account, own.region, "sagemaker", "training-job", job), away)
    except Missing:
        raise Refused(f"There is no training job {job} in {own.region}: see `skylab status`.") from None
    except AwsError as error:
        raise Refused(error.message) from None
    finally:
        store.close()
    again = f"{away:g} s after" if away else "as soon as"
    return f"{job} is interrupted: it starts anew {again} its programs have ended, from its last checkpoint."
