// Shows the home's state as it comes, and sends what hands do. Texts come from the page's own list.
"use strict";

const words = JSON.parse(document.getElementById("words").textContent);
const bar = document.getElementById("bar");
const TRACK = ["kept", "asked", "ordered", "delivered"];
// How far along the four steps each state is, and which colour it has.
const STATES = {
  kept: [0, "kept", true],
  received: [0, "kept", true],
  asked: [1, "asked", true],
  ordering: [1, "asked", true],
  ordered: [2, "ordered", true],
  shipped: [2, "ordered", true],
  delivered: [3, "delivered", false],
  already_on_its_way: [0, "ended", false],
  refused: [0, "ended", false],
  expired: [1, "ended", false],
  not_kept: [-1, "bad", false],
};
const CLICK_MS = 350; // a button waits this long for a second press
const LONG_MS = 800;
const STACK_MAX = 22; // diapers drawn on the shelf; the number says the rest

const one = (root, name) => root.querySelector(`[data-show="${name}"]`);

function say(text) {
  bar.textContent = text;
  bar.hidden = !text;
}

async function act(device, path, body) {
  try {
    const answer = await fetch(`/api/devices/${device}/${path}`, {
      method: "POST",
      headers: body ? { "content-type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
    const told = await answer.json();
    say(answer.ok ? "" : `${words.refused_act}: ${told.detail}`);
  } catch {
    say(words.not_live);
  }
}

function showLight(card, lights) {
  const light = lights[0];
  const box = card.querySelector(".light");
  const [reached, colour, busy] = light ? STATES[light.state] || [0, "kept", false] : [-1, "none", false];
  card.dataset.light = colour;
  box.dataset.state = light ? light.state : "none";
  box.classList.toggle("busy", busy);
  TRACK.forEach((step, at) => {
    const item = box.querySelector(`[data-step="${step}"]`);
    item.classList.toggle("done", at <= reached);
    item.classList.toggle("now", at === reached);
  });
  const parts = light ? [words[`state_${light.state}`] || light.state, words[`reason_${light.reason}`]] : [words.no_light];
  const text = parts.filter(Boolean).join(" ");
  const shown = one(box, "words");
  if (shown.textContent !== text) shown.textContent = text;
}

function stack(group, left) {
  const wanted = Math.min(left, STACK_MAX);
  if (group.childElementCount === wanted) return;
  group.replaceChildren();
  for (let at = 0; at < wanted; at += 1) {
    const piece = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    piece.setAttribute("class", "diaper");
    piece.setAttribute("x", 20 + (at % 11) * 16.4);
    piece.setAttribute("y", 174 - Math.floor(at / 11) * 16);
    piece.setAttribute("width", 14);
    piece.setAttribute("height", 15);
    piece.setAttribute("rx", 4);
    group.append(piece);
  }
}

const families = {
  button(card, facts, device) {
    one(card, "fact").textContent = `${words.pressed_times} ${device.pressed}×`;
    card.querySelector(".press").classList.toggle("sending", facts.sending);
  },
  wearable(card, facts) {
    card.classList.toggle("worn", facts.worn);
    one(card, "fact").textContent = facts.worn
      ? `${words.worn} · ${facts.heart_rate_bpm} ${words.bpm}`
      : words.not_worn;
    return facts.connected ? words.connected : words.advertising;
  },
  thermostat(card, facts) {
    const hot = facts.running_state === "heat";
    card.classList.toggle("heating", hot);
    one(card, "temperature").textContent = `${facts.local_temperature_c.toFixed(1)}°`;
    one(card, "fact").textContent = `${hot ? words.heats : words.idle} · ${facts.local_temperature_c.toFixed(1)} °C`;
    return `${words.aims} ${facts.setpoint_c.toFixed(1)} °C`;
  },
  baby_monitor(card, facts) {
    card.classList.toggle("crying", facts.crying);
    stack(one(card, "stack"), facts.remaining_units);
    one(card, "fact").textContent = `${facts.remaining_units} ${words.diapers_left}`;
    return facts.crying ? words.crying : words.quiet;
  },
};

function show(state) {
  for (const device of state.devices) {
    const card = document.getElementById(device.device_id);
    if (!card) continue;
    const more = families[device.family](card, device.facts, device);
    const battery = `${words.battery}\u00a0${device.battery_percent}\u00a0%`;
    one(card, "fine").textContent = more ? `${more} · ${battery}` : battery;
    showLight(card, device.lights);
  }
  const links = { gateway: state.radios_on_air > 0, broker: state.mqtt_connected };
  for (const [name, on] of Object.entries(links)) {
    document.querySelector(`[data-link="${name}"]`).classList.toggle("on", on);
    one(document, name).textContent = words[`${name}_${on ? "on" : "off"}`];
  }
  for (const item of document.querySelectorAll("[data-truth]")) {
    const value = Math.floor(state.truth[item.dataset.truth]);
    item.textContent = item.dataset.unit ? `${value} ${item.dataset.unit}` : `${value}`;
  }
}

function watch() {
  const events = new EventSource("/events");
  let lost = false;
  events.addEventListener("message", (event) => {
    if (lost) say("");
    lost = false;
    show(JSON.parse(event.data));
  });
  events.addEventListener("error", () => {
    lost = true;
    say(words.not_live);
    // A refused stream is not tried again by the browser: sign-in may have ended.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
  });
}

function wire(card) {
  const device = card.dataset.device;
  for (const button of card.querySelectorAll("[data-act]:not(.press)")) {
    const { seconds } = button.dataset;
    const body = seconds === undefined ? undefined : { seconds: Number(seconds) };
    button.addEventListener("click", () => act(device, button.dataset.act, body));
  }
  const cap = card.querySelector(".press");
  if (cap) wirePress(cap, device);
}

function wirePress(cap, device) {
  let clicks = 0;
  let waiting;
  let holding;
  let held = false;
  const press = (kind) => act(device, `press?kind=${kind}`);
  const flush = () => {
    const kinds = ["press", "double_press", "triple_press"];
    press(kinds[Math.min(clicks, 3) - 1]);
    clicks = 0;
  };
  cap.addEventListener("pointerdown", () => {
    held = false;
    clearTimeout(holding);
    holding = setTimeout(() => {
      held = true;
      press("long_press");
    }, LONG_MS);
  });
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) {
    cap.addEventListener(end, () => clearTimeout(holding));
  }
  cap.addEventListener("click", () => {
    if (held) {
      held = false;
      return;
    }
    clicks += 1;
    clearTimeout(waiting);
    waiting = setTimeout(flush, CLICK_MS);
  });
}

document.querySelectorAll("[data-device]").forEach(wire);
watch();
