"""The operator's page: gateways, balances, refusals and what needs a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zodra_cloud.fleet.models import GatewayView
from zodra_cloud.fleet.policy import GatewayState, Verdict
from zodra_cloud.ingest.models import RefusalCount
from zodra_cloud.law.service import Withdrawal
from zodra_cloud.replenish.models import Balance, UnclearOrder
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.jobs import DeadJob
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views import condition, words
from zodra_cloud.web.views.devices import moment
from zodra_cloud.web.views.pages import (
    BalanceRow,
    BarPart,
    Chip,
    Fact,
    GatewayRow,
    JobRow,
    OperatorPage,
    Tone,
)
from zodra_contract.envelope import AdapterHealth, HealthReport

PARTS: Final[tuple[tuple[str, str], ...]] = (
    ("ordered", mark("ordered")),
    ("asked", mark("asked")),
    ("refused", mark("refused")),
    ("expired", mark("expired")),
    ("pending", mark("pending")),
)
"""The five ways a need stands; promise 12: together they are all needs."""

_BAR_UNITS: Final = 1_000
_WELL: Final = frozenset({GatewayState.ONLINE, GatewayState.REVOKED, GatewayState.NEVER_SEEN})


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """Everything that was read for the page, at one instant."""

    gateways: Sequence[GatewayView]
    devices: dict[str, list[tuple[str, str]]]
    """(id, name) of the devices of each household."""
    balances: Sequence[Balance]
    refusals: Sequence[RefusalCount]
    dead_jobs: Sequence[DeadJob]
    unclear_orders: Sequence[UnclearOrder]
    """Orders that may or may not be at the shop; it is asked about them all the time."""
    overdue: Sequence[Withdrawal] = ()
    """Withdrawals whose money should have been back by now."""
    letters_owed: int = 0
    """Confirmations and acknowledgements that no household has on a durable medium."""


def operator_page(speech: Speech, facts: OperatorFacts, now: datetime) -> OperatorPage:
    """Make the operator's page."""
    unwell = sum(1 for each in facts.gateways if each.verdict.state not in _WELL)
    jobs = (
        *(_job(speech, job, now) for job in facts.dead_jobs),
        *(_unclear(speech, order, now) for order in facts.unclear_orders),
        *(_overdue(speech, each, now) for each in facts.overdue),
    )
    balances = tuple(balance_row(speech, each) for each in facts.balances)
    tone = Tone.WAIT if unwell or jobs or any(not row.adds_up for row in balances) else Tone.GOOD
    headline = _headline(speech, unwell, len(jobs), tone)
    refused = sum(each.count for each in facts.refusals)
    return OperatorPage(
        headline=headline,
        tone=tone,
        oldest_need=Fact(
            speech.say("Oldest need-moment without receipt"), _oldest(speech, facts.gateways, now)
        ),
        figures=(
            Fact(speech.say("Gateways"), speech.number(len(facts.gateways))),
            Fact(speech.say("Refused messages"), speech.number(refused)),
            Fact(speech.say("Needs a person"), speech.number(len(jobs))),
            Fact(
                speech.say("Letters owed, on no durable medium"), speech.number(facts.letters_owed)
            ),
        ),
        gateways=tuple(_gateway(speech, each, facts.devices, now) for each in facts.gateways),
        balances=balances,
        refusals=_refusals(speech, facts.refusals),
        jobs=jobs,
        announcement=headline,
    )


def balance_row(speech: Speech, balance: Balance) -> BalanceRow:
    """Show that a household's needs add up, or that they do not."""
    counts = {kind: int(getattr(balance, kind)) for kind, _ in PARTS}
    named = [f"{speech.say(name)} {speech.number(counts[kind])}" for kind, name in PARTS]
    return BalanceRow(
        household=balance.household_id,
        needs=balance.needs,
        sum_text=f"{speech.number(balance.needs)} = "
        + " + ".join(speech.number(count) for count in counts.values()),
        adds_up=balance.adds_up,
        verdict=speech.say("adds up") if balance.adds_up else speech.say("does not add up"),
        parts=bar(speech, counts),
        alternative=", ".join(named),
    )


