'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);
  const T = data.texts, C = data.changes, M = data.messages, WIDE = 7;
  const mostNodes = 40, mostRows = 120, mostCards = 24, gutter = 120, lane = 26, top = 16;
  const longest = data.length || 1, shortest = 2000;
  const styles = getComputedStyle(document.documentElement);
  const colour = name => styles.getPropertyValue('--' + name).trim();
  const seconds = us => (us / 1e6).toFixed(us % 1000 ? 6 : 3) + ' s';

  // What every node has said of itself, by name: when, and what.
  const facts = data.nodes.map(() => new Map());
  for (let i = 0; i < C.length; i += 4) {
    const of = facts[C[i + 1]], name = C[i + 2];
    if (!of.has(name)) of.set(name, []);
    of.get(name).push(C[i], C[i + 3]);
  }
  // fact is the last change up to a time: [when, text], or nothing.
  const fact = (list, t) => {
    let lo = 0, hi = list.length / 2;
    while (lo < hi) { const mid = (lo + hi) >> 1; if (list[2 * mid] <= t) lo = mid + 1; else hi = mid; }
    return lo ? [list[2 * lo - 2], list[2 * lo - 1]] : null;
  };
  const process = T.indexOf('process');
  const down = (n, t) => { const f = facts[n].get(process), is = f && fact(f, t); return !is || !T[is[1]].startsWith('up'); };

  // What is shown.
  let now = Math.min(data.start, longest), span = Math.min(2e6, longest), from = 0, routine = false, playing = 0, hovered = -1;
  const shown = data.nodes.map((n, i) => i < 4 * mostNodes && ['controller', 'engine', 'cloud'].includes(n.role));
  if (shown.filter(Boolean).length > mostNodes) { let left = mostNodes; shown.forEach((s, i) => { shown[i] = s && left-- > 0; }); }
  const kinds = [...new Set(Array.from({length: M.length / WIDE}, (_, i) => M[i * WIDE + 4]))].sort((a, b) => T[a] < T[b] ? -1 : 1);
  const hidden = new Set();
  const lanes = () => shown.flatMap((s, i) => s ? [i] : []);
  const wanted = i => (routine || !M[i + 6]) && !hidden.has(M[i + 4]) && shown[M[i + 2]] && shown[M[i + 3]];
  // first is the place of the first message that was sent at a time or later.
  const first = t => {
    let lo = 0, hi = M.length / WIDE;
    while (lo < hi) { const mid = (lo + hi) >> 1; if (M[mid * WIDE] < t) lo = mid + 1; else hi = mid; }
    return lo * WIDE;
  };
  const slowest = (() => { let s = 0; for (let i = 0; i < M.length; i += WIDE) s = Math.max(s, M[i + 1] - M[i]); return s; })();

  const prepare = (canvas, height) => {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
    canvas.style.height = height + 'px';
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    const g = canvas.getContext('2d');
    g.scale(ratio, ratio); g.clearRect(0, 0, width, height);
    g.font = '12px system-ui, sans-serif'; g.textBaseline = 'middle';
    return [g, width];
  };
  const shade = (g, name, alpha, draw) => { g.save(); g.globalAlpha = alpha; g.fillStyle = colour(name); draw(); g.restore(); };

  const dark = o => o.blip ? .4 : .9; // how strong an outage is drawn

  const drawOverview = () => {
    const [g, width] = prepare($('overview'), 40), x = t => t / longest * width;
    for (const f of data.faults) shade(g, 'fault', .3, () => g.fillRect(x(f.begin), 14, Math.max(2, x(f.end) - x(f.begin)), 26));
    for (const o of data.outages) shade(g, 'api', dark(o), () => g.fillRect(x(o.begin), 4, Math.max(2, x(o.end) - x(o.begin)), 6));
    g.strokeStyle = colour('link'); g.lineWidth = 1.5;
    g.strokeRect(x(from), 1, Math.max(3, x(span)), 38);
    g.fillStyle = colour('link'); g.fillRect(x(now) - 1, 0, 2, 40);
  };

  const step = () => { // of the time axis: the least round one that leaves room for labels
    for (let s = 100; ; s *= 10) for (const k of [1, 2, 5]) if (s * k >= span / 8) return s * k;
  };

  const drawDiagram = () => {
    const rows = lanes(), height = top + rows.length * lane + 24;
    const [g, width] = prepare($('diagram'), Math.max(height, 80));
    const x = t => gutter + (t - from) / span * (width - gutter), y = n => top + rows.indexOf(n) * lane + lane / 2;
    const till = from + span;
    g.save(); g.beginPath(); g.rect(gutter, 0, width - gutter, height); g.clip();
    for (const f of data.faults) if (f.begin <= till && f.end >= from) for (const n of f.nodes || []) if (shown[n])
      shade(g, 'fault', .16, () => g.fillRect(x(f.begin), y(n) - lane / 2, Math.max(1, x(f.end) - x(f.begin)), lane));
    for (const o of data.outages) if (o.begin <= till && o.end >= from) shade(g, 'api', dark(o), () => g.fillRect(x(o.begin), 4, Math.max(2, x(o.end) - x(o.begin)), 6));
    g.fillStyle = colour('soft'); g.strokeStyle = colour('line');
    for (let t = Math.ceil(from / step()) * step(); t <= till; t += step()) {
      g.beginPath(); g.moveTo(x(t), top); g.lineTo(x(t), height - 20); g.stroke();
      g.fillText((t / 1e6).toFixed(span < 1e5 ? 4 : span < 1e6 ? 3 : 1), x(t) + 3, height - 10);
    }
    drawLanes(g, rows, x, y, till);
    drawMessages(g, x, y, till);
    g.strokeStyle = colour('link'); g.lineWidth = 2;
    g.beginPath(); g.moveTo(x(now), 0); g.lineTo(x(now), height); g.stroke();
    g.restore();
    g.fillStyle = colour('ink');
    for (const n of rows) g.fillText(data.nodes[n].name.slice(0, 17), 6, y(n));
  };

  // A line for every node, dashed while its process is down.
  const drawLanes = (g, rows, x, y, till) => {
    g.lineWidth = 1.5;
    for (const n of rows) {
      const list = facts[n].get(process) || [];
      const line = (a, b, is) => {
        g.strokeStyle = colour(is ? 'other' : 'fault'); g.setLineDash(is ? [] : [3, 4]);
        g.beginPath(); g.moveTo(x(Math.max(a, from)), y(n)); g.lineTo(x(Math.min(b, till)), y(n)); g.stroke();
      };
      let at = 0, up = false;
      for (let i = 0; i < list.length; i += 2) {
        if (i && list[i] > from && at < till) line(at, list[i], up); // before the first there is no such node
        at = list[i]; up = T[list[i + 1]].startsWith('up');
      }
      line(at, till, up);
    }
    g.setLineDash([]);
  };

  const inks = ['services', 'announce', 'converge', 'decide', 'pass', 'error', 'api'];
  const ink = kind => colour(inks[kinds.indexOf(kind) % inks.length]);
  const drawn = [];
  const mostArrows = 6000;

  const drawMessages = (g, x, y, till) => {
    drawn.length = 0;
    let skipped = 0;
    for (let i = first(from - slowest); i < M.length && M[i] <= till; i += WIDE) {
      if (!wanted(i)) continue;
      if (drawn.length >= mostArrows) { skipped++; continue; }
      const lost = !M[i + 1], x1 = x(M[i]), y1 = y(M[i + 2]), x2 = lost ? x1 + 6 : Math.max(x(M[i + 1]), x1 + 1);
      const y2 = lost ? (y1 + y(M[i + 3])) / 2 : y(M[i + 3]);
      if (x2 < gutter) continue;
      drawn.push([i, x1, y1, x2, y2]);
      g.strokeStyle = g.fillStyle = lost ? colour('over') : ink(M[i + 4]);
      g.globalAlpha = M[i + 6] ? .45 : 1; g.lineWidth = i === hovered ? 3 : 1.2;
      g.beginPath(); g.moveTo(x1, y1); g.lineTo(x2, y2); g.stroke();
      head(g, x1, y1, x2, y2, lost);
    }
    g.globalAlpha = 1;
    if (skipped) { g.fillStyle = colour('over'); g.fillText(`${skipped} more messages: zoom in`, gutter + 8, top - 6); }
  };
  const head = (g, x1, y1, x2, y2, lost) => {
    if (lost) { g.beginPath(); g.moveTo(x2 - 3, y2 - 3); g.lineTo(x2 + 3, y2 + 3); g.moveTo(x2 + 3, y2 - 3); g.lineTo(x2 - 3, y2 + 3); g.stroke(); return; }
    const a = Math.atan2(y2 - y1, x2 - x1);
    g.beginPath(); g.moveTo(x2, y2);
    for (const turn of [2.7, -2.7]) g.lineTo(x2 + 6 * Math.cos(a + turn), y2 + 6 * Math.sin(a + turn));
    g.fill();
  };

  const make = (tag, text, css) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (css) e.className = css; return e; };

  const drawState = () => {
    const struck = new Set(), force = [];
    for (const f of data.faults) if (f.begin <= now && now < f.end) { force.push(f.name + ((f.nodes || []).length ? ' at ' + f.nodes.map(n => data.nodes[n].name).join(', ') : '')); (f.nodes || []).forEach(n => struck.add(n)); }
    const dark = data.outages.filter(o => o.begin <= now && now < o.end).map(o => o.name);
    $('inforce').textContent = (force.length ? 'Faults in force: ' + force.join('; ') + '. ' : 'No fault is in force. ') + dark.join('. ') + (now > data.complete ? ' How nodes stand was not recorded this far.' : '');
    const rows = lanes().filter(n => [...facts[n].values()].some(list => list[0] <= now)), cards = rows.slice(0, mostCards).map(n => {
      const card = make('article', undefined, 'node' + (down(n, now) ? ' down' : '') + (struck.has(n) ? ' struck' : ''));
      card.append(make('h3', data.nodes[n].name));
      const dl = make('dl');
      for (const [name, list] of facts[n]) {
        const is = fact(list, now);
        if (!is || !is[1]) continue;
        const fresh = is[0] && now - is[0] < span / 20 ? 'new' : '';
        dl.append(make('dt', T[name]), make('dd', T[is[1]], fresh));
      }
      card.append(dl);
      return card;
    });
    if (rows.length > mostCards) cards.push(make('p', `${rows.length - mostCards} more: choose them under “nodes”.`, 'small'));
    $('state').replaceChildren(...cards);
    $('now').textContent = seconds(now);
  };

  // Events and messages of the time that is shown, the nearest ones if there are too many.
  const drawList = () => {
    let rows = [];
    for (const e of data.events) if (e.at >= from && e.at <= from + span) rows.push([e.at, e.text, 'event']);
    for (let i = first(from); i < M.length && M[i] <= from + span; i += WIDE) if (wanted(i))
      rows.push([M[i], `${data.nodes[M[i + 2]].name} → ${data.nodes[M[i + 3]].name}: ${T[M[i + 5]]}${M[i + 1] ? `, takes ${(M[i + 1] - M[i]) / 1e3} ms` : ', lost'}`, M[i + 1] ? '' : 'lost']);
    rows.sort((a, b) => a[0] - b[0]);
    let here = rows.findIndex(r => r[0] > now);
    if (here < 0) here = rows.length;
    const begin = Math.max(0, Math.min(here - mostRows / 2, rows.length - mostRows)), cut = rows.length > mostRows;
    rows = rows.slice(begin, begin + mostRows);
    const items = rows.map(([at, text, css]) => {
      const li = make('li', undefined, css + (at > now ? ' later' : '')), b = make('button', (at / 1e6).toFixed(6));
      b.addEventListener('click', () => go(at));
      li.append(b, make('span', text));
      return li;
    });
    items.splice(here - begin, 0, make('li', '', 'cursor'));
    if (cut) items.push(make('li', 'and more: zoom in', 'small'));
    $('list').replaceChildren(...items);
  };

  let due = false;
  const draw = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; drawOverview(); drawDiagram(); drawState(); drawList(); });
  };

  const clamp = (v, lo, hi) => Math.min(Math.max(v, lo), hi);
  const show = (t, s) => { span = clamp(s, Math.min(shortest, longest), longest); from = clamp(t, 0, longest - span); $('span').textContent = seconds(span); draw(); };
  const go = t => {
    now = clamp(Math.round(t), 0, longest);
    $('slider').value = Math.round(now / 1000); $('at').value = (now / 1e6).toFixed(3);
    try { history.replaceState(null, '', '#' + (now / 1e6)); } catch { /* some browsers refuse that of files */ }
    if (now < from || now > from + span) show(now - span / 2, span); else draw();
  };
  const zoom = (by, at = now) => { const s = clamp(span * by, Math.min(shortest, longest), longest); show(at - (at - from) * s / span, s); };
  const hop = way => {
    const there = data.events.map(e => e.at).filter(t => way > 0 ? t > now : t < now);
    if (there.length) go(way > 0 ? there[0] : there[there.length - 1]);
  };
  const play = () => {
    playing = playing ? 0 : performance.now();
    $('play').setAttribute('aria-pressed', String(!!playing)); $('play').textContent = playing ? 'pause' : 'play';
    const turn = t => { // what is shown takes ten seconds
      if (!playing) return;
      go(now + (t - playing) / 1e4 * span); playing = t;
      if (now < longest) requestAnimationFrame(turn); else play();
    };
    if (playing) requestAnimationFrame(turn);
  };

  const choices = (box, list, is, set) => {
    const all = make('label'), tick = make('input');
    tick.type = 'checkbox'; tick.checked = list.every(i => is(i));
    all.append(tick, ' all of these');
    const field = make('fieldset'), ticks = list.map(i => {
      const label = make('label'), input = make('input');
      input.type = 'checkbox'; input.checked = is(i);
      input.addEventListener('change', () => { set(i, input.checked); draw(); });
      label.append(input, ' ' + (box.id === 'nodes' ? data.nodes[i].name : T[i]));
      field.append(label, make('br'));
      return input;
    });
    tick.addEventListener('change', () => { list.forEach((i, k) => { set(i, tick.checked); ticks[k].checked = tick.checked; }); draw(); });
    field.prepend(all, make('br'));
    box.append(field);
  };
  for (const role of [...new Set(data.nodes.map(n => n.role))])
    choices($('nodes'), data.nodes.flatMap((n, i) => n.role === role ? [i] : []), i => shown[i], (i, on) => { shown[i] = on; });
  choices($('kinds'), kinds, k => !hidden.has(k), (k, on) => { if (on) hidden.delete(k); else hidden.add(k); });

  $('slider').max = Math.floor(longest / 1000);
  $('slider').addEventListener('input', e => go(e.target.value * 1000));
  $('at').addEventListener('change', e => { const t = parseFloat(e.target.value); if (!Number.isNaN(t)) go(t * 1e6); });
  $('back').addEventListener('click', () => hop(-1));
  $('forward').addEventListener('click', () => hop(1));
  $('play').addEventListener('click', play);
  $('in').addEventListener('click', () => zoom(.5));
  $('out').addEventListener('click', () => zoom(2));
  $('routine').addEventListener('change', e => { routine = e.target.checked; draw(); });

  const time = (canvas, e, left) => { const r = canvas.getBoundingClientRect(); return clamp((e.clientX - r.left - left) / (r.width - left), 0, 1); };
  $('overview').addEventListener('pointerdown', e => { const t = time($('overview'), e, 0) * longest; show(t - span / 2, span); go(t); });
  let dragged = null;
  const diagram = $('diagram');
  diagram.addEventListener('pointerdown', e => { dragged = {x: e.clientX, from, moved: false}; diagram.setPointerCapture(e.pointerId); });
  diagram.addEventListener('pointerup', e => { if (dragged && !dragged.moved) go(from + time(diagram, e, gutter) * span); dragged = null; });
  diagram.addEventListener('pointermove', e => {
    if (dragged) {
      const by = e.clientX - dragged.x;
      dragged.moved = dragged.moved || Math.abs(by) > 4;
      if (dragged.moved) show(dragged.from - by / (diagram.clientWidth - gutter) * span, span);
      return;
    }
    const r = diagram.getBoundingClientRect(), px = e.clientX - r.left, py = e.clientY - r.top;
    let best = -1, nearest = 8;
    for (const [i, x1, y1, x2, y2] of drawn) {
      const long = Math.hypot(x2 - x1, y2 - y1) || 1, k = clamp(((px - x1) * (x2 - x1) + (py - y1) * (y2 - y1)) / long / long, 0, 1);
      const away = Math.hypot(px - x1 - k * (x2 - x1), py - y1 - k * (y2 - y1));
      if (away < nearest) { nearest = away; best = i; }
    }
    if (best !== hovered) { hovered = best; draw(); }
    diagram.title = best < 0 ? '' : `${seconds(M[best])} ${data.nodes[M[best + 2]].name} → ${data.nodes[M[best + 3]].name}: ${T[M[best + 5]]}${M[best + 1] ? '' : ', lost'}`;
  });
  diagram.addEventListener('wheel', e => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    zoom(e.deltaY > 0 ? 1.25 : .8, from + time(diagram, e, gutter) * span);
  }, {passive: false});
  document.addEventListener('keydown', e => {
    if (e.ctrlKey || e.altKey || e.metaKey || e.target.matches('input:not([type=checkbox]), summary')) return;
    const keys = {ArrowLeft: () => go(now - span / 50), ArrowRight: () => go(now + span / 50), '+': () => zoom(.5), '-': () => zoom(2), ',': () => hop(-1), '.': () => hop(1), Home: () => go(0), End: () => go(longest)};
    if (e.key === ' ' && !e.target.matches('button, input')) keys[' '] = play;
    if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
  });
  window.addEventListener('resize', draw);
  window.addEventListener('hashchange', () => { const t = parseFloat(location.hash.slice(1)); if (!Number.isNaN(t)) go(t * 1e6); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);

  const asked = parseFloat(location.hash.slice(1));
  const opens = Number.isNaN(asked) ? now : asked * 1e6;
  show(opens - span / 4, span);
  go(opens);
})();
