"""The model registry: model package groups, their versions, model cards."""

from skylab.services.sagemaker.registry.cards import ModelCards
from skylab.services.sagemaker.registry.exports import ModelCardExportJobs
from skylab.services.sagemaker.registry.groups import ModelPackageGroups
from skylab.services.sagemaker.registry.packages import ModelPackages
from skylab.services.sagemaker.registry.policies import GroupPolicies

RESOURCES = [ModelPackageGroups, GroupPolicies, ModelPackages, ModelCards, ModelCardExportJobs]
