/* An extra: both nights of a figure in one place, one after the other. */
"use strict";
for (const pair of document.querySelectorAll(".pair")) {
  const [before, after] = pair.querySelectorAll("figure");
  const blink = Object.assign(document.createElement("button"), { type: "button", className: "extra", textContent: "Blink" });
  blink.setAttribute("aria-pressed", "false");
  let timer = null;
  const show = (later) => { before.hidden = later; after.hidden = !later; };
  blink.addEventListener("click", () => {
    const start = timer === null;
    blink.setAttribute("aria-pressed", String(start));
    pair.classList.toggle("blinking", start);
    if (start) {
      let later = true;
      show(later);
      timer = setInterval(() => { later = !later; show(later); }, 800);
    } else {
      clearInterval(timer);
      timer = null;
      before.hidden = after.hidden = false;
    }
  });
  pair.before(blink);
}
