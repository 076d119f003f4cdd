/* Small helps on top of pages that work without them: a countdown, explanations in place,
   and a plain poll where the live stream does not come through. */
(() => {
  "use strict";

  const pad = (number) => String(number).padStart(2, "0");

  function countDown() {
    for (const place of document.querySelectorAll("[data-countdown]")) {
      const left = Math.max(0, Math.round((Date.parse(place.dataset.countdown) - Date.now()) / 1000));
      const hours = Math.floor(left / 3600);
      const rest = pad(Math.floor((left % 3600) / 60)) + ":" + pad(left % 60);
      place.textContent = hours ? hours + ":" + rest : rest;
    }
  }

  async function explain(details) {
    const place = details.querySelector("[data-why]");
    if (!place || !details.open) return;
    const answer = await fetch(place.dataset.why + "?part=1", { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) place.innerHTML = await answer.text();
  }

  function explainOpen() {
    document.querySelectorAll("details.why[open]").forEach(explain);
  }

  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details.why")) explain(event.target);
  }, true);

  /* An answer without our part of the page is another page (signed out, or an error): go there. */
  document.addEventListener("htmx:before:swap", (event) => {
    const text = event.detail?.ctx?.text ?? "";
    const part = document.querySelector("[data-poll]")?.firstElementChild?.id;
    if (part && text.includes('id="' + part + '"')) return;
    event.preventDefault();
    if (text.includes("</html>")) window.location.reload();
  });
  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail?.ctx?.request?.method === "POST") window.location.reload();
  });
  document.addEventListener("htmx:after:swap", () => { countDown(); explainOpen(); });

  /* The stream is the usual way. While it is down, ask at a calm pace. */
  let live = false;
  document.addEventListener("htmx:sse:after:connection", () => { live = true; });
  for (const name of ["htmx:sse:error", "htmx:sse:close"]) {
    document.addEventListener(name, (event) => {
      live = false;
      /* Signed out elsewhere: the page that is left must not look as if it were live. */
      if (event.detail?.status === 401) window.location.reload();
    });
  }
  setInterval(() => {
    const stream = document.querySelector("[data-poll]");
    if (!stream || live || document.hidden) return;
    window.htmx?.ajax("GET", stream.dataset.poll, {
      source: stream.firstElementChild, target: "#" + stream.firstElementChild.id,
      select: "#" + stream.firstElementChild.id, swap: "outerMorph",
    });
  }, 10000);

  setInterval(countDown, 1000);
  countDown();
})();
