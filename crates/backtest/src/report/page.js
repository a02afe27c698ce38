'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const unpack = (runs) => {
    const values = [];
    for (let i = 0; i < runs.length; i += 2) for (let n = 0; n < runs[i]; n++) values.push(runs[i + 1]);
    return values;
  };
  const rows = data.load.length, needed = unpack(data.needed);
  const contenders = data.contenders.map((c) => ({ ...c, wanted: unpack(c.wanted), ready: unpack(c.ready), violated: unpack(c.violated), chosen: -1 }));
  const view = { from: 0, to: Math.max(rows, 1), cross: null, brush: null };
  const panels = document.getElementById('panels'), tip = document.getElementById('tip');
  const LEFT = 44, RIGHT = 8, TOP = 6, BOTTOM = 18;
  const MINUTE = 60e3, HOUR = 36e5, DAY = 864e5;
  const time = (row) => data.start + row * data.distance;
  const stamp = (ms) => new Date(ms).toISOString().replace('T', ' ').replace(/(\.000)?Z$/, '');
  const short = (value) => value >= 1e6 ? +(value / 1e6).toPrecision(3) + 'M' : value >= 1e4 ? +(value / 1e3).toPrecision(3) + 'k' : String(+value.toPrecision(4));
  const node = (name, text, className) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // One panel for the load, and one a contender.
  const drawn = [null, ...contenders].map((contender) => {
    const panel = node('div', '', 'panel'), title = node('h3', contender ? contender.name : `load (${data.unit})`);
    if (contender) title.append(node('small', `SLO broken for ${contender.minutes} min, ${contender.hours} pod-hours`));
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', contender ? `Replicas of ${contender.name} over time` : 'Load over time');
    const why = node('p', '', 'why');
    why.hidden = true;
    panel.append(title, svg, why);
    panels.append(panel);
    return { contender, svg, why, height: contender ? 130 : 110 };
  });

  const scaleX = (width) => (row) => LEFT + (row - view.from) / (view.to - view.from) * (width - LEFT - RIGHT);
  const unscaleX = (width, x) => view.from + (x - LEFT) / (width - LEFT - RIGHT) * (view.to - view.from);
  const visible = () => [Math.max(0, Math.floor(view.from)), Math.min(rows, Math.ceil(view.to))];

  // Steps as one path; several rows of one pixel become their extremes.
  const steps = (values, x, y, width) => {
    const [first, last] = visible();
    const stride = Math.max(1, Math.floor((last - first) / width));
    let path = '', before = null;
    for (let row = first; row < last; row += stride) {
      let low = values[row], high = low;
      for (let next = row + 1; next < Math.min(row + stride, last); next++) {
        low = Math.min(low, values[next]);
        high = Math.max(high, values[next]);
      }
      const px = x(row).toFixed(1);
      if (before === null) path += `M${px} ${y(high).toFixed(1)}`;
      else path += `H${px}`;
      if (high !== before || low !== high) path += `V${y(high).toFixed(1)}`;
      if (low !== high) path += `V${y(low).toFixed(1)}V${y(values[Math.min(row + stride, last) - 1]).toFixed(1)}`;
      before = low === high ? high : null;
      if (before === null) before = NaN;
    }
    return path + `H${x(last).toFixed(1)}`;
  };

  const ticks = (most) => {
    const power = 10 ** Math.floor(Math.log10(Math.max(most, 1e-9) / 3));
    const step = [1, 2, 5, 10].map((f) => f * power).find((s) => most / s <= 4) || 10 * power;
    const found = [];
    for (let value = 0; value <= most; value += step) found.push(value);
    return found;
  };
  const timeTicks = (width) => {
    const [from, to] = [time(view.from), time(view.to)];
    const sizes = [1e3, 5e3, 15e3, 30e3, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 84 * DAY, 364 * DAY];
    const size = sizes.find((s) => (to - from) / s <= width / 90) || sizes.at(-1);
    const found = [];
    for (let at = Math.ceil(from / size) * size; at <= to; at += size) {
      const text = stamp(at);
      found.push([(at - data.start) / data.distance, size > 28 * DAY ? text.slice(0, 7) : size >= DAY || at % DAY === 0 ? text.slice(5, 10) : text.slice(11, size < MINUTE ? 19 : 16)]);
    }
    return found;
  };

  const marks = (contender, x, y) => {
    let svg = '', busy = -1e9;
    contender.decisions.forEach(([ms, , from, to], index) => {
      const row = (ms - data.start) / data.distance;
      if (row < view.from || row > view.to) return;
      const px = x(row), isChosen = index === contender.chosen;
      if (px - busy < 5 && !isChosen) return;
      busy = px;
      const py = y(contender.wanted[Math.min(rows - 1, Math.floor(row))] ?? to), d = to > from ? -1 : 1;
      svg += `<path class="mark-${to > from ? 'out' : 'in'}${isChosen ? ' mark-chosen' : ''}" data-decision="${index}" d="M${(px - 4).toFixed(1)} ${(py - 3 * d).toFixed(1)}h8l-4 ${7 * d}z"/>`;
    });
    return svg;
  };

  const draw = () => {
    for (const { contender, svg, height } of drawn) {
      const width = Math.max(260, svg.parentElement.clientWidth - 16), x = scaleX(width);
      svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
      const [first, last] = visible();
      let most = 0;
      for (let row = first; row < last; row++) {
        most = Math.max(most, contender ? Math.max(needed[row], contender.wanted[row], contender.ready[row]) : data.load[row]);
      }
      most = most * 1.08 || 1;
      const y = (value) => TOP + (1 - value / most) * (height - TOP - BOTTOM), foot = height - BOTTOM;
      let inner = '';
      for (const value of ticks(most)) inner += `<path class="grid" d="M${LEFT} ${y(value).toFixed(1)}H${width - RIGHT}"/><text class="axis" text-anchor="end" x="${LEFT - 5}" y="${(y(value) + 4).toFixed(1)}">${short(value)}</text>`;
      for (const [row, label] of timeTicks(width)) inner += `<path class="grid" d="M${x(row).toFixed(1)} ${TOP}V${foot}"/><text class="axis" text-anchor="middle" x="${Math.min(Math.max(x(row), LEFT + 20), width - RIGHT - 20).toFixed(1)}" y="${height - 4}">${label}</text>`;
      if (!contender) inner += `<path class="line-load" d="${steps(data.load, x, y, width)}"/>`;
      else {
        const area = steps(needed, x, y, width);
        inner += `<path class="area-needed" d="${area}V${foot}H${x(first).toFixed(1)}Z"/>`;
        for (let row = first, from = -1; row <= last; row++) {
          const isBad = row < last && contender.violated[row];
          if (isBad && from < 0) from = row;
          if (!isBad && from >= 0) {
            inner += `<rect class="shade" x="${x(from).toFixed(1)}" y="${TOP}" width="${Math.max(1.5, x(row) - x(from)).toFixed(1)}" height="${foot - TOP}"/>`;
            from = -1;
          }
        }
        inner += `<path class="line-wanted" d="${steps(contender.wanted, x, y, width)}"/><path class="line-ready" d="${steps(contender.ready, x, y, width)}"/>` + marks(contender, x, y);
      }
      if (view.cross !== null) inner += `<path class="cross" d="M${x(view.cross).toFixed(1)} ${TOP}V${foot}"/>`;
      if (view.brush) inner += `<rect class="brush" x="${Math.min(x(view.brush[0]), x(view.brush[1])).toFixed(1)}" y="${TOP}" width="${Math.abs(x(view.brush[1]) - x(view.brush[0])).toFixed(1)}" height="${foot - TOP}"/>`;
      svg.innerHTML = inner;
    }
    document.getElementById('range').textContent = `${stamp(time(view.from)).slice(0, 16)} to ${stamp(time(view.to)).slice(0, 16)} UTC`;
  };

  let waiting = false;
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
  const show = (from, to) => {
    const size = Math.min(Math.max(to - from, Math.min(rows, 8)), rows);
    const begin = Math.min(Math.max(from, 0), rows - size);
    view.from = begin;
    view.to = begin + size;
    redraw();
  };
  const zoom = (factor, around = (view.from + view.to) / 2) => show(around - (around - view.from) * factor, around + (view.to - around) * factor);
  const move = (share) => { const by = (view.to - view.from) * share; show(view.from + by, view.to + by); };
  document.getElementById('in').onclick = () => zoom(0.5);
  document.getElementById('out').onclick = () => zoom(2);
  document.getElementById('left').onclick = () => move(-0.5);
  document.getElementById('right').onclick = () => move(0.5);
  document.getElementById('all').onclick = () => show(0, rows);
  panels.addEventListener('keydown', (event) => {
    const keys = { ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), '+': () => zoom(0.5), '-': () => zoom(2), 0: () => show(0, rows) };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  });

  // What is to be said about a moment, and the nearest decision of the panel that is pointed at.
  const nearest = (contender, row, reach) => {
    let best = -1, distance = reach;
    contender.decisions.forEach(([ms], index) => {
      const away = Math.abs((ms - data.start) / data.distance - row);
      if (away < distance) { distance = away; best = index; }
    });
    return best;
  };
  const explained = (contender, index) => {
    const [ms, member, from, to, steps] = contender.decisions[index];
    const name = data.members.length > 1 ? `${data.members[member]} ` : '';
    return `${stamp(ms)} ${name}${from} → ${to}: ${steps.join(', ')}`;
  };
  const hover = (panel, event) => {
    const box = panel.svg.getBoundingClientRect(), width = panel.svg.viewBox.baseVal.width;
    const row = unscaleX(width, (event.clientX - box.left) / box.width * width);
    if (row < view.from || row > view.to) return leave();
    view.cross = row;
    const at = Math.min(rows - 1, Math.max(0, Math.floor(row)));
    tip.replaceChildren(node('b', stamp(time(at))));
    const table = node('table');
    const line = (...cells) => { const tr = node('tr'); cells.forEach((cell) => tr.append(node('td', cell))); table.append(tr); };
    line('load', short(data.load[at]), `needed ${needed[at]}`);
    contenders.forEach((c) => line(c.name, `${c.ready[at]} ready`, `${c.wanted[at]} wanted${c.violated[at] ? ', SLO broken' : ''}`));
    tip.append(table);
    const reach = 8 / (width - LEFT - RIGHT) * (view.to - view.from);
    const decision = panel.contender ? nearest(panel.contender, row, reach) : -1;
    if (decision >= 0) tip.append(node('div', explained(panel.contender, decision)));
    tip.hidden = false;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${Math.max(8, Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8))}px`;
    redraw();
    return decision;
  };
  const leave = () => { view.cross = null; tip.hidden = true; redraw(); return -1; };
  for (const panel of drawn) {
    const rowOf = (event) => {
      const box = panel.svg.getBoundingClientRect(), width = panel.svg.viewBox.baseVal.width;
      return Math.min(view.to, Math.max(view.from, unscaleX(width, (event.clientX - box.left) / box.width * width)));
    };
    let pressed = null;
    panel.svg.addEventListener('pointerdown', (event) => { pressed = { x: event.clientX, row: rowOf(event) }; });
    panel.svg.addEventListener('pointermove', (event) => {
      hover(panel, event);
      if (pressed && event.pointerType === 'mouse' && Math.abs(event.clientX - pressed.x) > 4) view.brush = [pressed.row, rowOf(event)];
    });
    panel.svg.addEventListener('pointerup', (event) => {
      const brush = view.brush;
      view.brush = null;
      if (pressed && brush) show(Math.min(...brush), Math.max(...brush));
      else if (pressed && panel.contender) {
        const decision = hover(panel, event);
        panel.contender.chosen = decision;
        panel.why.hidden = decision < 0;
        if (decision >= 0) panel.why.textContent = explained(panel.contender, decision);
      }
      pressed = null;
      redraw();
    });
    panel.svg.addEventListener('pointerleave', () => { pressed = null; view.brush = null; leave(); });
    panel.svg.addEventListener('dblclick', () => show(0, rows));
    panel.svg.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1.25 : 0.8, rowOf(event));
    }, { passive: false });
  }
  addEventListener('resize', redraw);
  addEventListener('beforeprint', draw);
  draw();
})();
