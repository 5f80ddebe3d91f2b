// The axis in one's own zone, and a timeline of now that moves on with it.
import { swap } from "./swap.js";

const PAUSE = 10_000; // ms
const FORMS = {
  hour: { hour: "2-digit", minute: "2-digit" },
  day: { hour: "2-digit", minute: "2-digit" },
  week: { weekday: "short", day: "2-digit", month: "short" },
};

function axis() {
  for (const tick of document.querySelectorAll("[data-tick]")) {
    const form = new Intl.DateTimeFormat("en-GB", FORMS[tick.dataset.zoom]);
    tick.textContent = form.format(new Date(tick.dataset.tick));
  }
}

axis();
setInterval(async () => {
  if (document.hidden || !document.querySelector("[data-refresh]")) return;
  await swap().catch(() => null);
  axis();
}, PAUSE);
