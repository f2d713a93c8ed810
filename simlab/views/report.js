"use strict";
(() => {
  const tip = document.getElementById("tip");
  const svg = document.getElementById("timeline");
  const cursor = document.getElementById("cursor");
  const notes = JSON.parse(document.getElementById("windows").textContent || "[]");

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const place = (x, y) => {
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const room = 18;
    const left = x + room + box.width > innerWidth ? x - room - box.width : x + room;
    const top = Math.min(y + room, innerHeight - box.height - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, top)}px`;
  };

  const hide = () => {
    tip.hidden = true;
    if (cursor) cursor.setAttribute("visibility", "hidden");
  };

  if (svg && notes.length) {
    const left = Number(svg.dataset.left);
    const slot = Number(svg.dataset.slot);
    let at = -1;

    const show = (n, x, y) => {
      if (n !== at || tip.hidden) {
        at = n;
        const note = notes[n];
        const head = element("p", note.t, "tip-title");
        head.append(element("span", note.d));
        const list = element("dl");
        for (const [kind, name, text] of note.l) {
          const term = element("dt", name);
          term.prepend(element("i", undefined, `swatch ${kind}`));
          list.append(term, element("dd", text));
        }
        tip.replaceChildren(head, list);
        cursor.setAttribute("transform", `translate(${left + n * slot} 0)`);
        cursor.setAttribute("visibility", "visible");
      }
      place(x, y);
    };

    svg.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const n = Math.floor((point.x - left) / slot);
      if (n < 0 || n >= notes.length) hide();
      else show(n, event.clientX, event.clientY);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const last = notes.length - 1;
      const to = {
        ArrowRight: Math.min(at + 1, last),
        ArrowLeft: Math.max(at - 1, 0),
        Home: 0,
        End: last,
      }[event.key];
      if (event.key === "Escape") hide();
      if (to === undefined) return;
      event.preventDefault();
      const matrix = svg.getScreenCTM();
      const box = svg.getBoundingClientRect();
      const y = Math.min(Math.max(box.top + 60, 60), innerHeight - 60);
      show(to, matrix.e + matrix.a * (left + (to + 1) * slot), y);
    });
  }

  document.addEventListener("pointerover", (event) => {
    const over = event.target.closest ? event.target.closest("[data-tip]") : null;
    if (!over) {
      if (!svg || !svg.contains(event.target)) tip.hidden = true;
      return;
    }
    tip.replaceChildren(element("p", over.dataset.tip));
    place(event.clientX, event.clientY);
  });

  const links = [...document.querySelectorAll("nav a")];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links) {
        const here = link.hash === `#${entry.target.id}`;
        if (here) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const link of links) {
    const section = document.getElementById(link.hash.slice(1));
    if (section) seen.observe(section);
  }
})();
