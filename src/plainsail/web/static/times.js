// Times as people say them, by the server's clock; the exact time, in the reader's own zone, is in the title.
(() => {
  "use strict";
  const began = Number(document.body.dataset.now) * 1000;
  let offset = (began || Date.now()) - Date.now();
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

  function lasting(seconds) {
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
      if (seconds >= size * 1.5) return `${Math.round(seconds / size)} ${unit}`;
    }
    return `${Math.round(seconds)} s`;
  }

  function clock(at) {
    const date = new Date(at * 1000);
    return [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
  }

  function said(at, form) {
    const age = Math.max(0, (Date.now() + offset) / 1000 - at);
    if (form === "for") return lasting(age);
    if (form === "in") return `in ${lasting(Math.max(0, at - (Date.now() + offset) / 1000))}`;
    if (form === "clock" && age < 43200) return clock(at);
    if (form === "clock") {
      const date = new Date(at * 1000);
      return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")} ${clock(at).slice(0, 5)}`;
    }
    return `${lasting(age)} ago`;
  }

  function tell(root) {
    for (const element of root.querySelectorAll("time[data-at]")) {
      const at = Number(element.dataset.at);
      const text = said(at, element.dataset.form);
      if (element.textContent !== text) element.textContent = text;
      if (element.dataset.titled !== element.dataset.at) {
        element.title = exact.format(new Date(at * 1000));
        element.dataset.titled = element.dataset.at;
      }
    }
  }

  window.plainsailTimes = {
    tell, lasting, clock,
    set(now) { offset = now * 1000 - Date.now(); },
    now: () => (Date.now() + offset) / 1000,
  };
  tell(document);
  setInterval(() => tell(document), 1000);
})();
