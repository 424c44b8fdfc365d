"use strict";
// Figures and numbers come out of packed text; each explorer keeps its state in one object and draws all of it anew.

async function unpacked(id) {
  const letters = atob(document.getElementById(id).textContent.trim());
  const bytes = Uint8Array.from(letters, letter => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

async function showFigures() {
  for (const image of document.querySelectorAll("img[data-packed]")) {
    const drawing = await unpacked(image.dataset.packed);
    image.src = URL.createObjectURL(new Blob([drawing], { type: "image/svg+xml" }));
  }
  const zoom = document.getElementById("zoom");
  zoom.querySelector("button").addEventListener("click", () => zoom.close());
  for (const button of document.querySelectorAll("button.zoom")) {
    button.addEventListener("click", () => {
      zoom.querySelector("div").replaceChildren(button.querySelector("img").cloneNode());
      zoom.showModal();
    });
  }
  for (const button of document.querySelectorAll("button[data-numbers]")) {
    button.addEventListener("click", async () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([await unpacked(button.dataset.numbers)], { type: "text/csv" }));
      link.download = button.dataset.name;
      link.click();
    });
  }
}

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "rect", "text", "marker", "circle", "title"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c510a", "#7b5ea7", "#01665e"];
const NOTHING = new Set(["none", "zero", "identity", "id", "skip", "skip_connect"]);

function operationsOf(drawing) {
  const labels = drawing.arrows.map(arrow => arrow[2]).concat(drawing.nodes.filter(node => node[4]).map(node => node[1]));
  return labels.filter(label => label);
}

function drawn(drawing, operations) {
  const shade = label => NOTHING.has(label) ? colour("--faint") : PALETTE[operations.indexOf(label) % PALETTE.length];
  const at = new Map(drawing.nodes.map(node => [node[0], node]));
  const scale = 70, xs = [], ys = [];
  const picture = element("svg", { role: "img", "aria-label": "the network" });
  for (const [source, target, label, bend] of drawing.arrows) {
    const [a, b] = [at.get(source), at.get(target)];
    const [ax, ay, bx, by] = [a[2] * scale, -a[3] * scale, b[2] * scale, -b[3] * scale];
    const [cx, cy] = [(ax + bx) / 2 + bend * (by - ay), (ay + by) / 2 - bend * (bx - ax)];
    const stroke = label ? shade(label) : colour("--faint");
    picture.append(element("path", { d: `M${ax},${ay} Q${cx},${cy} ${bx},${by}`, fill: "none", stroke,
      "stroke-width": 2, "stroke-dasharray": label === "none" ? "2 4" : "none" }));
    const [mx, my] = [(ax + 2 * cx + bx) / 4, (ay + 2 * cy + by) / 4];
    xs.push(mx); ys.push(my);
    const length = Math.hypot(bx - ax, by - ay) || 1, back = 26 / length;
    const tip = element("path", { d: "M-6,-4 L3,0 L-6,4 Z", fill: stroke,
      transform: `translate(${bx - (bx - cx) * back},${by - (by - cy) * back}) rotate(${Math.atan2(by - cy, bx - cx) * 180 / Math.PI})` });
    picture.append(tip);
    if (label) {
      const text = element("text", { x: mx, y: my - 4, "text-anchor": "middle", "font-size": 11, fill: stroke,
        stroke: colour("--panel"), "stroke-width": 4, "paint-order": "stroke" });
      text.textContent = label.replace("nor_", "").replaceAll("_", " ");
      picture.append(text);
    }
  }
  for (const [, label, x, y, operation] of drawing.nodes) {
    const width = Math.max(18, 7 * label.length + 8);
    xs.push(x * scale - width / 2, x * scale + width / 2); ys.push(-y * scale - 14, -y * scale + 14);
    picture.append(element("rect", { x: x * scale - width / 2, y: -y * scale - 11, width, height: 22, rx: 5,
      fill: operation ? shade(label) : colour("--ground"), stroke: colour("--faint") }));
    const text = element("text", { x: x * scale, y: -y * scale + 4, "text-anchor": "middle", "font-size": 12,
      fill: operation ? "#ffffff" : colour("--ink") });
    text.textContent = label;
    picture.append(text);
  }
  const [left, right, high, low] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  picture.setAttribute("viewBox", `${left - 12} ${high - 18} ${right - left + 24} ${low - high + 36}`);
  return picture;
}