def bar(speech: Speech, counts: dict[str, int]) -> tuple[BarPart, ...]:
    """Lay the counts side by side in thousandths; the last part ends exactly at the end."""
    total = sum(counts.values())
    parts: list[BarPart] = []
    before = 0
    for kind, name in PARTS:
        start = before * _BAR_UNITS // total if total else 0
        before += counts[kind]
        end = before * _BAR_UNITS // total if total else 0
        parts.append(BarPart(kind, speech.say(name), counts[kind], start, end - start))
    return tuple(parts)


def _headline(speech: Speech, unwell: int, jobs: int, tone: Tone) -> str:
    if unwell:
        return speech.count("%(n)s gateway needs a look", "%(n)s gateways need a look", unwell)
    if jobs:
        return speech.count("%(n)s job needs a person", "%(n)s jobs need a person", jobs)
    if tone is Tone.WAIT:
        return speech.say("A balance does not add up")
    return speech.say("All is well")


def _oldest(speech: Speech, gateways: Sequence[GatewayView], now: datetime) -> str:
    ages = [age for each in gateways if (age := _need_age_s(each, now)) is not None]
    return speech.span(max(ages)) if ages else speech.say("none")


def _need_age_s(view: GatewayView, now: datetime) -> float | None:
    """Age of the oldest need-moment without receipt, grown by what passed since the report."""
    health, at = view.gateway.facts.health, view.gateway.facts.health_at
    if health is None or at is None or health.need_depth == 0:
        return None
    return health.need_oldest_age_s + max(0.0, (now - at).total_seconds())


def _gateway(
    speech: Speech, view: GatewayView, devices: dict[str, list[tuple[str, str]]], now: datetime
) -> GatewayRow:
    gateway, facts = view.gateway, view.gateway.facts
    health = facts.health
    age_s = _need_age_s(view, now)
    tone, text = words.GATEWAY_STATES[view.verdict.state]
    owned = () if facts.revoked_at else devices.get(gateway.household_id, ())
    return GatewayRow(
        gateway_id=gateway.gateway_id,
        household=gateway.household_id,
        state=Chip(speech.say(text), tone),
        sentence=verdict_sentence(speech, view.verdict, now),
        heard=None if facts.last_heard_at is None else moment(speech, facts.last_heard_at, now),
        oldest_need=speech.say("none") if age_s is None else speech.span(age_s),
        need_depth=0 if health is None else health.need_depth,
        telemetry_depth=0 if health is None else health.telemetry_depth,
        quarantine_depth=0 if health is None else health.quarantine_depth,
        reported=health is not None,
        refusals=_gateway_refusals(speech, health),
        radios=_radios(speech, health),
        notes=condition.notes(speech, health),
        devices=tuple(Fact(device_id, name) for device_id, name in owned),
    )


def verdict_sentence(speech: Speech, verdict: Verdict, now: datetime) -> str:
    """Say a gateway's state with its value and its limit."""
    value = speech.span(verdict.value or 0.0)
    limit = speech.span(verdict.limit or 0.0)
    if verdict.state is GatewayState.ONLINE:
        return speech.say(
            "Heard %(value)s ago; it counts as silent after %(limit)s.", value=value, limit=limit
        )
    if verdict.state is GatewayState.SILENT_SINCE:
        return speech.say(
            "Nothing heard for %(value)s; the limit is %(limit)s.", value=value, limit=limit
        )
    if verdict.state is GatewayState.DEAF:
        return speech.say(
            "Radio %(radio)s has heard no device for %(value)s; the limit is %(limit)s.",
            radio=verdict.detail,
            value=value,
            limit=limit,
        )
    if verdict.state is GatewayState.REFUSING:
        return speech.say(
            "What it sent last was turned away: %(reason)s.",
            reason=words.named(speech, words.REJECTIONS, verdict.detail),
        )
    if verdict.state in (GatewayState.STORAGE_FAILS, GatewayState.STORAGE_LOOK):
        return condition.storage_sentence(speech, verdict)
    return _quieter_sentence(speech, verdict, value, limit, now)


