import pytest

from skylab.settings import BadSetting, Settings


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("PORT", "abc", "a whole number"),
        ("PORT", "99999", "a whole number, 0 to 65534"),
        ("DESCRIBE_HOLD_SECONDS", "-1", "a number, 0 or more"),
        ("DESCRIBE_HOLD_SECONDS", "nan", "a number, 0 or more"),
        ("MAX_BODY_BYTES", "1.5", "a whole number"),
        ("FALLBACK", "perhaps", "true or false"),
        ("DURABILITY", "most", "kill or power"),
        ("SANDBOX", "Off", "auto or off"),
        ("ACCOUNT", "12", "twelve digits"),
        ("REGION", "here", "a region's name, as us-east-1"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_write(name, text, wanted):
    with pytest.raises(BadSetting) as refused:
        Settings.read({f"SKYLAB_{name}": text})
    assert str(refused.value) == f"SKYLAB_{name} is {text!r}: write {wanted}."


def test_the_environment_is_read_and_what_is_given_goes_before_it():
    environ = {
        "SKYLAB_PORT": "1",
        "SKYLAB_DURABILITY": "power",
        "SKYLAB_REGION": "us-gov-west-1",
        "SKYLAB_FALLBACK": "no",
    }

    settings = Settings.read(environ, port=2, account=None)

    assert (settings.port, settings.durability, settings.region, settings.fallback) == (
        2,
        "power",
        "us-gov-west-1",
        False,
    )


def test_a_passphrase_may_be_any_text():
    assert Settings.read({"SKYLAB_ROOT_KEY_PASSPHRASE": "two\nlines"}).root_key_passphrase == "two\nlines"
