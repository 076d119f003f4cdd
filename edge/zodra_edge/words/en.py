"""The English sentences. A fault names the thing, its value and the next step."""

from typing import Final

EN: Final = {
    "error": "Error",
    "as_told": "{why}",
    "settings_fault": "{why}",
    "cannot_write": "cannot write in {folder}: {why}; use the agent's own account, or root",
    # How it becomes true.
    "holds_now": "The running gateway has taken it up; nothing needs a restart.",
    "holds_later": "No gateway runs on {data_dir}; it holds from the next start on.",
    "not_taken_up": "The running gateway has not taken it up: {why}. Restart it, then it holds: "
    "systemctl restart zodra-edge",
    # The running agent and its answers.
    "request_not_left": "cannot leave a request for the agent in {folder}: {why}; use the agent's "
    "own account, or root",
    "request_not_taken": "the agent did not take the request up within {seconds:.0f} s, and "
    "nothing was done; see: zodra-edge status",
    "request_unanswered": "the agent took the request up and has not answered within "
    "{seconds:.0f} s; look what became of it before you ask again: zodra-edge status, zodra-edge "
    "outbox show",
    "answer_strange": "the agent's answer is of another version; restart the agent, so that it is "
    "the same zodra-edge as this command: systemctl restart zodra-edge",
    "request_strange": "the agent cannot read the request, or it is more than a minute old; ask "
    "again, and if it stays so, restart the agent: systemctl restart zodra-edge",
    "disk_cannot_remember": "the disk cannot remember it ({why}); see: zodra-edge doctor",
    "other_settings_changed": "more than its devices changed in the settings ({names})",
    "devices_unread": "the settings cannot be read: {why}",
    # Buying.
    "buying_paused": "Buying is paused: each press is kept and sent, and only asks.",
    "buying_resumed": "Buying goes on: a press may again order what a standing agreement covers.",
    # Devices.
    "device_unknown": "there is no device {device_id} in the settings; known: {known}",
    "device_without_key": "{device_id} has no bind_key in the settings, so it has no counter that "
    "could be learned anew; its presses only ask anyway",
    "device_not_running": "no agent runs on {data_dir}, and only a running one can hear "
    "{device_id}; start it (systemctl start zodra-edge), then ask again",
    "agent_knows_not": "the running agent knows no device {device_id} with a bind_key; restart "
    "it: systemctl restart zodra-edge",
    "relearn": "Press {device_id} now: its next frame within {seconds:.0f} s is believed.",
    "armed": "{device_id} is armed: a press of it counts.",
    "armed_already": "{device_id} is not in practice; it is armed already, and a press of it "
    "counts",
    "practice_by_hand": "{device_id} is in practice, but `practice = true` is not on a line of "
    "its own in {config}; take it out of its section by hand",
    # The settings file.
    "not_toml": "{path} is not TOML: {why}; put it right, or take back {path}.before",
    "cannot_change": "cannot change {path}: {why}; use an account that may write there, such as "
    "root",
    "cannot_write_key": "cannot write the bind key to {path}: {why}; remove that file if it is of "
    "a device that is gone, or choose another --device-id",
    "nothing_changed": "nothing was changed: {why}",
    "not_printable": "{value} has characters that cannot be printed; names and topics may not",
    # Pairing: who is heard.
    "press_now": "Press the button now; listening for {seconds:.0f} s.",
    "on_the_broker": "on the broker",
    "can_be_read": "can be read",
    "can_be_read_with_key": "can be read with its bind key",
    "can_be_read_connected": "can be read over a connection",
    "not_understood": "cannot be understood: {raw}",
    "says_nothing": "cannot be understood: it says nothing but that it is there",
    "nobody": "Nobody is heard who is not in the settings. The gateway must run to hear "
    "(zodra-edge status); press the new device once, and look again.",
    "not_heard": "{where} is not heard. Is the gateway running (zodra-edge status), and the "
    "device near it? Press the device once, and ask again within a minute",
    "taken_already": "{where} is in the settings already, as {device_id}; press it, and see: "
    "zodra-edge status",
    # Pairing: what is asked.
    "which": "Which one? A number, Enter to look again, p to press its button, q to leave",
    "ask_key": "Its bind key, from its maker's app (not shown)",
    "ask_family": "What is it?",
    "ask_name": "Its name",
    "ask_slot": "The slot its needs are for",
    # Pairing: why not.
    "key_shape": "the bind key has {digits} hexadecimal digits and needs 32, or 24 for an older "
    "Xiaomi; copy it once more from its maker's app",
    "key_shape_letters": "the bind key has characters that are no hexadecimal digits (0-9, a-f); "
    "copy it once more from its maker's app",
    "key_missing": "{where} encrypts and needs its bind key, which is in its maker's app: "
    "--bind-key-file FILE",
    "key_needless": "{where} does not encrypt; pair it without --bind-key-file",
    "key_wrong": "the bind key does not open what {where} says; nothing was changed. Is it the "
    "key of this device? A new one is made when it is reset",
    "key_not_tried": "the last frame of {where} cannot be used to try the bind key ({reason}); "
    "press the device once, and ask again within a minute",
    "cannot_be_paired": "{where} {verdict}; a package may bring a parser for it (docs/parsers.md)",
    "say_family": "what {where} is does not show in what it says; add --family with one of "
    "{families}",
    # Pairing: done.
    "paired": "{device_id} is in {config}.",
    "practise": "Press it, and see it arrive: zodra-edge pair --watch 60",
    "nobody_practises": "no gateway runs on {data_dir} that has a device in practice; pair one "
    "(zodra-edge pair), and see that the gateway runs (zodra-edge status)",
    "watching": "Press now: {names}. Nothing is sent.",
    "rehearsed": "{device_id} {slot_key}: heard, kept nowhere, nothing is bought",
}
