"""IAM: users, groups and roles, what they may do by policies, and what they prove themselves with.

Documents hold policies as the text that was given; answers carry them percent-encoded, as AWS's do.
"""

from pathlib import Path
from typing import Any

from skylab.kernel.clock import Clock
from skylab.kernel.store import Exists, Missing
from skylab.kernel.vault import Vault
from skylab.services.iam.account import AccountWide
from skylab.services.iam.attachments import Attachments
from skylab.services.iam.boundary import Boundaries
from skylab.services.iam.details import Details
from skylab.services.iam.devices import Devices
from skylab.services.iam.groups import Groups
from skylab.services.iam.inline import Inline
from skylab.services.iam.keys import AccessKeys
from skylab.services.iam.linked import LinkedRoles
from skylab.services.iam.logins import Logins
from skylab.services.iam.names import already, missing
from skylab.services.iam.oidc import Providers
from skylab.services.iam.policies import Policies
from skylab.services.iam.profiles import Profiles
from skylab.services.iam.roles import Roles
from skylab.services.iam.simulation import Simulations
from skylab.services.iam.tags import Tags
from skylab.services.iam.users import Users
from skylab.services.iam.versions import Versions
from skylab.settings import Settings

NAME = "iam"
RESOURCES = [
    Users,
    Groups,
    AccessKeys,
    Devices,
    Logins,
    Roles,
    LinkedRoles,
    Profiles,
    Providers,
    Policies,
    Versions,
    Inline,
    Attachments,
    Boundaries,
    Tags,
    AccountWide,
    Details,
    Simulations,
]
ERRORS = {Missing: missing, Exists: already}
INVALID = "ValidationError"


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    """The vault seals what virtual MFA devices make their codes from."""
    return {"vault": Vault.open(root, settings)}
