"use strict";
// Figures and tables are unpacked from compressed text. Each Explorer object has the state of one interactive map.

async function unpacked(id) {
  const letters = document.getElementById(id).textContent.trim();
  let bytes = Uint8Array.fromBase64?.(letters);
  if (!bytes) {
    const binary = atob(letters);
    bytes = new Uint8Array(binary.length);
    for (let place = 0; place < binary.length; place++) bytes[place] = binary.charCodeAt(place);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// Start each part of the page once: as soon as it is within a screen of the view, or when the browser is idle.
class Parts {
  constructor() {
    this.waiting = new Map();
    this.observer = new IntersectionObserver(entries => {
      for (const entry of entries) if (entry.isIntersecting) this.start(entry.target);
    }, { rootMargin: "100% 0%" });
  }

  add(node, start) { this.waiting.set(node, start); this.observer.observe(node); }

  async start(node) {
    const start = this.waiting.get(node);
    this.waiting.delete(node);
    this.observer.unobserve(node);
    if (start) await start();
  }

  // Start all parts that are left, in order, whenever the browser has nothing else to do.
  async rest() {
    const idle = window.requestIdleCallback ?? (then => setTimeout(then, 50));
    while (this.waiting.size) {
      await new Promise(then => idle(then, { timeout: 1000 }));
      const [node] = this.waiting.keys();
      if (node) await this.start(node);
    }
  }
}

function showFigures(parts) {
  for (const image of document.querySelectorAll("img[data-packed]")) {
    parts.add(image, async () => {
      const drawing = await unpacked(image.dataset.packed);
      image.src = URL.createObjectURL(new Blob([drawing], { type: "image/svg+xml" }));
    });
  }
  enlargeFigures();
  for (const button of document.querySelectorAll("button[data-numbers]")) {
    button.addEventListener("click", async () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([await unpacked(button.dataset.numbers)], { type: "text/csv" }));
      link.download = button.dataset.name;
      link.click();
    });
  }
}

