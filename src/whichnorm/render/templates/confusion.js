// Confusion matrices: every cell is a button that shows its images, in any number of classes one tab stop.

const MOST_CLASSES_AT_ONCE = 20;
const sheet = data.sprite.uri ? Object.assign(new Image(), { src: data.sprite.uri }) : null;

function confusionWidget(widget, stand) {
  if (data.classes.length <= MOST_CLASSES_AT_ONCE) return matrixWithImages(widget);
  const words = `Open the table of ${data.classes.length} × ${data.classes.length} cells with their images`;
  const button = make("button", { type: "button", class: "open" }, words);
  button.addEventListener("click", () => {
    const matrix = matrixWithImages(widget);
    button.replaceWith(matrix);
    matrix.querySelector("button[tabindex='0']").focus();
  });
  return make("div", {}, stand.cloneNode(true), button);
}

function matrixWithImages(widget) {
  const images = make("div", { class: "cell-images", "aria-live": "polite" }, hint());
  const table = matrix(widget, (label, prediction) => {
    images.replaceChildren(...cellContent(widget, label, prediction));
    if (window.innerWidth < 900) images.scrollIntoView({ block: "nearest" });
  });
  const region = { class: "scroll", role: "group", "aria-label": widget.title };
  return make("div", { class: "confusion" }, make("div", region, table), images);
}

function hint() {
  return make("p", { class: "hint" }, "Choose a cell to see its test images. Arrow keys move between cells.");
}

function matrix(widget, open) {
  const names = data.classes;
  const caption = make("caption", {}, make("span", {}, `${widget.title}. Rows are true classes, columns predicted classes.`));
  const corner = make("th", { scope: "col", class: "corner" }, "true \\ predicted");
  const top = make("tr", {}, corner, ...names.map((name) => make("th", { scope: "col" }, make("span", {}, name))));
  const table = make("table", { class: names.length > MOST_CLASSES_AT_ONCE ? "matrix dense" : "matrix" }, caption, make("thead", {}, top));
  const body = make("tbody");
  widget.counts.forEach((row, label) => body.append(matrixRow(row, label)));
  table.append(body);
  body.querySelector("button").tabIndex = 0;
  moveWithArrows(body);
  body.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    focusCell(body, button);
    body.querySelector("[aria-current]")?.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    open(button.parentElement.parentElement.sectionRowIndex, button.parentElement.cellIndex - 1);
  });
  return table;
}

function matrixRow(row, label) {
  const total = Math.max(1, row.reduce((sum, count) => sum + count, 0));
  const cells = row.map((count, prediction) => {
    const words = label === prediction ? `${data.classes[label]}, right` : takenFor(label, prediction);
    const share = { "--share": `${Math.round(100 * Math.sqrt(count / total))}%` };
    const button = make("button", { type: "button", tabindex: "-1", "aria-label": `${words}: ${count}`, style: share }, count ? String(count) : "");
    return make("td", { class: label === prediction ? "right" : "" }, button);
  });
  return make("tr", {}, make("th", { scope: "row" }, data.classes[label]), ...cells);
}

function focusCell(body, button) {
  body.querySelector("button[tabindex='0']").tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}

function moveWithArrows(body) {
  body.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    const size = data.classes.length;
    const [down, right] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -size], End: [0, size] }[event.key] ?? [];
    if (!cell || down === undefined) return;
    event.preventDefault();
    const within = (place) => Math.min(size - 1, Math.max(0, place));
    const row = body.rows[within(cell.parentElement.sectionRowIndex + down)];
    focusCell(body, row.cells[1 + within(cell.cellIndex - 1 + right)].firstChild);
  });
}

function takenFor(label, prediction) {
  return `${data.classes[label]} taken for ${data.classes[prediction]}`;
}

function cellContent(widget, label, prediction) {
  const count = widget.counts[label][prediction];
  const images = widget.images[`${label},${prediction}`] ?? [];
  const title = label === prediction ? `${data.classes[label]}, classified rightly` : takenFor(label, prediction);
  const several = widget.seeds.length > 1 ? ` of ${widget.seeds.length} seeds` : "";
  const which = images.length < count ? ", the most confident first" : "";
  const words = count === 0 ? "No test image." : `${images.length} of ${count.toLocaleString("en")} shown${several && ` (predictions${several})`}${which}.`;
  const list = make("ul", {}, ...images.map((image) => imageItem(image, label, prediction, widget.seeds.length > 1)));
  return [make("p", { class: "cell-title" }, title), make("p", {}, words), list];
}

function imageItem([tile, index, confidence, seed], label, prediction, withSeed) {
  const percent = `${(100 * confidence).toFixed(2)} %`;
  const note = `image ${index}${withSeed ? `, seed ${seed}` : ""}`;
  const picture = thumbnail(tile, `Test image ${index}: true ${data.classes[label]}, predicted ${data.classes[prediction]}, confidence ${percent}`);
  const rows = [["true", data.classes[label]], ["predicted", data.classes[prediction]], ["confidence", percent]];
  const lines = rows.map(([key, value]) => make("span", {}, make("i", {}, key), ` ${value}`));
  return make("li", {}, picture, make("div", {}, ...lines, make("small", {}, note)));
}

function thumbnail(tile, alt) {
  const { width, height, columns } = data.sprite;
  const canvas = make("canvas", { width, height, role: "img", "aria-label": alt, style: { "aspect-ratio": `${width} / ${height}` } });
  const paint = () => {
    const [x, y] = [(tile % columns) * width, Math.floor(tile / columns) * height];
    canvas.getContext("2d").drawImage(sheet, x, y, width, height, 0, 0, width, height);
  };
  sheet.decode().then(paint);
  return canvas;
}
