// Charts: curves over epochs with a readout under the pointer or the arrow keys, and switches for the lines.

const switchedOff = new Set();
const charts = [];

function chartsWidget(widget) {
  const box = make("div", { class: "charts" });
  for (const panel of widget.panels) box.append(chart(panel, widget.alt));
  return box;
}

function chart(panel, alt) {
  const epochs = Math.max(...panel.lines.map((line) => line.mean.length));
  const state = { panel, epochs, epoch: 0 };
  state.image = draw("svg", { "aria-hidden": "true" });
  state.readout = make("div", { class: "readout", hidden: "", "aria-hidden": "true" });
  state.plot = make(
    "div",
    {
      class: "plot", tabindex: "0", role: "slider", "aria-orientation": "horizontal",
      "aria-label": `${panel.title}: arrow keys read the values epoch by epoch`,
      "aria-valuemin": 1, "aria-valuemax": epochs, "aria-valuenow": epochs, "aria-valuetext": spoken(state, epochs),
    },
    state.image,
    state.readout,
  );
  listen(state);
  charts.push(state);
  new ResizeObserver(() => redraw(state)).observe(state.plot);
  const title = make("p", { class: "chart-title" }, panel.axis);
  return make("div", { class: "chart" }, title, state.plot, switches(panel), make("p", { class: "hidden" }, alt));
}

function switches(panel) {
  const group = make("div", { class: "switches", role: "group", "aria-label": `Lines of ${panel.title}` });
  for (const line of panel.lines) {
    const sample = draw("svg", { viewBox: "0 0 28 10", class: "sample", "aria-hidden": "true" }, stroke(line, "M0 5H28"));
    const button = make("button", { type: "button", "aria-pressed": "true" }, sample, line.label);
    button.addEventListener("click", () => {
      if (!switchedOff.delete(line.label)) switchedOff.add(line.label);
      for (const each of document.querySelectorAll(".switches button"))
        each.setAttribute("aria-pressed", String(!switchedOff.has(each.textContent)));
      charts.forEach(redraw);
    });
    group.append(button);
  }
  return group;
}

function stroke(line, path) {
  return draw("path", { d: path, class: "line", "stroke-dasharray": line.dash || null, style: { "--c": line.color } });
}

