// A live page: the server says that something has changed, and the parts that differ are swapped.
import { localTimes } from "./times.js";

const PAUSE = 500; // ms between two looks, however many events there are

export function live() {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  let wanted = false;
  let busy = false;

  async function look() {
    wanted = true;
    if (busy) return;
    busy = true;
    while (wanted) {
      wanted = false;
      await swap();
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    busy = false;
  }

  const source = new EventSource(main.dataset.live);
  source.addEventListener("changed", look);
  source.addEventListener("ready", () => { main.dataset.connected = "yes"; });
  // What happened while the connection was away is not told again.
  source.addEventListener("error", () => source.addEventListener("open", look, { once: true }));
  addEventListener("pagehide", () => source.close());
}

async function swap() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  localTimes(page);
  for (const fresh of page.querySelectorAll("[data-part]")) {
    const part = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (part && part.innerHTML !== fresh.innerHTML) replace(part, fresh);
  }
}

// Who is at a link or a button of the part stays at it.
function replace(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const key = focused && (focused.id || focused.getAttribute("href"));
  part.replaceChildren(...fresh.childNodes);
  if (!key) return;
  const same = [...part.querySelectorAll("a, button, input, summary")];
  same.find((one) => (one.id || one.getAttribute("href")) === key)?.focus();
}
