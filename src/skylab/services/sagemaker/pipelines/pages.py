"""One page of what pipelines list, by the time that it was made where it has one."""

from collections.abc import Iterable
from typing import Any

from skylab.services.sagemaker import pages


def page(
    docs: Iterable[dict[str, Any]], request: Any, result: str, column: str, name: str, order: str = "Descending"
) -> dict[str, Any]:
    """column: what is sorted by; name: what tells equals apart. Raises AwsError for a token that is none."""
    wanted = (
        doc
        for doc in docs
        if "CreationTime" not in doc or pages.between(request, "CreatedAfter", "CreatedBefore", doc["CreationTime"])
    )
    return pages.page(wanted, request, result, lambda doc: (pages.value(doc[column]), doc[name]), order)
