"""Clients of callers who are known, and those of callers who are not."""


def client_of(cloud, service, key, **config):
    if service == "s3":
        config.setdefault("s3", {"addressing_style": "path"})
    given = key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken")
    return cloud.transport.client(service, cloud.settings.region, *given, **config)


def administrator(cloud):
    return cloud.account.credentials()
