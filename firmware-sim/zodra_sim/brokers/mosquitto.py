"""mosquitto: its configuration, and the program with which it is started."""

import os
import pwd
import subprocess
from pathlib import Path

from zodra_sim.brokers.access import Role
from zodra_sim.brokers.errors import BrokerFault
from zodra_sim.brokers.files import private_file, private_folder
from zodra_sim.brokers.programs import find
from zodra_sim.brokers.settings import BrokerSettings, User

INSTALL = "apt-get install mosquitto"


def prepare(settings: BrokerSettings) -> list[str]:
    """Write mosquitto's files and return the command that serves them.

    Raises:
        ProgramMissing: mosquitto is not installed.
    """
    program = find("mosquitto", settings.program, INSTALL)
    hasher = find("mosquitto_passwd", None, INSTALL)
    folder = private_folder(settings.data_dir)
    plain = "".join(f"{user.username}:{user.password()}\n" for user in settings.users)
    passwords = private_file(folder / "passwords", plain)
    # -U hashes a file in place: no password is ever seen in the list of processes.
    hashed = subprocess.run([hasher, "-U", str(passwords)], capture_output=True, text=True)
    if hashed.returncode != 0:
        passwords.unlink(missing_ok=True)
        raise BrokerFault(f"mosquitto_passwd: {hashed.stderr.strip()}")
    passwords.chmod(0o600)
    access = private_file(folder / "access.acl", access_list(settings.users))
    stored = private_folder(folder / "store")
    config = private_file(
        folder / "mosquitto.conf", configuration(settings, passwords, access, stored)
    )
    return [str(program), "-c", str(config)]


def configuration(settings: BrokerSettings, passwords: Path, access: Path, stored: Path) -> str:
    """Spell mosquitto.conf for one loopback listener; the limits are deploy/broker's."""
    return f"""\
# Written by zodra-sim broker; changes are lost at the next start.
listener {settings.port} {settings.host}
max_connections {settings.connections_max}
allow_anonymous false
password_file {passwords}
acl_file {access}
# Started by root, mosquitto would become another account, which cannot read these files.
user {pwd.getpwuid(os.geteuid()).pw_name}
max_packet_size {settings.packet_bytes_max}
message_size_limit {settings.message_bytes_max}
max_inflight_messages 100
max_queued_messages 1000
max_queued_bytes 67108864
persistent_client_expiration 7d
persistence true
persistence_location {stored}/
autosave_interval 60
log_dest stderr
log_type error
log_type warning
"""


def access_list(users: tuple[User, ...]) -> str:
    """Spell the list of allowed topics.

    Gateways that are not bound to a household share two patterns, as in deploy/broker: a new
    gateway then needs a password and no new line here. A pattern holds for every user, so a
    household can only be enforced when all gateways have theirs written out.
    """
    gateways = [user for user in users if user.role is Role.GATEWAY]
    by_pattern = bool(gateways) and all(user.household_id is None for user in gateways)
    lines = ["# Written by zodra-sim broker; changes are lost at the next start."]
    if by_pattern:
        lines += ["pattern write up/+/%u", "pattern read down/+/%u/+"]
    for user in users:
        if by_pattern and user.role is Role.GATEWAY:
            continue
        lines += ["", f"user {user.username}"]
        lines += [f"topic write {one}" for one in user.grants.publish]
        lines += [f"topic read {one}" for one in user.grants.subscribe]
    return "\n".join(lines) + "\n"
