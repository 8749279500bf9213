// Before the first paint: the theme that was chosen, if one was; else the system's.
(() => {
  "use strict";
  const root = document.documentElement;
  try {
    const chosen = localStorage.getItem("plainsail-theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch { /* no storage: the system's */ }
  root.classList.add("scripted");
})();
