// A live page: the server says that something has changed, and the parts that differ are swapped.
// A page that nobody looks at listens to nothing; it catches up when it is shown again.
import { swap } from "./swap.js";

const PAUSE = 1000; // ms between two looks, however many events there are
const AGAIN = 3000; // ms until a refused connection is tried again; broken ones the browser tries

export function live() {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  let address = main.dataset.live;
  let source = null;
  let wanted = false;
  let busy = false;

  async function look() {
    wanted = true;
    if (busy) return;
    busy = true;
    while (wanted) {
      wanted = false;
      const page = await swap().catch(() => null); // away for a moment: the next event looks again
      address = page?.querySelector("main[data-live]")?.dataset.live ?? address;
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    busy = false;
  }

  function listen() {
    if (source || document.hidden) return;
    source = new EventSource(address);
    source.addEventListener("changed", look);
    source.addEventListener("open", () => { main.dataset.listening = "yes"; });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      rest();
      setTimeout(listen, AGAIN);
    });
    source.addEventListener("end", () => location.reload()); // signed out, or shut out
  }

  function rest() {
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  listen();
}
