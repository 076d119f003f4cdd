"""Settings: what works, and what stops the start with a sentence."""

from pathlib import Path

import pytest

from zodra_edge.errors import SettingsFault, Unclaimed
from zodra_edge.service.credentials import secret_files
from zodra_edge.settings import DEVICES_MAX, load

GOOD = """
gateway_id = "gw-1"
household_id = "hh-1"
data_dir = "data"

[cloud]
host = "127.0.0.1"
port = 18830
username = "gw-1"
password_file = "cloud.password"
tls = false
ca_file = ""

[home_mqtt]
host = "127.0.0.1"
password_file = "home.password"

[radio]
backend = "zodra_sim.radio.backend:create"
options = { air = "127.0.0.1:6402", address = "F0:F1:F2:F3:F4:F5" }
scanning_mode = "active"

[[devices]]
device_id = "btn-kitchen"
family = "button"
slot_key = "button-1"
address = "a4:c1:38:00:00:01"
bind_key_file = "key"

[[devices]]
device_id = "trv-living"
family = "thermostat"
slot_key = "filter"
topic = "zigbee2mqtt/trv-living"
service_due_h = 1500
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cloud.password").write_text("open sesame\n")
    (tmp_path / "home.password").write_text("abracadabra")
    (tmp_path / "key").write_text("00112233445566778899aabbccddeeff\n")
    return tmp_path


def read(folder: Path, text: str) -> object:
    (folder / "gateway.toml").write_text(text)
    return load(folder / "gateway.toml")


def test_a_whole_file_is_read_with_its_secrets(folder: Path) -> None:
    (folder / "gateway.toml").write_text(GOOD)
    settings = load(folder / "gateway.toml")
    button, thermostat = settings.profiles()
    assert settings.data_dir == folder / "data"
    assert settings.cloud.password is not None
    assert settings.cloud.password.get_secret_value() == "open sesame"
    assert (button.address, button.bind_key) == (
        "A4:C1:38:00:00:01",
        bytes.fromhex("00112233445566778899aabbccddeeff"),
    )
    assert thermostat.limits.service_due_h == 1500


def test_no_secret_is_ever_printed(folder: Path) -> None:
    settings = read(folder, GOOD)
    for secret in ("open sesame", "abracadabra", "001122", "\\x00\\x11"):
        assert secret not in repr(settings)


BAD = [
    ('gateway_id = "gw-1"', 'gateway_id = "gw.1"', "gateway_id"),
    ("port = 18830", "port = 70000", "cloud.port"),
    ("port = 18830", "port = 18830\nprot = 1", "cloud.prot"),
    ('password_file = "cloud.password"', 'password = "inline"', "password_file"),
    ('password_file = "cloud.password"', 'password_file = "nowhere"', "cloud.password_file"),
    ('family = "button"', 'family = "toaster"', "devices.0.family"),
    ('bind_key_file = "key"', 'bind_key_file = "cloud.password"', "32 hexadecimal digits"),
    ('address = "a4:c1:38:00:00:01"', "", "needs an address"),
    ('topic = "zigbee2mqtt/trv-living"', "", "needs a topic"),
    ('topic = "zigbee2mqtt/trv-living"', 'topic = "zigbee2mqtt/#"', "may have wildcards"),
    ('device_id = "trv-living"', 'device_id = "btn-kitchen"', "used twice"),
    ('[home_mqtt]\nhost = "127.0.0.1"\npassword_file = "home.password"', "", "[home_mqtt]"),
    ("[cloud]", "[cloud", "is not TOML"),
    ('scanning_mode = "active"', 'scanning_mode = "hard"', "radio.scanning_mode"),
    ("service_due_h = 1500", 'adapter = "hci0"', "no address to be heard by"),
    ('bind_key_file = "key"', 'adapter = "hci9"', "none of [[radio.adapters]]"),
    ("service_due_h = 1500", "service_due_h = 0", "service_due_h"),
    ("service_due_h = 1500", "pack_units = 5\nreorder_units = 5", "reorder_units"),
]


@pytest.mark.parametrize(("good", "bad", "named"), BAD, ids=[case[2] for case in BAD])
def test_a_bad_value_is_named(folder: Path, good: str, bad: str, named: str) -> None:
    with pytest.raises(SettingsFault) as raised:
        read(folder, GOOD.replace(good, bad, 1))
    assert named in str(raised.value)
    assert "\n" not in str(raised.value).strip()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match=r"cannot read .*gateway\.toml"):
        load(tmp_path / "gateway.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[metrics]", "give either a port or a socket"),
        ('[metrics]\nport = 9464\nsocket = "m"', "give either a port or a socket"),
        ("[metrics]\nport = 0", "metrics.port"),
        ("[network_time]\nport = 123", "network_time.host"),
    ],
)
def test_the_page_of_figures_has_one_place(folder: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsFault, match=said):
        read(folder, GOOD + text)


def test_secrets_and_sockets_are_named_from_the_folder_of_the_settings(folder: Path) -> None:
    (folder / "gateway.toml").write_text(GOOD + '[metrics]\nsocket = "m.sock"')
    settings = load(folder / "gateway.toml")
    assert settings.metrics is not None
    assert settings.metrics.socket == folder / "m.sock"
    named = [path.name for path in secret_files(folder / "gateway.toml")]
    assert named == ["cloud.password", "home.password", "key"]
    (folder / "gateway.toml").write_text("no TOML [")
    assert secret_files(folder / "gateway.toml") == ()


def test_a_credential_is_taken_from_systemd_or_from_the_folder_it_takes_it_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD.replace('password_file = "cloud.password"', 'password_credential = "cloud"')
    text = text.replace('bind_key_file = "key"', 'bind_key_credential = "button"')
    beside, handed = folder / "credentials", folder / "handed"
    for place, password in ((beside, "beside"), (handed, "handed")):
        place.mkdir()
        (place / f"{'zodra_' * (place == handed)}cloud").write_text(password)
        (place / "button").write_text("00112233445566778899aabbccddeeff")
    (folder / "gateway.toml").write_text(text)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert said(folder) == "beside"
    assert beside / "button" in secret_files(folder / "gateway.toml")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    assert said(folder) == "handed"
    assert load(folder / "gateway.toml").profiles()[0].bind_key is not None
    # A folder into which this account may not look is not its own.
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / ("x" * 300)))
    assert said(folder) == "beside"


def said(folder: Path) -> str:
    password = load(folder / "gateway.toml").cloud.password
    return password.get_secret_value() if password else ""


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('password_credential = "../key"', "cloud.password_credential: expected the name of"),
        ('password_credential = ["a"]', "cloud.password_credential: expected the name of"),
        ('password_credential = "nowhere"', "cloud.password_credential: cannot read"),
        ('password_file = "key"\npassword_credential = "key"', "give either"),
    ],
)
def test_a_credential_that_cannot_be_used_is_named(folder: Path, line: str, named: str) -> None:
    with pytest.raises(SettingsFault, match=named):
        read(folder, GOOD.replace('password_file = "cloud.password"', line))


def test_settings_that_name_no_gateway_are_those_of_one_that_is_not_claimed(folder: Path) -> None:
    with pytest.raises(Unclaimed, match=r"not claimed yet: write .* into .*gateway\.toml"):
        read(folder, 'data_dir = "/var/lib/zodra"')
    with pytest.raises(SettingsFault, match="household_id"):
        read(folder, GOOD.replace('household_id = "hh-1"', ""))


def test_as_many_devices_as_there_may_be_and_not_one_more(folder: Path) -> None:
    def home(number: int) -> str:
        return GOOD + "".join(
            f'[[devices]]\ndevice_id = "sensor-{each}"\nfamily = "sensor"\nslot_key = "s"\n'
            f'address = "A4:C1:39:00:{each // 256:02X}:{each % 256:02X}"\n'
            for each in range(number - 2)
        )

    assert DEVICES_MAX >= 300
    (folder / "gateway.toml").write_text(home(DEVICES_MAX))
    assert len(load(folder / "gateway.toml").profiles()) == DEVICES_MAX
    with pytest.raises(SettingsFault, match=f"devices.*at most {DEVICES_MAX}"):
        read(folder, home(DEVICES_MAX + 1))
