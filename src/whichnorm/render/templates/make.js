"use strict";
// The report's own script: sorts tables, draws the curves, opens the cells of confusion matrices. Names from outside
// only ever become text nodes and attributes, never markup.

const data = JSON.parse(document.getElementById("data").textContent);
const holder = document.createElement("template");
holder.innerHTML = "<svg></svg>";
const SVG = holder.content.firstChild.namespaceURI;

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") for (const [key, part] of Object.entries(value)) element.style.setProperty(key, part);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