def _quieter_sentence(
    speech: Speech, verdict: Verdict, value: str, limit: str, now: datetime
) -> str:
    if verdict.state is GatewayState.BEHIND and verdict.measure == "telemetry_depth_rows":
        return speech.say(
            "%(value)s readings wait; the limit is %(limit)s.",
            value=speech.number(verdict.value or 0.0),
            limit=speech.number(verdict.limit or 0.0),
        )
    if verdict.state is GatewayState.BEHIND:
        return speech.say(
            "Its oldest need-moment has waited %(value)s; the limit is %(limit)s.",
            value=value,
            limit=limit,
        )
    if verdict.state is GatewayState.CLOCK_BAD:
        return speech.say("It has not heard the true time since it started.")
    if verdict.state is GatewayState.REVOKED and verdict.since is not None:
        return speech.say(
            "Revoked %(when)s; whatever it sends is turned away.",
            when=speech.instant(verdict.since, now),
        )
    return speech.say("Registered, and never heard.")


def _gateway_refusals(speech: Speech, health: HealthReport | None) -> tuple[Fact, ...]:
    if health is None:
        return ()
    return tuple(
        Fact(words.named(speech, words.REJECTIONS, name), speech.number(count), name)
        for name, count in sorted(health.refusals.items())
        if count
    )


def _radios(speech: Speech, health: HealthReport | None) -> tuple[str, ...]:
    if health is None:
        return ()
    return tuple(line for adapter in health.adapters for line in _radio(speech, adapter))


def _radio(speech: Speech, adapter: AdapterHealth) -> Iterator[str]:
    if adapter.last_advert_age_s is None:
        yield speech.say("%(radio)s: nothing heard yet", radio=adapter.name)
    else:
        yield speech.say(
            "%(radio)s: %(rate)s advertisements a minute",
            radio=adapter.name,
            rate=speech.number(round(adapter.adverts_per_min)),
        )
    stands = [
        words.named(speech, names, name)
        for names, name in (
            (words.RADIO_STAGES, adapter.stage),
            (words.RADIO_MODES, adapter.mode),
        )
        if name is not None
    ]
    if stands:
        yield "; ".join(stands)
    steps = [
        f"{words.named(speech, words.RADIO_STEPS, step)} {speech.number(count)}"
        for step, count in adapter.rungs.items()
        if count and step != "open"
    ]
    if steps:
        yield ", ".join(steps)
    if adapter.strangers:
        yield speech.count(
            "%(n)s device nearby is not this home's",
            "%(n)s devices nearby are not this home's",
            adapter.strangers,
        )


def _refusals(speech: Speech, refusals: Sequence[RefusalCount]) -> tuple[Fact, ...]:
    totals: dict[str, int] = {}
    for each in refusals:
        totals[each.reason] = totals.get(each.reason, 0) + each.count
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Fact(words.named(speech, words.REJECTIONS, name), speech.number(count), name)
        for name, count in ordered
    )


def _job(speech: Speech, job: DeadJob, now: datetime) -> JobRow:
    return JobRow(
        name=words.named(speech, words.JOBS, job.kind),
        household=job.household_id or "",
        since=None if job.ended_at is None else moment(speech, job.ended_at, now),
        error=job.last_error or "",
    )


def _unclear(speech: Speech, order: UnclearOrder, now: datetime) -> JobRow:
    return JobRow(
        name=speech.say("Find out whether the shop has order %(key)s", key=order.order_key),
        household=order.household_id,
        since=moment(speech, order.unclear_since, now),
        error=words.plain(order.fault),
        order_key=order.order_key if order.state is OrderState.NEEDS_PERSON else "",
    )


def _overdue(speech: Speech, found: Withdrawal, now: datetime) -> JobRow:
    return JobRow(
        name=speech.say("Pay back what is overdue for order %(key)s", key=found.order_key),
        household=found.household_id,
        since=moment(speech, found.refund_by_at, now),
        error=words.plain(found.reason),
    )
