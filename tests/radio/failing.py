"""The ways in which a case's BlueZ fails; each steps time itself for as long as it lasts."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from radio.bluez_home import ADAPTERS
from radio.healing import HEALED_S_MAX, REST_STEP_S, Course, HealingHome, NotHealed

ERRORS: Final = ("NotReady", "InProgress", "Failed", "NotAuthorized")
SCANS: Final = ("StartDiscovery", "RegisterMonitor")
CYCLES_APART_S: Final = 310.0
"""So that the next case may switch its adapters off and on, too."""


@dataclass(frozen=True)
class Expected:
    """What has to have helped; empty where more than one thing may."""

    cures: frozenset[str] = frozenset()


Kind = Callable[[HealingHome, Random], Expected]


def passes(home: HealingHome, seconds: float) -> None:
    """Let time pass, whatever becomes of it."""
    end_s = home.agent.now_s + seconds
    while home.agent.now_s < end_s:
        home.step()


def silent(until: str, calls: int, cure: str) -> Kind:
    """Nothing is heard until something is asked for so often."""

    def fail(home: HealingHome, _random: Random) -> Expected:
        home.line.ask("SilenceFor", "si", until, calls)
        return Expected(frozenset({cure}))

    return fail


def silent_for_a_while(home: HealingHome, random: Random) -> Expected:
    home.line.ask("Silence", "s", "never")
    passes(home, random.uniform(70, 240))
    home.line.ask("Clear")
    return Expected()


def restarts(home: HealingHome, random: Random) -> Expected:
    for _ in range(random.choice((1, 1, 2))):
        home.kill(random.choice((15, 9)))
        passes(home, random.uniform(0, 30))
        home.start()
        passes(home, random.uniform(0, 5))
    return Expected()


def vanishes(home: HealingHome, random: Random) -> Expected:
    home.kill(9)
    passes(home, random.uniform(30, 240))
    home.start()
    return Expected(frozenset({"opening"}))


def bus_is_lost(home: HealingHome, random: Random) -> Expected:
    home.lose_bus()
    passes(home, random.uniform(0, 90))
    home.start()
    return Expected(frozenset({"opening"}))


def unplugged(home: HealingHome, random: Random) -> Expected:
    pulled = random.choice((ADAPTERS[:1], ADAPTERS[1:], ADAPTERS))
    for name in pulled:
        home.line.ask("Unplug", "s", name)
    passes(home, random.uniform(1, 200))
    for name in pulled:
        home.line.ask("Plug", "s", name)
    return Expected(frozenset({"opening"}))


def switched_off(home: HealingHome, random: Random) -> Expected:
    for name in random.choice((ADAPTERS[:1], ADAPTERS[1:], ADAPTERS)):
        home.switch_off(name)
    return Expected(frozenset({"cycled"}))


def errors(home: HealingHome, random: Random) -> Expected:
    for member in SCANS:
        error = f"org.bluez.Error.{random.choice(ERRORS)}"
        home.line.ask("Fail", "ssi", member, error, random.randint(1, 2))
    home.line.ask("Silence", "s", random.choice(SCANS))
    return Expected()


def errors_for_a_while(home: HealingHome, random: Random) -> Expected:
    for member in (*SCANS, "StopDiscovery"):
        home.line.ask("Fail", "ssi", member, f"org.bluez.Error.{random.choice(ERRORS)}", 1_000_000)
    home.line.ask("Silence", "s", "never")
    passes(home, random.uniform(70, 240))
    home.line.ask("Clear")
    return Expected()


def hangs(home: HealingHome, random: Random) -> Expected:
    for member in random.choice((SCANS, ("StopDiscovery",), ("Powered",), (*SCANS, "Powered"))):
        home.line.ask("Hang", "s", member)
    home.line.ask("Silence", "s", "never")
    passes(home, random.uniform(70, 240))
    home.line.ask("Clear")
    return Expected()


def silent_and_restarts(home: HealingHome, random: Random) -> Expected:
    home.line.ask("Silence", "s", "never")
    passes(home, random.uniform(5, 150))
    return restarts(home, random)


def back_with_errors(home: HealingHome, random: Random) -> Expected:
    vanishes(home, random)
    return errors(home, random)


def back_and_silent(home: HealingHome, random: Random) -> Expected:
    unplugged(home, random)
    home.line.ask("Silence", "s", "Powered")
    return Expected(frozenset({"cycled"}))


def bus_lost_and_adapters_late(home: HealingHome, random: Random) -> Expected:
    bus_is_lost(home, random)
    home.line.ask("Unplug", "s", ADAPTERS[1])
    passes(home, random.uniform(5, 100))
    home.line.ask("Plug", "s", ADAPTERS[1])
    return Expected(frozenset({"opening"}))


def silent_with_errors_on_the_way(home: HealingHome, random: Random) -> Expected:
    home.line.ask("Silence", "s", "Powered")
    for member in SCANS:
        error = f"org.bluez.Error.{random.choice(ERRORS)}"
        home.line.ask("Fail", "ssi", member, error, random.randint(1, 2))
    return Expected(frozenset({"cycled"}))


KINDS: Final[dict[str, Kind]] = {
    "silent, a restart helps": silent("StartDiscovery", 1, "restarted"),
    "silent, a new scanner helps": silent("StartDiscovery", 2, "rebuilt"),
    "silent, a power cycle helps": silent("Powered", 1, "cycled"),
    "silent for a while": silent_for_a_while,
    "restarts": restarts,
    "vanishes": vanishes,
    "the bus is lost": bus_is_lost,
    "unplugged": unplugged,
    "switched off": switched_off,
    "answers with errors": errors,
    "answers with errors for a while": errors_for_a_while,
    "hangs": hangs,
    "silent, then restarts": silent_and_restarts,
    "back, and answers with errors": back_with_errors,
    "back, and silent": back_and_silent,
    "the bus is lost, an adapter comes late": bus_lost_and_adapters_late,
    "silent, with errors on the way": silent_with_errors_on_the_way,
}


def heal(home: HealingHome, name: str, random: Random) -> float:
    """Let one way to fail happen, and see it noticed, healed, and told.

    Returns:
        How long it took, from the end of the fault, or from its begin where the ladder ends it.

    Raises:
        NotHealed: what was wrong.
    """
    # What is still under way would be heard after the fault began, and taken for the cure.
    home.step()
    before = home.counts()
    home.course = Course(home.agent.now_s, [])
    expected = KINDS[name](home, random)
    ended_s = home.agent.now_s
    home.until(lambda: home.course.trail and home.hears(), HEALED_S_MAX, f"{name}: healed")
    took_s = home.agent.now_s - ended_s
    noticed_s = home.course.noticed_s()
    if noticed_s is None or noticed_s > HEALED_S_MAX:
        raise NotHealed(f"{name}: noticed after {noticed_s}")
    if not expected.cures <= home.course.cures():
        by = f"{home.course.cures()}, not by {set(expected.cures)}"
        raise NotHealed(f"{name}: cured by {by}: {home.course.trail}")
    home.press_arrives()
    home.told(before)
    cycled = any(stage == "cycled" for _, _, stage in home.course.trail)
    home.rest(CYCLES_APART_S if cycled else 4 * REST_STEP_S)
    return took_s