// A figure opens as large as the window allows, but at least readable; the buttons change its size by a factor of 1.5.
function enlargeFigures() {
  const zoom = document.getElementById("zoom"), pane = zoom.querySelector("div"), readableWidth = 640;
  const image = () => pane.querySelector("img");
  const fittingWidth = () => Math.min(pane.clientWidth, pane.clientHeight * image().naturalWidth / image().naturalHeight);
  const scaleBy = factor => { image().style.width = `${Math.max(fittingWidth(), image().clientWidth * factor)}px`; };
  const [close, larger, smaller] = zoom.querySelectorAll("button");
  close.addEventListener("click", () => zoom.close());
  larger.addEventListener("click", () => scaleBy(1.5));
  smaller.addEventListener("click", () => scaleBy(1 / 1.5));
  for (const button of document.querySelectorAll("button.zoom")) {
    button.addEventListener("click", () => {
      const shown = [...button.querySelectorAll("img")].find(each => each.offsetParent);
      pane.replaceChildren(shown.cloneNode());
      zoom.showModal();
      image().style.width = `${Math.max(fittingWidth(), readableWidth)}px`;
    });
  }
}

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "rect", "text", "marker", "circle", "title"].includes(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c510a", "#7b5ea7", "#01665e"];
const IDLE_OPERATIONS = new Set(["none", "zero", "identity", "id", "skip", "skip_connect"]);

// Black or white, whichever contrasts more with a background color "#rrggbb".
function textColorOn(background) {
  const [red, green, blue] = [1, 3, 5].map(place => (parseInt(background.slice(place, place + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000000" : "#ffffff";
}

function operationsOf(drawing) {
  const labels = drawing.arrows.map(arrow => arrow[2]).concat(drawing.nodes.filter(node => node[4]).map(node => node[1]));
  return labels.filter(label => label);
}

// An SVG of a network. If `other` is given, nodes and arrows that differ from it are marked.
function picture(drawing, operations, other) {
  const known = other && new Set([...other.nodes.map(node => `${node[0]} ${node[1]}`), ...other.arrows.map(arrow => arrow.slice(0, 3).join())]);
  const isNew = key => other && !known.has(key);
  const widthOf = node => Math.max(18, 7 * node[1].length + 8);
  const colorOf = label => IDLE_OPERATIONS.has(label) ? color("--faint") : PALETTE[operations.indexOf(label) % PALETTE.length];
  const at = new Map(drawing.nodes.map(node => [node[0], node]));
  const scale = 70, xs = [], ys = [];
  const svg = element("svg", { role: "img", "aria-label": "the network" });
  for (const [source, target, label, bend] of drawing.arrows) {
    const [a, b] = [at.get(source), at.get(target)];
    const [ax, ay, bx, by] = [a[2] * scale, -a[3] * scale, b[2] * scale, -b[3] * scale];
    const [cx, cy] = [(ax + bx) / 2 + bend * (by - ay), (ay + by) / 2 - bend * (bx - ax)];
    const stroke = label ? colorOf(label) : color("--faint");
    const path = `M${ax},${ay} Q${cx},${cy} ${bx},${by}`;
    if (isNew([source, target, label].join())) svg.append(element("path", { d: path, class: "changed", "stroke-width": 10 }));
    svg.append(element("path", { d: path, fill: "none", stroke,
      "stroke-width": 2, "stroke-dasharray": label === "none" ? "2 4" : "none" }));
    const [mx, my] = [(ax + 2 * cx + bx) / 4, (ay + 2 * cy + by) / 4];
    xs.push(mx); ys.push(my);
    const length = Math.hypot(bx - cx, by - cy) || 1, [alongX, alongY] = [(bx - cx) / length, (by - cy) / length];
    const back = 4 + Math.min(widthOf(b) / 2 / Math.abs(alongX), 11 / Math.abs(alongY));
    svg.append(element("path", { d: "M-6,-4 L3,0 L-6,4 Z", fill: stroke,
      transform: `translate(${bx - alongX * back},${by - alongY * back}) rotate(${Math.atan2(alongY, alongX) * 180 / Math.PI})` }));
    if (label) {
      const text = element("text", { x: mx, y: my + 4, "text-anchor": "middle", "font-size": 12, fill: color("--ink") });
      text.textContent = label.replace("nor_", "").replaceAll("_", " ");
      const width = 7 * text.textContent.length;
      svg.append(element("rect", { x: mx - width / 2, y: my - 8, width, height: 16, fill: color("--panel") }), text);
    }
  }
  for (const node of drawing.nodes) {
    const [, label, x, y, operation, shape] = node, width = widthOf(node);
    if (isNew(`${node[0]} ${label}`)) svg.append(element("rect", { x: x * scale - width / 2, y: -y * scale - 11, width,
      height: 22, rx: 5, class: "changed", "stroke-width": 12 }));
    xs.push(x * scale - width / 2, x * scale + width / 2); ys.push(-y * scale - 14, -y * scale + (shape ? 28 : 14));
    svg.append(element("rect", { x: x * scale - width / 2, y: -y * scale - 11, width, height: 22, rx: 5,
      fill: operation ? colorOf(label) : color("--ground"), stroke: color("--faint") }));
    const text = element("text", { x: x * scale, y: -y * scale + 4, "text-anchor": "middle", "font-size": 12,
      fill: operation ? textColorOn(colorOf(label)) : color("--ink") });
    text.textContent = label;
    svg.append(text);
    if (shape) {
      const below = element("text", { x: x * scale, y: -y * scale + 24, "text-anchor": "middle", "font-size": 10,
        fill: color("--ink"), stroke: color("--panel"), "stroke-width": 3, "paint-order": "stroke" },
        element("title", {}, "output shape: channels x height x width"));
      below.append(shape);
      svg.append(below);
    }
  }
  const [left, right, high, low] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  svg.setAttribute("viewBox", `${left - 12} ${high - 18} ${right - left + 24} ${low - high + 36}`);
  return svg;
}

// The colors of a quantity, from low to high: viridis, without its darkest part on a dark ground.
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const scaleColors = () => isDark() ? VIRIDIS.slice(2) : VIRIDIS;

function colorOf(share) {
  const colors = scaleColors(), at = Math.max(0, Math.min(1, share)) * (colors.length - 1), below = Math.min(Math.floor(at), colors.length - 2);
  const [low, high] = [colors[below], colors[below + 1]].map(text => [1, 3, 5].map(place => parseInt(text.slice(place, place + 2), 16)));
  return `rgb(${low.map((part, i) => Math.round(part + (high[i] - part) * (at - below))).join()})`;
}

// Points on a canvas. The mouse drags the map and zooms it with Ctrl and the wheel; touch and the wheel alone scroll the page.
class Scatter {
  constructor(plot, explorer) {
    this.explorer = explorer;
    this.points = [];
    this.canvas = element("canvas");
    this.tip = element("div", { class: "tip" });
    this.tip.hidden = true;
    plot.replaceChildren(this.canvas, this.tip);
    let from = null, moved = false;
    this.canvas.addEventListener("mousedown", event => { from = [event.clientX, event.clientY]; moved = false; event.preventDefault(); });
    addEventListener("mouseup", () => { from = null; });
    addEventListener("mousemove", event => {
      if (!from) return;
      const { width, height } = this.canvas.getBoundingClientRect(), { x, y } = explorer.shownArea;
      const [across, down] = [event.clientX - from[0], event.clientY - from[1]];
      if (Math.hypot(across, down) > 3) moved = true;
      if (!moved) return;
      const [dx, dy] = [-across / width * (x[1] - x[0]), down / height * (y[1] - y[0])];
      explorer.show({ x: x.map(end => end + dx), y: y.map(end => end + dy) });
      from = [event.clientX, event.clientY];
    });
    this.canvas.addEventListener("click", event => { const point = !moved && this.nearest(event); if (point) explorer.choose(point.place); });
    this.canvas.addEventListener("mousemove", event => this.showTip(event));
    this.canvas.addEventListener("mouseleave", () => { this.tip.hidden = true; });
    this.canvas.addEventListener("wheel", event => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = this.canvas.getBoundingClientRect(), { x, y } = explorer.shownArea, by = Math.exp(event.deltaY / 300);
      const [atX, atY] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
      const zoomed = ([low, high], share) => { const center = low + share * (high - low); return [center - (center - low) * by, center + (high - center) * by]; };
      explorer.show({ x: zoomed(x, atX), y: zoomed(y, atY) });
    }, { passive: false });
    new ResizeObserver(() => this.draw()).observe(plot);
  }

  // The position of a point in pixels of the canvas.
  at(point, width, height) {
    const { x, y } = this.explorer.shownArea;
    return [(point.x - x[0]) / (x[1] - x[0]) * width, (1 - (point.y - y[0]) / (y[1] - y[0])) * height];
  }

  draw() {
    const { width, height } = this.canvas.getBoundingClientRect(), scale = devicePixelRatio || 1;
    if (!width) return;
    const [pixelsAcross, pixelsDown] = [Math.round(width * scale), Math.round(height * scale)];
    if (this.canvas.width !== pixelsAcross || this.canvas.height !== pixelsDown) Object.assign(this.canvas, { width: pixelsAcross, height: pixelsDown });
    const pen = this.canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    for (const point of this.points) {
      const [x, y] = this.at(point, width, height);
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      pen.globalAlpha = point.strength;
      pen.fillStyle = point.color;
      pen.beginPath();
      pen.arc(x, y, point.radius, 0, 2 * Math.PI);
      pen.fill();
      if (!point.edgeWidth) continue;
      pen.strokeStyle = point.edge;
      pen.lineWidth = point.edgeWidth;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  // The point nearest to a click or tap within 16 pixels, because a finger does not hit a point exactly.
  nearest(event) {
    const box = this.canvas.getBoundingClientRect();
    let best = null, least = 16;
    for (const point of this.points) {
      const [x, y] = this.at(point, box.width, box.height), away = Math.hypot(x + box.left - event.clientX, y + box.top - event.clientY);
      if (away < least) [best, least] = [point, away];
    }
    return best;
  }

  showTip(event) {
    const point = this.nearest(event), box = this.canvas.getBoundingClientRect();
    this.tip.hidden = !point;
    if (!point) return;
    this.tip.textContent = `${this.explorer.colorColumn.value}: ${point.value}\n${this.explorer.data.architecture[point.place]}`;
    const left = event.clientX - box.left;
    Object.assign(this.tip.style, { left: `${Math.min(left + 12, box.width - 40)}px`, top: `${event.clientY - box.top + 12}px` });
  }
}

class Explorer {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.operations = [...new Set(data.drawings.flatMap(operationsOf))].sort();
    this.operationSets = data.drawings.map(drawing => new Set(operationsOf(drawing)));
    this.names = Object.keys(data.columns);
    this.reported = data.columns[this.names[0]];
    this.bestFirst = this.reported.map((_, place) => place).filter(place => this.reported[place] !== null)
      .sort((a, b) => this.reported[b] - this.reported[a]);
    this.selected = this.bestFirst[0];
    this.before = null;
    this.ranges = new Map();
    this.area = { x: extent(data.x), y: extent(data.y) };
    this.shownArea = this.area;
    this.timer = null;
    const methods = Object.keys(data.methods);
    this.sides = [methods.find(name => name === "lissnas") ?? methods[0], methods.find(name => name === "operation-pruning") ?? methods[1]]
      .filter(name => name);
    this.build();
  }

  get lastRound() { return Math.max(...this.sides.map(name => this.data.methods[name].length)); }

  select(label, options, chosen) {
    const menu = element("select", {}, ...options.map(option => element("option", { value: option }, option)));
    if (chosen !== undefined) menu.value = chosen;
    menu.addEventListener("change", () => this.update());
    return [element("label", {}, label, menu), menu];
  }

  build() {
    const limits = name => this.data.columns[name].filter(value => value !== null);
    const controls = element("div", { class: "controls" });
    const add = ([label, input]) => { controls.append(label); return input; };
    this.colorColumn = add(this.select("color by", this.names, this.names[0]));
    this.colorColumn.addEventListener("change", () => this.update());
    this.filterColumn = add(this.select("filter by", this.names, this.names[0]));
    this.filterColumn.addEventListener("change", () => { this.setLimits(); this.update(); });
    const range = (label, attributes) => {
      const slider = element("input", { type: "range", ...attributes }), value = element("output");
      slider.addEventListener("input", () => this.update());
      return [element("label", {}, element("span", {}, label, " ", value), slider), slider, value];
    };
    const [atLeast, least, leastValue] = range("at least", { step: "any" });
    const [atMost, most, mostValue] = range("at most", { step: "any" });
    [this.least, this.most] = [least, most];
    controls.append(atLeast, atMost);
    this.operation = add(this.select("with operation", ["any", ...this.operations]));
    this.setLimits = () => {
      const values = limits(this.filterColumn.value), [low, high] = [Math.min(...values), Math.max(...values)];
      for (const slider of [this.least, this.most]) { slider.min = low; slider.max = high; }
      this.least.value = low; this.most.value = high;
    };
    this.setLimits();
    this.count = element("p", { class: "count", "aria-live": "polite" });
    const [inRound, round, roundValue] = range("round", { min: 0, max: this.lastRound, step: 1, value: this.lastRound });
    round.addEventListener("input", () => this.stop());
    this.round = round;
    this.showValues = () => {
      leastValue.value = Number(least.value).toPrecision(4);
      mostValue.value = Number(most.value).toPrecision(4);
      roundValue.value = round.value;
    };
    this.player = element("button", { type: "button", class: "play" }, "Play");
    this.player.addEventListener("click", () => this.timer ? this.stop() : this.play());
    this.sideSelects = this.sides.map((name, side) => {
      const [label, menu] = this.select(side ? "second map" : "first map", Object.keys(this.data.methods), name);
      menu.addEventListener("change", () => { this.sides[side] = menu.value; round.max = this.lastRound; this.update(); });
      return label;
    });
    const zooms = Object.entries({ "Zoom in": 0.5, "Zoom out": 2, "Full map": 0 }).map(([name, by]) => {
      const button = element("button", { type: "button" }, name);
      button.addEventListener("click", () => this.zoom(by));
      return button;
    });
    const playing = element("div", { class: "controls" }, ...this.sideSelects, inRound, this.player, ...zooms);
    this.maps = element("div", { class: "maps" });
    this.captions = this.sides.map(() => element("p"));
    this.plots = this.sides.map((_, side) => {
      const plot = element("div", { class: "plot" });
      this.maps.append(element("div", { class: "map" }, plot, this.captions[side]));
      return new Scatter(plot, this);
    });
    this.legend = element("p", { class: "legend" });
    const pager = Object.entries({ Better: -1, Worse: 1 }).map(([name, by]) => {
      const button = element("button", { type: "button", title: `Select the next network with a ${by < 0 ? "higher" : "lower"} ${this.names[0]}` }, name);
      button.addEventListener("click", () => this.step(by));
      return button;
    });
    this.facts = element("div", { class: "facts" });
    this.details = element("div", { class: "details", tabindex: 0, role: "group",
      "aria-label": "The selected network; arrow keys select the next better or worse one" },
      element("p", { class: "pager" }, ...pager, element("span", { class: "faint" }, `by ${this.names[0]}`)), this.facts);
    this.details.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) { event.preventDefault(); this.step(step); }
    });
    this.root.replaceChildren(controls, this.count, playing, element("div", { class: "body" },
      element("div", {}, this.maps, this.legend), this.details));
  }

  get isFiltered() {
    return this.operation.value !== "any" || Number(this.least.value) > Number(this.least.min) || Number(this.most.value) < Number(this.most.max);
  }

  // The networks that pass the filters, best first.
  get order() { return this.bestFirst.filter(place => this.isShown(place)); }

  isShown(place) {
    const value = this.data.columns[this.filterColumn.value][place];
    const within = value !== null && value >= Number(this.least.value) - 1e-9 && value <= Number(this.most.value) + 1e-9;
    const required = this.operation.value;
    return within && (required === "any" || this.operationSets[place].has(required));
  }

  update() {
    const round = Number(this.round.value), all = this.data.x.length;
    const shown = this.data.x.filter((_, place) => this.isShown(place)).length;
    this.showValues();
    if (shown && !this.isShown(this.selected)) { this.selected = this.order[0] ?? this.selected; this.before = null; }
    this.count.textContent = `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} networks on the map${this.isFiltered ? " pass the filters" : ""}`;
    this.showLegend();
    this.plots.forEach((plot, side) => {
      const rounds = this.data.methods[this.sides[side]];
      const current = round === 0 ? null : rounds[Math.min(round, rounds.length) - 1];
      const kept = current === null ? null : new Set(current.members);
      plot.points = this.points(kept);
      plot.draw();
      this.captions[side].textContent = current === null
        ? `${this.sides[side]}, before the first round: the full space of ${this.data.size.toLocaleString("en")} networks`
        : `${this.sides[side]}, round ${Math.min(round, rounds.length)} of ${rounds.length}: ${current.size.toLocaleString("en")} networks, ` +
          `recall of the top 1 % ${current.recall.toFixed(2)}, ${current.evaluations.toLocaleString("en")} evaluations`;
    });
    this.describe();
  }

  // The values of the first and last color; the worst 15 % share one color, so that the others are distinguishable.
  get colorRange() {
    const name = this.colorColumn.value;
    if (!this.ranges.has(name)) {
      const values = this.data.columns[name].filter(value => value !== null).sort((a, b) => a - b);
      this.ranges.set(name, [values[Math.floor(0.15 * values.length)], values[values.length - 1]]);
    }
    return this.ranges.get(name);
  }

  showLegend() {
    const bar = element("span", { class: "bar", style: `background: linear-gradient(to right, ${scaleColors().join()})` });
    const [low, high] = this.colorRange.map(value => Number(value).toPrecision(4));
    this.legend.replaceChildren(`${this.colorColumn.value}: up to ${low} `, bar, ` ${high}`);
  }

  // The points to draw: networks that pass the filters. Kept ones are larger and more opaque; null means all are kept.
  points(kept) {
    const points = [], marked = color("--mark"), edge = color("--faint"), [low, high] = this.colorRange;
    const near = new Set(this.data.neighbors.place[this.selected]), shades = Array.from({ length: 101 }, (_, i) => colorOf(i / 100));
    this.data.columns[this.colorColumn.value].forEach((value, place) => {
      if (value === null || !this.isShown(place)) return;
      const isKept = kept === null || kept.has(place), chosen = place === this.selected;
      const share = high > low ? Math.max(0, Math.min(1, (value - low) / (high - low))) : 1;
      points.push({ place, x: this.data.x[place], y: this.data.y[place], value, color: shades[Math.round(100 * share)],
        strength: isKept ? 0.95 : 0.35, radius: chosen ? 7 : isKept ? 3.7 : 2.1,
        edge: chosen || near.has(place) ? marked : edge, edgeWidth: chosen ? 3 : near.has(place) ? 2 : isKept ? 0.5 : 0 });
    });
    return points.sort((a, b) => a.radius - b.radius);
  }

  // Show a part of the plane on both maps.
  show(area) {
    this.shownArea = area;
    this.plots.forEach(plot => plot.draw());
  }

  // Zoom in or out around the selected network, or show the full map again (by = 0).
  zoom(by) {
    const zoomed = side => {
      const [low, high] = this.shownArea[side], half = (high - low) / 2 * by, middle = this.data[side][this.selected];
      return [middle - half, middle + half];
    };
    this.show(by ? { x: zoomed("x"), y: zoomed("y") } : this.area);
  }

  // `before` is the network from which an edit leads to the selected one; both are drawn.
  choose(place, before = null) {
    this.before = before;
    this.selected = place;
    this.update();
  }

  step(by) {
    const order = this.order, at = order.indexOf(this.selected);
    if (order.length) this.choose(order[Math.max(0, Math.min(order.length - 1, at + by))]);
  }

  describe() {
    const place = this.selected, order = this.order, rank = order.indexOf(place) + 1;
    if (!order.length) { this.facts.replaceChildren(element("p", {}, "No network passes the filters. Widen them.")); return; }
    const numbers = element("table", {}, element("tbody", {}, ...this.names.map(name =>
      element("tr", {}, element("td", {}, name), element("td", { class: "number" }, String(this.data.columns[name][place] ?? "missing"))))));
    const all = element("details", {}, element("summary", {}, "All columns"), numbers);
    all.open = this.facts.querySelector("details")?.open ?? false;
    const left = element("div", {},
      element("h3", {}, `Network ${rank.toLocaleString("en")} of ${order.length.toLocaleString("en")} ${this.isFiltered ? "that pass the filters" : "on the map"}, best first`),
      element("p", { class: "faint architecture" }, element("code", {}, this.data.architecture[place])),
      ...this.pictures(place), all);
    const ownScore = this.reported[place];
    const { edits, edit: editNumbers, place: places, score: scores } = this.data.neighbors;
    const listed = editNumbers[place].map((_, i) => i).filter(i => !this.isFiltered || (places[place][i] >= 0 && this.isShown(places[place][i])));
    const rows = listed.map(i => {
      const which = editNumbers[place][i];
      const edit = edits[which], neighbor = places[place][i], score = scores[place][i];
      const cell = neighbor < 0 ? element("span", {}, edit) : element("button", { type: "button" }, edit);
      if (neighbor >= 0) cell.addEventListener("click", () => this.choose(neighbor, place));
      const gain = score === null || ownScore === null ? "" : (score - ownScore >= 0 ? "+" : "\u2212") + Math.abs(score - ownScore).toFixed(2);
      return element("tr", {}, element("td", {}, cell), element("td", { class: "number" }, score === null ? "missing" : String(score)),
        element("td", { class: "number" }, gain));
    });
    const heading = this.isFiltered ? `Neighbors on the map that pass the filters: ${rows.length} of ${this.data.degrees[place]}`
      : `The best ${rows.length} of its ${this.data.degrees[place]} neighbors`;
    const right = element("div", {}, element("h3", {}, heading),
      element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, element("th", {}, "edit"),
        element("th", {}, this.names[0]), element("th", {}, "change"))), element("tbody", {}, ...rows))),
      element("p", { class: "faint" }, "Neighbors have a ring on the map; an edit without a link leads to a network that is not on the map."));
    const hadFocus = this.facts.contains(document.activeElement);
    this.facts.replaceChildren(left, right);
    if (hadFocus) this.details.focus({ preventScroll: true });
  }

  pictures(place) {
    const drawings = this.data.drawings;
    if (this.before === null) return [picture(drawings[place], this.operations)];
    const [before, after] = [drawings[this.before], drawings[place]];
    return [element("p", { class: "faint" }, "Before the edit"), picture(before, this.operations, after),
      element("p", { class: "faint" }, "After the edit"), picture(after, this.operations, before)];
  }

  play() {
    if (Number(this.round.value) >= this.lastRound) this.round.value = 0;
    this.player.textContent = "Stop";
    this.update();
    this.timer = setInterval(() => {
      this.round.value = Number(this.round.value) + 1;
      this.update();
      if (Number(this.round.value) >= this.lastRound) this.stop();
    }, 900);
  }

  stop() { clearInterval(this.timer); this.timer = null; this.player.textContent = "Play"; }
}

