"""IAM: users and their keys, roles and their trust, policies and what they are attached to.

Documents hold policies as the text that was given; answers carry them percent-encoded, as AWS's do.
"""

from skylab.kernel.store import Exists, Missing
from skylab.services.iam.attachments import Attachments
from skylab.services.iam.inline import Inline
from skylab.services.iam.keys import AccessKeys
from skylab.services.iam.names import already, missing
from skylab.services.iam.policies import Policies
from skylab.services.iam.roles import Roles
from skylab.services.iam.tags import Tags
from skylab.services.iam.users import Users
from skylab.services.iam.versions import Versions

NAME = "iam"
RESOURCES = [Users, AccessKeys, Roles, Policies, Versions, Inline, Attachments, Tags]
ERRORS = {Missing: missing, Exists: already}
INVALID = "ValidationError"
