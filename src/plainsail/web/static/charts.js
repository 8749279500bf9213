// Charts by uPlot: live ones grow by the stream's points, a rollout's trail is drawn whole.
(() => {
  "use strict";
  if (!window.uPlot) return;
  const times = window.plainsailTimes;
  const WINDOW = 900;
  const COLUMNS = { share: 0, failed: 1, slow: 2, rate: 3, p90: 4 };
  const DASHES = { live: [], candidate: [7, 4], other: [2, 3] };
  const live = { at: [], groups: new Map() };
  const drawn = new Map();
  let roles = {};

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function number(value, unit) {
    if (value == null) return "–";
    if (unit === " ms" && value >= 999.5) return number(value / 1000, " s");
    return `${value.toLocaleString(undefined, { maximumSignificantDigits: 3 })}${unit}`;
  }

  // Hours and minutes; seconds too while the whole chart is a few minutes.
  function hours(_, ticks) {
    const short = ticks.length > 1 && ticks[1] - ticks[0] < 60;
    return ticks.map((at) => (short ? times.clock(at) : times.clock(at).slice(0, 5)));
  }

  function axis(size, unit) {
    return {
      stroke: colour("muted"), size, gap: 4, font: "11px system-ui, sans-serif", space: unit === "time" ? 84 : 26,
      grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1, size: 4 },
      values: unit === "time" ? hours : (_, ticks) => ticks.map((tick) => tick.toLocaleString()),
    };
  }

  // The name of each line at its end, so that nobody needs the colours.
  function named(u) {
    const taken = [];
    u.ctx.save();
    u.ctx.font = `600 ${11 * devicePixelRatio}px system-ui, sans-serif`;
    u.ctx.textBaseline = "middle";
    u.series.forEach((series, index) => {
      if (!index || !series.show || !series.label) return;
      const values = u.data[index];
      let last = values.length - 1;
      while (last >= 0 && values[last] == null) last -= 1;
      if (last < 0) return;
      const x = Math.min(u.valToPos(u.data[0][last], "x", true), u.bbox.left + u.bbox.width);
      let y = u.valToPos(values[last], "y", true);
      const step = 13 * devicePixelRatio;
      while (taken.some((other) => Math.abs(other - y) < step)) y -= step;
      if (y < u.bbox.top) { y = u.bbox.top + step / 2; while (taken.some((other) => Math.abs(other - y) < step)) y += step; }
      taken.push(y);
      u.ctx.fillStyle = series.ink;
      u.ctx.textAlign = x > u.bbox.left + u.bbox.width * 0.75 ? "right" : "left";
      u.ctx.lineWidth = 3 * devicePixelRatio;
      u.ctx.strokeStyle = colour("surface");
      const shift = (u.ctx.textAlign === "right" ? -4 : 4) * devicePixelRatio;
      u.ctx.strokeText(series.label, x + shift, y - 7 * devicePixelRatio);
      u.ctx.fillText(series.label, x + shift, y - 7 * devicePixelRatio);
    });
    u.ctx.restore();
  }

  function level(value, text) {
    return (u) => {
      const y = u.valToPos(value, "y", true);
      if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) return;
      u.ctx.save();
      u.ctx.strokeStyle = colour("ink");
      u.ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
      u.ctx.beginPath();
      u.ctx.moveTo(u.bbox.left, y);
      u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
      u.ctx.stroke();
      u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
      u.ctx.fillStyle = colour("muted");
      u.ctx.textAlign = "left";
      u.ctx.textBaseline = "bottom";
      u.ctx.fillText(text, u.bbox.left + 4 * devicePixelRatio, y - 3 * devicePixelRatio);
      u.ctx.restore();
    };
  }

  function line(label, role, unit, step) {
    const ink = colour(role === "live" || role === "candidate" ? role : role === "harm" ? "bad" : role === "good" ? "good" : "muted");
    const dash = role === "harm" ? [] : role === "good" ? [7, 4] : DASHES[role] || DASHES.other;
    return {
      label, ink, look: role, stroke: ink, width: 2, dash, spanGaps: false, points: { show: false },
      value: (_, value) => number(value, unit),
      ...(step ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
    };
  }

  function size(figure) {
    return { width: Math.max(200, figure.clientWidth), height: figure.classList.contains("tall") ? 200 : 150 };
  }

  // What each line is at now, or under the pointer: beside the chart's name, in words and numbers.
  function values(figure, u) {
    let place = figure.querySelector(".values");
    if (!place) {
      place = document.createElement("span");
      place.className = "values";
      figure.querySelector("figcaption").append(place);
    }
    const pointed = u.cursor.idx;
    const parts = u.series.slice(1).flatMap((series, index) => {
      const column = u.data[index + 1];
      let at = pointed ?? column.length - 1;
      for (let back = 0; pointed == null && back < 15 && at > 0 && column[at] == null; back += 1) at -= 1;
      if (column[at] == null) return [];
      const part = document.createElement("span");
      const key = document.createElement("i");
      key.className = `key key-${series.look}`;
      part.append(key, `${series.label} ${series.value(u, column[at])}`);
      return [part];
    });
    if (pointed != null) {
      const time = document.createElement("span");
      time.textContent = times.clock(u.data[0][pointed]);
      parts.unshift(time);
    }
    place.replaceChildren(...parts);
  }

  // Draw, or only give new data when the lines are the same.
  function draw(figure, data, series, options) {
    const key = JSON.stringify([series.map((one) => [one.label, one.ink]), options.key]);
    const old = drawn.get(figure);
    const visible = data[0].length > 1 && series.length > 0;
    if (!old && !visible) { figure.hidden = Boolean(options.hideEmpty); return; }
    figure.hidden = options.hideEmpty && !visible;
    if (figure.hidden) return;
    if (old && old.key === key) { old.plot.setData(data); values(figure, old.plot); return; }
    if (old) old.plot.destroy();
    const plot = new uPlot({
      ...size(figure),
      padding: [10, 28, 0, 0],
      cursor: { y: false, sync: { key: options.sync } },
      legend: { show: false },
      scales: { x: { time: true, range: options.range }, y: { range: options.y } },
      axes: [axis(24, "time"), axis(44, options.unit)],
      series: [{}, ...series],
      hooks: { draw: [...(options.levels || []), named], setCursor: [(u) => values(figure, u)] },
    }, data, figure);
    drawn.set(figure, { plot, key });
    values(figure, plot);
  }

  const zeroUp = (least) => (_, low, high) => [0, Math.max(least, (high || 0) * 1.3)];

  function names() {
    const found = {};
    for (const element of document.querySelectorAll("[data-groups]")) Object.assign(found, JSON.parse(element.dataset.groups));
    roles = found;
  }

  function drawLive() {
    names();
    const latest = [...live.groups].filter(([, columns]) => columns[0].some((share) => share != null));
    for (const figure of document.querySelectorAll("[data-chart]")) {
      const kind = figure.dataset.chart;
      const column = COLUMNS[kind];
      const shown = latest.filter(([, columns]) => kind === "share" ? columns[0].some((value) => value) : columns[column].some((value) => value != null));
      const data = [live.at, ...shown.map(([, columns]) => columns[column])];
      const unit = { share: " %", failed: " %", slow: " %", rate: "/s", p90: " ms" }[kind];
      const series = shown.map(([group]) => {
        const [version, role] = roles[group] || [group, "other"];
        return line(version, role, unit, kind === "share");
      });
      draw(figure, data, series, {
        key: kind, sync: "live", unit, hideEmpty: kind === "p90" && !shown.length,
        range: (u, low, high) => [Math.max(low, high - WINDOW), Math.max(high, low + 60)],
        y: kind === "share" ? () => [0, 104] : zeroUp(kind === "rate" || kind === "p90" ? 10 : 1),
      });
    }
  }

  function add(moments) {
    for (const [at, groups] of moments) {
      if (live.at.length && at <= live.at[live.at.length - 1]) continue;
      for (const group of Object.keys(groups)) {
        if (!live.groups.has(group)) live.groups.set(group, Array.from({ length: 5 }, () => live.at.map(() => null)));
      }
      live.at.push(at);
      for (const [group, columns] of live.groups) columns.forEach((column, index) => column.push(groups[group] ? groups[group][index] : null));
    }
    const cut = live.at.findIndex((at) => at > live.at[live.at.length - 1] - WINDOW);
    if (cut > 0) {
      live.at.splice(0, cut);
      for (const [group, columns] of live.groups) {
        columns.forEach((column) => column.splice(0, cut));
        if (columns[0].every((value) => value == null)) live.groups.delete(group);
      }
    }
    drawLive();
  }

  function drawTrail(trail) {
    const range = (u, low, high) => [low, Math.max(high, low + 5)];
    for (const figure of document.querySelectorAll("[data-trail]")) {
      const kind = figure.dataset.trail;
      const options = { key: kind, sync: "trail", hideEmpty: true, range };
      if (kind === "evidence") {
        draw(figure, [trail.at, trail.harm, trail.good], [line("harm", "harm", ""), line("safe", "good", "")], {
          ...options, y: (_, low, high) => [Math.min(0, low ?? 0) - 0.1, Math.max(1.2, high ?? 0) + 0.05],
          levels: [level(1, "the line: over it harm is taken back, and what is safe goes on")],
        });
      } else if (kind === "share") {
        draw(figure, [trail.at, trail.share], [line("candidate", "candidate", " %", true)], { ...options, y: () => [0, 104] });
      } else {
        draw(figure, [trail.at, ...trail[kind]], [line("candidate", "candidate", " %"), line("live", "live", " %")], { ...options, y: zeroUp(1) });
      }
    }
  }

  let lastTrail = null;
  const stream = document.querySelector("[data-stream]");
  if (stream) {
    stream.addEventListener("samples", (event) => add(JSON.parse(event.detail.data)));
    stream.addEventListener("trail", (event) => { lastTrail = JSON.parse(event.detail.data); drawTrail(lastTrail); });
  }
  const kept = document.getElementById("trail");
  if (kept) { lastTrail = JSON.parse(kept.textContent); drawTrail(lastTrail); }

  function again() {
    for (const { plot } of drawn.values()) plot.destroy();
    drawn.clear();
    if (live.at.length) drawLive();
    if (lastTrail) drawTrail(lastTrail);
  }
  document.addEventListener("plainsail:theme", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new ResizeObserver(() => {
    for (const [figure, { plot }] of drawn) {
      const wanted = size(figure);
      if (plot.width !== wanted.width) plot.setSize(wanted);
    }
  }).observe(document.body);
})();
