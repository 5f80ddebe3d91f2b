// Fetches this page again and swaps the parts of it that differ.
import { localTimes } from "./times.js";

// Gives the page that was fetched; nothing when there is none to show any more.
export async function swap() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  localTimes(page);
  for (const fresh of page.querySelectorAll("[data-part]")) {
    const part = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (part && part.innerHTML !== fresh.innerHTML) replace(part, fresh);
  }
  return page;
}

// Who is at a link or a button of the part stays at it, and what was unfolded stays so.
function replace(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const key = focused && (focused.id || focused.getAttribute("href"));
  const open = [...part.querySelectorAll("details")].map((one) => one.open);
  part.replaceChildren(...fresh.childNodes);
  [...part.querySelectorAll("details")].forEach((one, place) => { one.open = Boolean(open[place]); });
  if (!key) return;
  const able = [...part.querySelectorAll("a, button, input, summary")];
  able.find((one) => (one.id || one.getAttribute("href")) === key)?.focus();
}
