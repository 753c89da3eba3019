"use strict";
// The page is complete without this: it only adds a search box and buttons that copy a command.
(() => {
  const box = document.querySelector(".search");
  const input = box.querySelector("input");
  const shown = box.querySelector("output");
  const choices = ["kind", "area", "node"].map((name) => document.getElementById(name));
  const items = [...document.querySelectorAll("[data-item]")].map((node) => [node, node.textContent.toLowerCase()]);
  const groups = [...document.querySelectorAll(".group, .gate")].map((node) => [node, [...node.querySelectorAll("[data-item]")]]);

  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const [kind, area, place] = choices.map((choice) => choice.value);
    const chosen = kind || area || place;
    let hits = 0;
    for (const [node, text] of items) {
      const fits = (!kind || node.classList.contains(kind)) && (!area || node.dataset.area === area)
        && (!place || (node.dataset.nodes || "").split(" ").includes(place));
      const hit = fits && words.every((word) => text.includes(word));
      node.toggleAttribute("data-miss", !hit);
      hits += hit;
    }
    if (words.length || chosen) for (const all of document.querySelectorAll(".all-gates")) all.open = true;
    for (const [node, members] of groups) {
      node.toggleAttribute("data-miss", (words.length > 0 || chosen) && members.every((member) => member.hasAttribute("data-miss")));
    }
    shown.value = words.length || chosen ? `${hits} of ${items.length}` : "";
  };
  input.addEventListener("input", filter);
  for (const choice of choices) choice.addEventListener("change", filter);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      input.value = "";
      filter();
    }
  });
  box.hidden = false;

  const copied = (button) => () => {
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  for (const line of document.querySelectorAll("pre")) {
    if (!navigator.clipboard) break;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(line.querySelector("code").textContent).then(copied(button), () => {});
    });
    line.append(button);
  }
})();