function listen(state) {
  const { plot } = state;
  const at = (event) => {
    const { left, right, width } = state.frame;
    const x = event.clientX - plot.getBoundingClientRect().left - left;
    const share = x / Math.max(1, width - left - right);
    read(state, Math.min(state.epochs, Math.max(1, Math.round(1 + share * (state.epochs - 1)))));
  };
  plot.addEventListener("pointermove", at);
  plot.addEventListener("pointerdown", at);
  plot.addEventListener("pointerleave", () => read(state, 0));
  plot.addEventListener("focus", () => plot.matches(":focus-visible") && read(state, state.epoch || state.epochs));
  plot.addEventListener("blur", () => read(state, 0));
  plot.addEventListener("keydown", (event) => {
    const now = state.epoch || state.epochs;
    const to = {
      ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, PageDown: now - 5,
      PageUp: now + 5, Home: 1, End: state.epochs, Escape: 0,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    read(state, to && Math.min(state.epochs, Math.max(1, to)));
  });
}

function shownLines(state) {
  return state.panel.lines.filter((line) => !switchedOff.has(line.label));
}

function valueText(panel, line, epoch) {
  const write = (value) => value.toFixed(panel.digits);
  const mean = line.mean[epoch - 1];
  if (mean === null || mean === undefined) return "no value";
  const low = line.low?.[epoch - 1];
  return `${write(mean)}${panel.unit}` + (low === undefined ? "" : ` [${write(low)}, ${write(line.high[epoch - 1])}]`);
}

function spoken(state, epoch) {
  const values = shownLines(state).map((line) => `${line.label} ${valueText(state.panel, line, epoch)}`);
  return [`Epoch ${epoch}`, ...values].join(", ");
}

// Show the values of an epoch, or none for epoch 0.
function read(state, epoch) {
  state.epoch = epoch;
  redraw(state);
  if (!epoch) return;
  state.plot.setAttribute("aria-valuenow", epoch);
  state.plot.setAttribute("aria-valuetext", spoken(state, epoch));
}

function redraw(state) {
  const { panel, plot, image, readout, epoch } = state;
  const width = plot.clientWidth;
  const height = Math.round(Math.min(300, Math.max(210, 0.6 * width)));
  const lines = shownLines(state);
  const scale = verticalScale(panel, lines);
  state.frame = { left: 14 + 7.2 * Math.max(...scale.ticks.map((t) => String(t).length)), right: 12, width };
  const x = (e) => state.frame.left + ((state.epochs > 1 ? (e - 1) / (state.epochs - 1) : 0.5) * (width - state.frame.left - 12));
  const y = (value) => height - 34 - scale.share(value) * (height - 44);
  image.setAttribute("width", width);
  image.setAttribute("height", height);
  image.replaceChildren(...axes(scale, state, x, y, width, height), ...lines.flatMap((line) => curve(line, x, y)));
  readout.hidden = !epoch || lines.length === 0;
  if (readout.hidden) return;
  image.append(draw("path", { d: `M${x(epoch)} 10V${height - 34}`, class: "cursor" }));
  for (const line of lines)
    if (line.mean[epoch - 1] != null)
      image.append(draw("circle", { cx: x(epoch), cy: y(line.mean[epoch - 1]), r: 4, class: "dot", style: { "--c": line.color } }));
  readout.replaceChildren(make("strong", {}, `Epoch ${epoch}`), ...lines.map((line) => readoutRow(panel, line, epoch)));
  readout.classList.toggle("below", width < 480); // no room beside the lines: over the switches instead
  const beside = x(epoch) + 14 + readout.offsetWidth < width ? x(epoch) + 14 : x(epoch) - 14 - readout.offsetWidth;
  readout.style.left = `${Math.max(0, Math.min(beside, width - readout.offsetWidth))}px`;
}

function readoutRow(panel, line, epoch) {
  const chip = make("span", { class: "chip", style: { "--c": line.color } });
  return make("span", {}, chip, line.label, make("b", {}, valueText(panel, line, epoch)));
}

function verticalScale(panel, lines) {
  const around = (line) => line.seeds?.flat() ?? [...(line.low ?? []), ...(line.high ?? [])];
  const values = lines.flatMap((line) => [...line.mean, ...around(line)]);
  const usable = values.filter((value) => value !== null && (!panel.log || value > 0));
  const low = usable.length ? Math.min(...usable) : 1;
  const high = usable.length ? Math.max(...usable) : 2;
  return panel.log ? logarithmic(low, high) : linear(low, high);
}

function linear(low, high) {
  const rough = Math.max((high - low) / 5, 1e-9 + Math.abs(high) * 1e-6);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
  const first = Math.floor(low / step), last = Math.max(first + 1, Math.ceil(high / step));
  const ticks = [];
  for (let i = first; i <= last; i++) ticks.push(Number((i * step).toPrecision(10)));
  return { ticks, share: (value) => (value / step - first) / (last - first) };
}

function logarithmic(low, high) {
  const from = Math.log10(low) - 0.08, to = Math.log10(high) + 0.08;
  const ticks = [];
  for (let power = Math.floor(from); power <= to; power++)
    for (const factor of to - from > 2.5 ? [1] : [1, 2, 5]) ticks.push(Number((factor * 10 ** power).toPrecision(3)));
  const share = (value) => (Math.log10(Math.max(value, low)) - from) / (to - from);
  const inside = ticks.filter((tick) => share(tick) >= 0 && share(tick) <= 1 && tick >= low);
  // lines that are left on may span less than a step from tick to tick
  return { ticks: inside.length > 1 ? inside : [low, high].map((value) => Number(value.toPrecision(2))), share };
}

function axes(scale, state, x, y, width, height) {
  const grid = scale.ticks.flatMap((tick) => [
    draw("path", { d: `M${state.frame.left} ${y(tick)}H${width - 12}`, class: "grid" }),
    draw("text", { x: state.frame.left - 7, y: y(tick) + 4, class: "tick", "text-anchor": "end" }, String(tick)),
  ]);
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => state.epochs / step <= Math.max(3, width / 55)) ?? 1000;
  const labels = [];
  for (let e = every; e <= state.epochs; e += every)
    labels.push(draw("text", { x: x(e), y: height - 17, class: "tick", "text-anchor": "middle" }, String(e)));
  const epoch = draw("text", { x: (state.frame.left + width - 12) / 2, y: height - 2, class: "tick", "text-anchor": "middle" }, "Epoch");
  return [...grid, ...labels, epoch];
}

// A line with what is around it: a thin line for each of few seeds, or a band.
function curve(line, x, y) {
  const marks = line.mean.length > 1 ? [] : [draw("circle", { cx: x(1), cy: y(line.mean[0]), r: 4, class: "dot", style: { "--c": line.color } })];
  const thin = (line.seeds ?? []).map((values) => draw("path", { d: path(values, x, y), class: "seed-line", style: { "--c": line.color } }));
  const around = line.seeds ? thin : line.low ? [band(line, x, y)] : [];
  return [...around, stroke(line, path(line.mean, x, y)), ...marks];
}

function path(values, x, y) {
  const points = values.map((value, i) => (value === null ? null : `${x(i + 1).toFixed(1)} ${y(value).toFixed(1)}`));
  return points.map((point, i) => point && (i && points[i - 1] ? "L" : "M") + point).filter(Boolean).join("");
}

function band(line, x, y) {
  const there = line.mean.map((_, i) => i).filter((i) => line.low[i] !== null && line.high[i] !== null);
  const edge = (values, order) => order.map((i) => `${x(i + 1).toFixed(1)} ${y(values[i]).toFixed(1)}`);
  const outline = [...edge(line.high, there), ...edge(line.low, [...there].reverse())];
  return draw("polygon", { points: outline.join(" "), class: "band", style: { "--c": line.color } });
}
