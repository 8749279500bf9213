// What the pages do by themselves: follow the stream and say when it is away, ask before what matters, keys.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const times = window.plainsailTimes;
  const typing = (element) => element && (element.matches("input, textarea, select") || element.isContentEditable);

  // Contact. The server speaks at least every two seconds; three times nothing, and the page says so.
  const PATIENCE = 7000;
  const stream = document.querySelector("[data-stream]");
  let heard = performance.now();
  let seen = times.now();
  let connection = null;
  let tried = heard;
  let ended = false;

  function contact() {
    const place = $("contact");
    if (!place || !stream) return;
    const silent = performance.now() - heard;
    const stale = times.now() - seen;
    let text = "Live";
    let state = "live";
    if (ended) {
      [text, state] = ["This is not here any more; reload to see what is", "away"];
    } else if (silent > PATIENCE) {
      [text, state] = [`No contact for ${times.lasting(silent / 1000)}; what you see is from ${times.clock(seen)}`, "away"];
      again();
    } else if (stale > 15 + silent / 1000) {
      [text, state] = [`plainsail can't look just now; what you see is from ${times.clock(seen)}`, "away"];
    }
    document.body.classList.toggle("out-of-contact", state === "away");
    if (place.dataset.state !== state || (state === "away" && place.textContent !== text)) {
      place.dataset.state = state;
      place.textContent = text;
    }
  }

  // A connection that has had its time and said nothing is dropped, so that the next can come; and where none is left to
  // be tried again, since the very first one failed, another is begun.
  function again() {
    if (performance.now() - Math.max(heard, tried) <= PATIENCE) return;
    tried = performance.now();
    if (connection && connection.reader) connection.reader.cancel();
    window.htmx.trigger(stream, "again");
  }

  if (stream) {
    stream.addEventListener("beat", (event) => {
      const told = JSON.parse(event.detail.data);
      heard = performance.now();
      times.set(told.now);
      if (told.seen) seen = told.seen;
      contact();
    });
    stream.addEventListener("gone", () => { ended = true; contact(); });
    stream.addEventListener("htmx:sse:after:connection", (event) => {
      connection = event.detail.connection;
      tried = performance.now();
    });
    stream.addEventListener("htmx:sse:error", (event) => {
      if (event.detail.status === 401) location.reload();
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) heard = performance.now(); });
    setInterval(() => { if (!document.hidden) contact(); }, 1000);
    contact();
  }

  // After a swap: times, the page's title, output that is followed to its end.
  const follows = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  let following = new Map();
  const boxes = () => document.querySelectorAll("[data-follow]");
  for (const box of boxes()) box.scrollTop = box.scrollHeight;

  document.addEventListener("htmx:before:swap", () => {
    following = new Map([...boxes()].map((box) => [box, follows(box)]));
  });
  document.addEventListener("htmx:after:swap", () => {
    times.tell(document);
    for (const [box, yes] of following) if (yes) box.scrollTop = box.scrollHeight;
    const title = document.querySelector("[data-title]");
    if (title && document.title !== title.dataset.title) document.title = title.dataset.title;
    speak();
    const dialog = $("dialog");
    if (dialog && dialog.childElementCount && !dialog.open && dialog.dataset.asked) {
      delete dialog.dataset.asked;
      dialog.showModal();
      const first = dialog.querySelector("input:not([type=hidden]):not([type=radio]):not([type=checkbox])") || dialog.querySelector("h2");
      if (first) first.focus();
    }
  });

  // Said aloud to who does not see it: another phase, another step; not every number.
  const standing = () => {
    const head = document.querySelector(".headline");
    return head ? `${head.dataset.phase} ${head.dataset.step}` : "";
  };
  let stood = standing();
  function speak() {
    if (standing() === stood) return;
    stood = standing();
    $("spoken").textContent = document.querySelector(".headline .sentence").textContent;
  }

  // Questions: a link to one opens it as a dialog; an answer closes it.
  document.addEventListener("htmx:before:request", (event) => {
    const source = event.detail.ctx.sourceElement;
    if (source && source.getAttribute("hx-target") === "#dialog") $("dialog").dataset.asked = "yes";
  });
  document.addEventListener("htmx:after:request", (event) => {
    const source = event.detail.ctx.sourceElement;
    if (source && source.matches("[data-ask]")) close();
  });
  document.addEventListener("htmx:error", (event) => {
    const source = event.detail.ctx && event.detail.ctx.sourceElement;
    if (!source || source === stream) return;
    tell("bad", "The control plane did not answer, so it is not known whether this was done; look before you try again");
  });

  function close() {
    const dialog = $("dialog");
    if (dialog.open) dialog.close();
    dialog.replaceChildren();
  }

  function tell(tone, text) {
    const line = document.createElement("p");
    line.className = `tone-${tone}`;
    line.dataset.tone = tone;
    line.textContent = text;
    $("notice").replaceChildren(line);
  }

  let fading = 0;
  const notice = $("notice");
  if (notice) {
    new MutationObserver(() => {
      clearTimeout(fading);
      if (notice.querySelector("[data-tone=good]")) fading = setTimeout(() => notice.replaceChildren(), 8000);
    }).observe(notice, { childList: true });
    notice.addEventListener("click", () => notice.replaceChildren());
  }

  document.addEventListener("click", (event) => {
    const off = event.target.closest("[aria-disabled=true]");
    if (off) { event.preventDefault(); tell("held", `Not now: ${off.dataset.why}`); return; }
    const closing = event.target.closest("dialog [data-close]");
    if (closing) { event.preventDefault(); close(); }
  });

  // Filter as one types; the address stays one that can be shared.
  const filter = document.querySelector("form.filter");
  if (filter && $("services")) {
    filter.classList.add("alive");
    let waiting = 0;
    const go = () => {
      const asked = new URLSearchParams(new FormData(filter));
      const here = new URLSearchParams(location.search);
      if ((here.get("q") || "") === asked.get("q") && (here.get("only") || "all") === asked.get("only")) return;
      location.replace(`/?${asked}`);
    };
    const field = $("filter");
    field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(go, 300); });
    filter.addEventListener("change", (event) => { if (event.target.type === "radio") go(); });
    filter.addEventListener("submit", (event) => { event.preventDefault(); go(); });
    if (field.value) { field.focus(); field.setSelectionRange(field.value.length, field.value.length); }
  }

  // Light or dark.
  function turn() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("plainsail-theme", root.dataset.theme); } catch { /* this page only */ }
    document.dispatchEvent(new Event("plainsail:theme"));
  }
  if ($("theme")) $("theme").addEventListener("click", turn);
  if ($("help")) $("help").addEventListener("click", () => $("shortcuts").showModal());

  // Keys.
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const press = (selector) => { const found = document.querySelector(selector); if (found) { event.preventDefault(); found.click(); } };
    const key = event.key;
    if (before === "g" && key === "s") location.href = "/";
    else if (before === "g" && key === "h") location.href = "/history";
    else if (key === "/" && $("filter")) { event.preventDefault(); $("filter").focus(); $("filter").select(); }
    else if (key === "?") $("shortcuts")?.showModal();
    else if (key === "t") turn();
    else if (key === "p") document.querySelector("[data-verb=pause], [data-verb=resume]")?.focus();
    else if (key === "a") press("[data-verb=abort]");
    before = key === "g" ? "g" : "";
  });
})();
