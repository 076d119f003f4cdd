"""`make radio-kernel` when its guest's kernel dies: what is told, tried again, and left red."""

from typing import Any

import pytest

from radio_kernel.account import BOOTS_MAX, Account
from radio_kernel.deaths import Death, death

BEGINS = "[   60.1] radio-kernel begins: test_connection.py::test_a_strap\r\n"
ENDED = "[   70.2] radio-kernel ended: test_connection.py::test_a_strap\r\n"
BUG = (
    "test_a_strap [   68.731409] kernel BUG at net/bluetooth/hci_conn.c:2801!\r\n"
    "[   68.731] invalid opcode: 0000 [#1] PREEMPT SMP NOPTI\r\n"
    "[   68.732] RIP: 0010:hci_chan_del+0x52/0x60 [bluetooth]\r\n"
    "[   68.733]  l2cap_conn_del+0x1a5/0x260 [bluetooth]\r\n"
)
STAND = (
    "[  200.1] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [bluetoothd:180]\r\n"
    "[  200.2] RIP: 0010:mgmt_pending_find+0x1/0x2\r\n"
)


@pytest.mark.parametrize(
    ("console", "function", "what"),
    [
        (BUG, "hci_chan_del", "kernel BUG at net/bluetooth/hci_conn.c:2801!"),
        (
            "[ 9.1] BUG: kernel NULL pointer dereference, address: 0000000000000008\n"
            "[ 9.1] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
            "[ 9.2] RIP: 0010:l2cap_sock_recv+0x12/0x40\n",
            "l2cap_sock_recv",
            "Oops: 0000 [#1] PREEMPT SMP NOPTI",
        ),
        (
            "[ 9.1] list_del corruption, ffff8->next is LIST_POISON1 (dead000000000100)\n"
            "[ 9.1] kernel BUG at lib/list_debug.c:56!\n"
            "[ 9.1] RIP: 0010:__list_del_entry_valid.cold+0x31/0x6d\n[ 9.2] Call Trace:\n"
            "[ 9.2]  hci_chan_del+0x2c/0xa0 [bluetooth]\n[ 9.2]  l2cap_conn_del+0x1a5/0x260\n",
            "hci_chan_del",
            "kernel BUG at lib/list_debug.c:56!",
        ),
        (
            "[ 9.1] Kernel panic - not syncing: sysrq triggered crash\n[ 9.2] Call Trace:\n"
            "[ 9.2]  <TASK>\n[ 9.2]  dump_stack_lvl+0x45/0x60\n[ 9.2]  panic+0x118/0x2e4\n"
            "[ 9.3]  sysrq_handle_crash+0x16/0x20\n",
            "sysrq_handle_crash",
            "Kernel panic - not syncing: sysrq triggered crash",
        ),
        ("[ 9.1] Kernel panic - not syncing: cut o", "unknown", None),
    ],
)
def test_a_death_is_named(console: str, function: str, what: str | None) -> None:
    found = death(BEGINS + console)
    assert found is not None
    assert found.function == function
    assert found.test == "test_connection.py::test_a_strap"
    assert what is None or found.what == what


def test_between_two_tests_it_is_nobodys() -> None:
    found = death(BEGINS + ENDED + BUG)
    assert found is not None
    assert found.test == ""


def test_a_kernel_that_stands_still_is_dead_once_it_answers_no_more() -> None:
    assert death(BEGINS + STAND) is None
    found = death(BEGINS + STAND, silent=True)
    assert found is not None
    assert found.function == "mgmt_pending_find"
    assert death(BEGINS, silent=True) is None


def result(name: str, outcome: str = "passed") -> dict[str, Any]:
    return {"test": name, "outcome": outcome, "seconds": 1.0, "facts": {}, "text": ""}


def booted() -> Account:
    account = Account()
    account.booted()
    account.take({"tests": ["a", "b", "c"]})
    account.take(result("a"))
    return account


def dies_in(account: Account, test: str) -> None:
    account.died(Death("kernel BUG", "hci_chan_del", test))


def test_it_goes_on_with_what_is_left_and_is_good() -> None:
    account = booted()
    dies_in(account, "b")
    assert account.left() == ["b", "c"]
    assert account.may_go_on()
    account.booted()
    account.take({"tests": ["b", "c"]})
    for told in (result("b"), result("c"), {"ended": 0}):
        account.take(told)
    assert account.is_good()
    assert account.told() == "3 of 3 passed; the kernel died once: in hci_chan_del"


def test_a_test_in_which_it_dies_twice_is_red_and_the_others_run() -> None:
    account = booted()
    for _ in range(2):
        dies_in(account, "b")
        account.booted()
    assert account.left() == ["c"]
    account.take(result("c"))
    account.take({"ended": 0})
    assert not account.is_good()
    assert "the kernel died twice" in account.results()[1]["text"]
    assert account.told() == "2 of 3 passed; the kernel died 2 times: in hci_chan_del"


def test_the_boots_have_an_end() -> None:
    account = booted()
    while account.may_go_on():
        dies_in(account, "")
        account.booted()
        assert account.boots <= BOOTS_MAX
    assert not account.is_good()
    assert [each["outcome"] for each in account.results()] == ["passed", "missing", "missing"]


def test_what_is_red_for_our_own_reasons_stays_so() -> None:
    failing = booted()
    for told in (result("b", "failed"), result("c"), {"ended": 1}):
        failing.take(told)
    assert not failing.is_good()
    unsaid = booted()
    for told in (result("b"), result("c")):
        unsaid.take(told)
    assert not unsaid.is_good()
    unfinished = booted()
    unfinished.take(result("b"))
    unfinished.ended("the guest answered no more")
    assert not unfinished.is_good()
    assert not Account().is_good()
