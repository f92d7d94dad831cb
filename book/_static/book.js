// What the theme leaves undone for readers who use a keyboard or a screen reader.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const each = (selector, f) => document.querySelectorAll(selector).forEach(f);

  // The arrows that unfold a part of the navigation have no name.
  each(".bd-links details > summary", (summary) => {
    const link = summary.closest("li")?.querySelector("a");
    if (!summary.textContent.trim() && link)
      summary.setAttribute("aria-label", `Chapters under ${link.textContent.trim()}`);
  });

  // Content outside any landmark: the printed table of contents, the skip link.
  each("#jb-print-docs-body", (node) => node.setAttribute("aria-hidden", "true"));
  each("#pst-skip-link", (node) => {
    if (node.closest("nav")) return;
    const nav = document.createElement("nav");
    nav.setAttribute("aria-label", "Skip to content");
    node.replaceWith(nav);
    nav.append(node);
  });

  each("#pst-primary-sidebar", (node) => {
    node.setAttribute("role", "navigation");
    node.setAttribute("aria-label", "Book");
  });

  // The bibliography is marked up as a list that is none, with roles of another standard.
  each("[role=list].citation-list, .citation-list > [role]", (node) => node.removeAttribute("role"));

  // What scrolls sideways can be scrolled from the keyboard.
  const reachable = () =>
    each(".math.notranslate, div.cell_output pre, div.highlight pre, .pst-scrollable-table-container, " +
      "figure.cai-figure > div",
      (node) => {
        const wide = [node, ...node.querySelectorAll("mjx-container")]
          .find((part) => part.scrollWidth > part.clientWidth + 1);
        if (wide) wide.tabIndex = 0;
      });
  window.addEventListener("load", reachable);
  window.addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true); // what was folded had no width
  document.addEventListener("click", () => setTimeout(reachable));
});
