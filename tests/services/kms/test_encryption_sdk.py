"""The AWS Encryption SDK, as users have it: https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/python.html"""

import aws_encryption_sdk
import botocore.session
import pytest
from aws_encryption_sdk.exceptions import DecryptKeyError, MasterKeyProviderError
from aws_encryption_sdk.identifiers import CommitmentPolicy
from aws_encryption_sdk.key_providers.kms import (
    DiscoveryAwsKmsMasterKeyProvider,
    DiscoveryFilter,
    StrictAwsKmsMasterKeyProvider,
)

SOURCE = b"what is to be kept " * 10_000
CONTEXT = {"purpose": "test", "tenant": "ä"}


@pytest.fixture
def session(cloud):
    """A session whose clients' bytes go to the cloud."""
    key, session = cloud.account.credentials(), botocore.session.Session()
    session.set_credentials(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
    session.set_config_variable("region", key["Region"])
    session.register("before-send", cloud.transport.send)
    return session


@pytest.fixture
def sdk():
    return aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT, max_encrypted_data_keys=3
    )


def strict(session, *keys):
    return StrictAwsKmsMasterKeyProvider(key_ids=[key["Arn"] for key in keys], botocore_session=session)


def test_a_message_comes_back_with_its_context(sdk, session, key):
    sealed, made = sdk.encrypt(source=SOURCE, encryption_context=CONTEXT, key_provider=strict(session, key))
    opened, read = sdk.decrypt(source=sealed, key_provider=strict(session, key))

    assert opened == SOURCE and SOURCE[:19] not in sealed
    assert CONTEXT.items() <= read.encryption_context.items()
    (data_key,) = made.encrypted_data_keys
    assert data_key.key_provider.key_info.decode() == key["Arn"]


def test_each_of_several_keys_opens_it_alone(sdk, kms, session, key):
    keys = [key, *(kms.create_key()["KeyMetadata"] for _ in range(2))]
    sealed, made = sdk.encrypt(source=SOURCE, key_provider=strict(session, *keys))

    assert len(made.encrypted_data_keys) == 3
    for one in keys:
        assert sdk.decrypt(source=sealed, key_provider=strict(session, one))[0] == SOURCE
    kms.disable_key(KeyId=keys[0]["KeyId"])
    assert sdk.decrypt(source=sealed, key_provider=strict(session, *keys))[0] == SOURCE


def test_a_key_that_did_not_seal_it_does_not_open_it(sdk, kms, session, key):
    sealed, _ = sdk.encrypt(source=SOURCE, key_provider=strict(session, key))
    other = kms.create_key()["KeyMetadata"]

    with pytest.raises((DecryptKeyError, MasterKeyProviderError)):
        sdk.decrypt(source=sealed, key_provider=strict(session, other))


def test_discovery_finds_the_key_by_the_message(sdk, session, key):
    sealed, _ = sdk.encrypt(source=SOURCE, key_provider=strict(session, key))
    ours = DiscoveryFilter(account_ids=["000000000000"], partition="aws")
    others = DiscoveryFilter(account_ids=["111111111111"], partition="aws")
    by = {"botocore_session": session}

    assert sdk.decrypt(source=sealed, key_provider=DiscoveryAwsKmsMasterKeyProvider(discovery_filter=ours, **by))
    with pytest.raises((DecryptKeyError, MasterKeyProviderError)):
        sdk.decrypt(source=sealed, key_provider=DiscoveryAwsKmsMasterKeyProvider(discovery_filter=others, **by))


def test_a_message_whose_context_was_changed_is_refused_by_kms(sdk, session, key):
    """The context stands in the message's header: KMS authenticates it before the SDK can look at anything else."""
    sealed, _ = sdk.encrypt(source=SOURCE, encryption_context=CONTEXT, key_provider=strict(session, key))
    assert sealed.count(b"purpose") == 1

    with pytest.raises(DecryptKeyError):
        sdk.decrypt(source=sealed.replace(b"purpose", b"Purpose"), key_provider=strict(session, key))


def test_a_message_outlives_rotation_and_not_a_disabled_key(sdk, kms, session, key):
    sealed, _ = sdk.encrypt(source=SOURCE, key_provider=strict(session, key))
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    assert sdk.decrypt(source=sealed, key_provider=strict(session, key))[0] == SOURCE

    kms.disable_key(KeyId=key["KeyId"])
    with pytest.raises(DecryptKeyError):
        sdk.decrypt(source=sealed, key_provider=strict(session, key))
