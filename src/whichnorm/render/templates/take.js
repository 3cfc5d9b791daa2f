// Taking figures and tables along: with the script a figure is saved from the page itself, which may stand alone, and a
// table's text can be copied.

function saveFromPage(box, image) {
  const [png, svg] = ["png", "svg"].map((kind) => box.querySelector(`a[download$=".${kind}"]`));
  png.addEventListener("click", () => (png.href = painted(image)));
  if (box.dataset.take === "svg") svg.href = image.src;
}

// The image as PNG, at the resolution of the file beside the page.
function painted(image) {
  const scale = image.src.startsWith("data:image/svg") ? 160 / 96 : 1;
  const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale].map(Math.round);
  const canvas = make("canvas", { width, height });
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  return canvas.toDataURL("image/png");
}

function addTableCopies(box) {
  for (const link of box.querySelectorAll("a[download]")) {
    const button = make("button", { type: "button" }, `Copy ${link.textContent}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(decodeURIComponent(link.href.slice(link.href.indexOf(",") + 1)));
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = `Copy ${link.textContent}`), 1500);
    });
    link.parentElement.append(button);
  }
}
