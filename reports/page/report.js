"use strict";
// Charts are drawn when they are first seen; the page itself works without any of this.
(function () {
  const root = document.documentElement;
  const drawn = new Map(); // element -> chart
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));

  function colour(name) {
    return getComputedStyle(root).getPropertyValue(name).trim();
  }

  function font() {
    return getComputedStyle(document.body).fontFamily;
  }

  // themed looks colours up that the options name as var(--name).
  function themed(value) {
    if (typeof value === "string") {
      const name = /^var\((--[a-z-]+)\)$/.exec(value);
      return name ? colour(name[1]) : value;
    }
    if (Array.isArray(value)) return value.map(themed);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v)]));
  }

  function digits(v, n) {
    return String(Number(v.toFixed(n)));
  }

  // time writes milliseconds as the tables do.
  function time(ms) {
    if (ms === 0) return "0";
    if (ms < 1) return digits(ms * 1000, 0) + " µs";
    if (ms < 10) return digits(ms, 1) + " ms";
    if (ms < 1000) return digits(ms, 0) + " ms";
    return digits(ms / 1000, ms < 10000 ? 2 : 1) + " s";
  }

  function escape(text) {
    return String(text).replace(/[&<>"']/g, (c) => "&#" + c.charCodeAt(0) + ";");
  }

  const tips = {
    ecdf: (all) => all.map((p) => escape(p.seriesName) + "<br>" + digits(100 * p.value[1], 1) + " % within " + time(p.value[0])).join("<br>"),
    box: (p) => {
      const v = p.value.slice(-5);
      return escape(p.name) + ["shortest", "quartile", "median", "quartile", "longest"].map((n, i) => "<br>" + n + " " + time(v[i])).join("");
    },
    phases: (p) => escape(p.name) + ": " + escape(p.seriesName) + " " + time(p.value),
    pareto: (p) => escape(p.name) + "<br>failover " + time(p.value[0]) + "<br>false failovers " + digits(p.value[1], 2) + " per hour",
  };

  // dress gives an axis the look of the page.
  function dress(axis, label) {
    axis.axisLine = { show: axis.type === "category", lineStyle: { color: colour("--line") } };
    axis.axisTick = { show: false };
    axis.splitLine = { show: axis.type !== "category", lineStyle: { color: colour("--line") } };
    // ECharts measures labels in another font than it writes them in, unless the axis itself names one.
    axis.axisLabel = { color: colour("--soft"), fontSize: 12, fontFamily: font(), formatter: label };
  }

  // graduate ends a linear axis on a tick: about so many, 1, 2 or 5 times a power of ten apart.
  function graduate(axis, ticks) {
    const power = Math.pow(10, Math.floor(Math.log10(axis.max / ticks)));
    axis.interval = power * [1, 2, 5, 10].find((f) => f * power * ticks >= axis.max * 0.999);
    axis.max = axis.interval * Math.ceil(axis.max / axis.interval - 0.001);
  }

  function option(el) {
    const kind = el.dataset.kind;
    const o = themed(JSON.parse(document.getElementById(el.dataset.option).textContent));
    const narrow = el.clientWidth < 480;
    dress(o.xAxis[0], time);
    dress(o.yAxis[0], kind === "ecdf" ? (v) => digits(100 * v, 0) + " %" : undefined);
    if (o.xAxis[0].type === "value") graduate(o.xAxis[0], narrow ? 3 : 6);
    o.textStyle = { fontFamily: font() };
    o.grid = { left: 4, right: kind === "ecdf" ? 42 : 26, // half of the label of a bound at the very end
      top: { ecdf: 44, box: 8, phases: 30, pareto: narrow ? 84 : 60 }[kind], bottom: 4, containLabel: true };
    o.legend = { show: kind !== "box", left: 0, top: 0, itemWidth: 14, itemHeight: 8, textStyle: { color: colour("--ink"), fontSize: 12 } };
    o.tooltip = { trigger: o.tooltip.trigger, axisPointer: { lineStyle: { color: colour("--soft") } }, confine: true, formatter: tips[kind], backgroundColor: colour("--ink"), textStyle: { color: colour("--paper"), fontSize: 12 } };
    if (kind === "pareto") {
      graduate(o.yAxis[0], 5);
      for (const s of o.series) if (s.label) Object.assign(s.label, { rotate: 40, align: "left", distance: 9 }); // names run over each other less
    }
    if (kind === "phases") {
      for (const d of o.series.flatMap((s) => s.data)) {
        d.label.formatter = (p) => time(p.value);
        if (narrow && d.value < 0.2 * o.xAxis[0].max) d.label.show = false;
      }
    }
    return o;
  }

  function draw(el) {
    if (!window.echarts || el.clientWidth === 0) return;
    let chart = drawn.get(el);
    if (!chart) drawn.set(el, (chart = echarts.init(el)));
    chart.resize();
    chart.setOption(option(el), true);
  }

  function redraw() {
    for (const el of drawn.keys()) draw(el);
  }

  all(".chart").filter((el) => !el.closest("details")).forEach(draw); // the others wait until they are seen
  for (const details of all("details.scenario")) {
    details.addEventListener("toggle", () => details.open && all(".chart", details).forEach(draw));
  }
  let pending = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(redraw);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  window.addEventListener("beforeprint", () => { root.classList.add("print"); redraw(); });
  window.addEventListener("afterprint", () => { root.classList.remove("print"); redraw(); });

  // holds tells whether seeds written as 1..20,99 name one.
  function holds(seeds, seed) {
    return seeds.split(",").some((part) => {
      const [from, to] = part.split("..");
      return from !== "" && BigInt(from) <= seed && seed <= BigInt(to || from);
    });
  }

  // tellSeed says in an open scenario what became of one of its seeds, and how to play it again.
  function tellSeed(el, text) {
    const line = el.querySelector(".one-seed");
    line.hidden = !/^[0-9]+$/.test(text);
    if (line.hidden) return;
    const there = holds(el.dataset.seeds, BigInt(text));
    const bad = there && holds(el.dataset.bad, BigInt(text));
    line.querySelector("span").textContent = "Seed " + text + (there ? (bad ? " did not hold." : " held.") : " was not played.");
    line.querySelector("code").textContent = el.dataset.replay.replace("{seed}", text);
  }

  // A link to a scenario opens it; one to scenario/seed goes to that run's failure, or says what became of it.
  function follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    const cut = hash.lastIndexOf("/");
    const failure = cut > 0 && document.getElementById(hash);
    const el = document.getElementById(hash) && !failure ? document.getElementById(hash) : document.getElementById(hash.slice(0, Math.max(0, cut)));
    if (!el || !el.matches("details.scenario")) return;
    el.hidden = false;
    el.open = true;
    all(".chart", el).forEach(draw);
    tellSeed(el, cut > 0 ? hash.slice(cut + 1) : "");
    (failure || el).scrollIntoView();
    if (failure) failure.focus({ preventScroll: true });
  }

  // Arrow keys go from scenario to scenario, a slash to the search.
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const form = document.getElementById("page:filter");
    if (e.key === "/" && form && !e.target.matches("input, select")) {
      form.elements.text.focus();
      e.preventDefault();
    }
    if ((e.key !== "ArrowDown" && e.key !== "ArrowUp") || !e.target.matches("details.scenario > summary")) return;
    const shown = all("details.scenario:not([hidden]) > summary");
    const next = shown[shown.indexOf(e.target) + (e.key === "ArrowDown" ? 1 : -1)];
    if (next) next.focus();
    e.preventDefault();
  });
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (e) => {
    const link = e.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) follow(); // no hashchange then
  });
  follow();

  // The filter looks at all text of a scenario: its section, its failures and its row.
  const form = document.getElementById("page:filter");
  if (!form) return; // a page without scenarios
  const sections = all("details.scenario").map((el) => {
    const also = all("[data-for]").filter((other) => other.dataset.for === el.id);
    return { el, also, text: [el, ...also].map(words).join(" ").toLowerCase() };
  });

  // words are what a reader sees of an element: no scripts.
  function words(el) {
    const copy = el.cloneNode(true);
    all("script", copy).forEach((s) => s.remove());
    return copy.textContent;
  }

  function filter() {
    const text = form.elements.text.value.trim().toLowerCase();
    const verdict = form.elements.verdict.value;
    let shown = 0;
    for (const s of sections) {
      const show = s.text.includes(text) && (!verdict || s.el.dataset.verdict === verdict);
      s.el.hidden = !show;
      for (const other of s.also) other.hidden = !show;
      if (show) shown++;
    }
    const on = text || verdict;
    form.querySelector("output").textContent = on ? shown + " of " + sections.length : "";
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (e) => e.preventDefault());
})();
