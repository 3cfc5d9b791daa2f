// What happens when the page opens; copy buttons, and no tab stop on boxes that have nothing to scroll.

function addCopyButton(box) {
  const button = make("button", { type: "button", class: "copy" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(box.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  box.querySelector(".code-title").append(button);
}

function dropIdleTabStop(box) {
  const overflows = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
  if (overflows) box.tabIndex = 0;
  else box.removeAttribute("tabindex");
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
for (const figure of document.querySelectorAll("figure")) saveFromPage(figure.querySelector(".take"), figure.querySelector("img"));
if (navigator.clipboard) document.querySelectorAll(".take[data-take='table']").forEach(addTableCopies);
const KINDS = { charts: chartsWidget, confusion: confusionWidget };
for (const figure of document.querySelectorAll("figure[data-widget]")) {
  const widget = data.widgets[figure.dataset.widget];
  const still = figure.querySelector(".card");
  still.after(KINDS[widget.kind](widget, still));
  still.classList.add("still"); // for print
}
if (navigator.clipboard) document.querySelectorAll(".code").forEach(addCopyButton);
document.querySelectorAll(".bar a").forEach((link) => link.addEventListener("click", () => (link.closest("details").open = false)));
window.addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach((box) => (box.open = true)));
const sizes = new ResizeObserver((entries) => entries.forEach((entry) => dropIdleTabStop(entry.target)));
document.querySelectorAll(".scroll, pre").forEach((box) => sizes.observe(box));