// The smallest and the largest value, with a margin.
function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  const margin = 0.03 * (high - low) || 1;
  return [low - margin, high + margin];
}

function showExplorers(parts) {
  const explorers = [];
  for (const root of document.querySelectorAll(".explorer")) {
    parts.add(root, async () => {
      const explorer = new Explorer(root, JSON.parse(await unpacked(root.dataset.packed)));
      explorer.update();
      explorers.push(explorer);
      root.dataset.ready = "yes";
      performance.mark(`explorer ${explorers.length}`);
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => explorers.forEach(explorer => explorer.update()));
}

// Say that a table is wider than the screen, and shade its edge until its last column is in view.
function hintAtHiddenColumns() {
  for (const pane of document.querySelectorAll(".first .scroll")) {
    const show = () => {
      const hidden = pane.scrollWidth - pane.clientWidth;
      pane.previousElementSibling.hidden = hidden <= 1;
      pane.classList.toggle("more", hidden - pane.scrollLeft > 1);
    };
    pane.addEventListener("scroll", show, { passive: true });
    new ResizeObserver(show).observe(pane);
    show();
  }
}

hintAtHiddenColumns();
const parts = new Parts();
showExplorers(parts);
showFigures(parts);
parts.rest().then(() => { document.body.dataset.ready = "yes"; });