class Explorer {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.operations = [...new Set(data.drawings.flatMap(operationsOf))].sort();
    this.held = data.drawings.map(drawing => new Set(operationsOf(drawing)));
    this.names = Object.keys(data.columns);
    this.first = data.columns[this.names[0]];
    this.order = this.first.map((_, place) => place).filter(place => this.first[place] !== null)
      .sort((a, b) => this.first[b] - this.first[a]);
    this.selected = this.order[0];
    this.views = [];
    this.timer = null;
    const methods = Object.keys(data.methods);
    this.sides = [methods.find(name => name === "lissnas") ?? methods[0], methods.find(name => name === "operation-pruning") ?? methods[1]]
      .filter(name => name);
    this.build();
  }

  get lastRound() { return Math.max(...this.sides.map(name => this.data.methods[name].length)); }

  select(label, options, chosen) {
    const made = element("select", {}, ...options.map(option => element("option", { value: option }, option)));
    if (chosen !== undefined) made.value = chosen;
    made.addEventListener("change", () => this.update());
    return [element("label", {}, label, made), made];
  }

  build() {
    const limits = name => this.data.columns[name].filter(value => value !== null);
    const controls = element("div", { class: "controls" });
    const add = ([label, made]) => { controls.append(label); return made; };
    this.colouring = add(this.select("colour", this.names, this.names[0]));
    this.limited = add(this.select("filter by", this.names, this.names[0]));
    this.limited.addEventListener("change", () => { this.setLimits(); this.update(); });
    const range = label => {
      const made = element("input", { type: "range", step: "any" });
      made.addEventListener("input", () => this.update());
      return [element("label", {}, label, made), made];
    };
    this.least = add(range("at least"));
    this.most = add(range("at most"));
    this.operation = add(this.select("that hold", ["any operation", ...this.operations]));
    this.setLimits = () => {
      const values = limits(this.limited.value), [low, high] = [Math.min(...values), Math.max(...values)];
      for (const made of [this.least, this.most]) { made.min = low; made.max = high; }
      this.least.value = low; this.most.value = high;
    };
    this.setLimits();
    this.count = element("p", { class: "count", "aria-live": "polite" });
    const round = element("input", { type: "range", min: 0, max: this.lastRound, step: 1, value: this.lastRound });
    round.addEventListener("input", () => { this.stop(); this.update(); });
    this.round = round;
    this.player = element("button", { type: "button", class: "play" }, "Play");
    this.player.addEventListener("click", () => this.timer ? this.stop() : this.play());
    this.sideSelects = this.sides.map((name, side) => {
      const [label, made] = this.select(side ? "right" : "left", Object.keys(this.data.methods), name);
      made.addEventListener("change", () => { this.sides[side] = made.value; round.max = this.lastRound; this.update(); });
      return label;
    });
    const playing = element("div", { class: "controls" }, ...this.sideSelects, element("label", {}, "round", round), this.player);
    this.maps = element("div", { class: "maps" });
    this.captions = this.sides.map(() => element("p"));
    this.plots = this.sides.map((_, side) => {
      const plot = element("div", { class: "plot" });
      this.maps.append(element("div", { class: "map" }, plot, this.captions[side]));
      return plot;
    });
    this.details = element("div", { class: "details", tabindex: 0 });
    this.details.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) { event.preventDefault(); this.step(step); }
    });
    this.root.replaceChildren(controls, this.count, playing, this.maps, this.details);
  }

  async draw() {
    this.views.forEach(view => view.finalize());
    this.views = [];
    for (const plot of this.plots) {
      const result = await vegaEmbed(plot, this.specification(), { actions: false, renderer: "canvas" });
      result.view.addEventListener("click", (event, item) => {
        if (item && item.datum && item.datum.place !== undefined) this.choose(item.datum.place);
      });
      this.views.push(result.view);
    }
    this.update();
  }

  specification() {
    const axis = { axis: null, scale: { zero: false } };
    return {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json",
      width: "container", height: "container", background: "transparent", autosize: { type: "fit", contains: "padding" },
      config: { view: { stroke: colour("--line") }, legend: { labelColor: colour("--ink"), titleColor: colour("--ink") } },
      data: { name: "points", values: this.points(null) },
      params: [{ name: "zoom", select: "interval", bind: "scales" }, { name: "low", value: this.shades[0] }, { name: "high", value: this.shades[1] }],
      mark: { type: "point", filled: true, cursor: "pointer" },
      encoding: {
        x: { field: "x", type: "quantitative", ...axis },
        y: { field: "y", type: "quantitative", ...axis },
        color: { field: "value", type: "quantitative", scale: { scheme: "cividis", clamp: true, domainMin: { expr: "low" }, domainMax: { expr: "high" } }, title: null },
        opacity: { field: "strength", type: "quantitative", scale: null },
        size: { field: "size", type: "quantitative", scale: null },
        stroke: { field: "edge", type: "nominal", scale: null },
        strokeWidth: { field: "edgeWidth", type: "quantitative", scale: null },
        tooltip: [{ field: "architecture", type: "nominal" }, { field: "value", type: "quantitative" }],
      },
    };
  }

  shown(place) {
    const value = this.data.columns[this.limited.value][place];
    const within = value !== null && value >= Number(this.least.value) - 1e-9 && value <= Number(this.most.value) + 1e-9;
    const wanted = this.operation.value;
    return within && (wanted === "any operation" || this.held[place].has(wanted));
  }

  update() {
    const round = Number(this.round.value), all = this.data.x.length;
    const shown = this.data.x.filter((_, place) => this.shown(place)).length;
    this.count.textContent = `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} networks on the map`;
    this.views.forEach((view, side) => {
      const rounds = this.data.methods[this.sides[side]];
      const reached = round === 0 ? null : rounds[Math.min(round, rounds.length) - 1];
      const kept = reached === null ? null : new Set(reached.members);
      view.signal("low", this.shades[0]).signal("high", this.shades[1]).data("points", this.points(kept)).run();
      this.captions[side].textContent = reached === null
        ? `${this.sides[side]}, before the first round: the whole space of ${this.data.size.toLocaleString("en")} networks`
        : `${this.sides[side]}, round ${Math.min(round, rounds.length)} of ${rounds.length}: ${reached.size.toLocaleString("en")} networks, ` +
          `recall of the top 1 % ${reached.recall.toFixed(2)}, ${reached.evaluations.toLocaleString("en")} evaluations`;
    });
    this.describe();
  }

  // From which value to which the colours go; the worst 15 % share one, so that the others are told apart.
  get shades() {
    const values = this.data.columns[this.colouring.value].filter(value => value !== null).sort((a, b) => a - b);
    return [values[Math.floor(0.15 * values.length)], values[values.length - 1]];
  }

  // What is drawn: the networks that the filters leave, those kept larger and stronger; all are kept if none are named.
  points(kept) {
    const points = [];
    this.data.columns[this.colouring.value].forEach((value, place) => {
      if (value === null || !this.shown(place)) return;
      const isKept = kept === null || kept.has(place), chosen = place === this.selected;
      points.push({ place, x: this.data.x[place], y: this.data.y[place], value, architecture: this.data.architecture[place],
        strength: isKept ? 0.95 : 0.22, size: chosen ? 160 : isKept ? 42 : 14,
        edge: chosen ? colour("--mark") : colour("--ground"), edgeWidth: chosen ? 3 : 0.3 });
    });
    return points.sort((a, b) => a.size - b.size);
  }

  choose(place) { this.selected = place; this.update(); }

  step(by) {
    const at = this.order.indexOf(this.selected);
    this.choose(this.order[Math.max(0, Math.min(this.order.length - 1, at + by))]);
  }

  describe() {
    const place = this.selected, rank = this.order.indexOf(place) + 1;
    const facts = element("table", {}, element("tbody", {}, ...this.names.map(name =>
      element("tr", {}, element("td", {}, name), element("td", { class: "number" }, String(this.data.columns[name][place] ?? "missing"))))));
    const better = element("button", { type: "button" }, "better"), worse = element("button", { type: "button" }, "worse");
    better.addEventListener("click", () => this.step(-1));
    worse.addEventListener("click", () => this.step(1));
    const left = element("div", {}, element("h3", {}, `Network ${rank} of ${this.order.length} on the map`),
      element("p", { class: "faint architecture" }, element("code", {}, this.data.architecture[place])),
      drawn(this.data.drawings[place], this.operations), element("p", { class: "pager" }, better, " ", worse),
      element("details", {}, element("summary", {}, "all its numbers"), facts));
    const own = this.first[place];
    const listed = this.data.neighbours[place];
    const rows = listed.map(([edit, neighbour, score]) => {
      const said = neighbour < 0 ? element("span", {}, edit) : element("button", { type: "button" }, edit);
      if (neighbour >= 0) said.addEventListener("click", () => this.choose(neighbour));
      const gain = score === null || own === null ? "" : (score - own >= 0 ? "+" : "\u2212") + Math.abs(score - own).toFixed(2);
      return element("tr", {}, element("td", {}, said), element("td", { class: "number" }, score === null ? "missing" : String(score)),
        element("td", { class: "number" }, gain));
    });
    const heading = `The best ${listed.length} of its ${this.data.degrees[place]} neighbours`;
    const right = element("div", {}, element("h3", {}, heading),
      element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, element("th", {}, "edit"),
        element("th", {}, this.names[0]), element("th", {}, "change"))), element("tbody", {}, ...rows))));
    this.details.replaceChildren(left, right);
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

async function showExplorers() {
  const made = [];
  for (const root of document.querySelectorAll(".explorer")) {
    const one = new Explorer(root, JSON.parse(await unpacked(root.dataset.packed)));
    await one.draw();
    made.push(one);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => made.forEach(one => one.draw()));
  document.body.dataset.ready = "yes";
}

showFigures().then(showExplorers);
