// A part of a page shows how things are now, and nobody says when they change: it looks again.
import { swap } from "./swap.js";

const PAUSE = 5_000; // ms

setInterval(() => {
  if (document.hidden || !document.querySelector("[data-refresh]")) return;
  if (!document.activeElement?.closest("[data-refresh] form")) swap().catch(() => null);
}, PAUSE);
