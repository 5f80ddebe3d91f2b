// Filters act as they are set; the address follows, so that it can be kept and sent.
import { swap } from "./swap.js";

const PAUSE = 250; // ms without a key before the list follows

export function filters() {
  for (const form of document.querySelectorAll("form[data-filter]")) {
    let waiting = 0;
    const act = () => {
      const chosen = [...new FormData(form)].filter(([, value]) => value);
      const query = new URLSearchParams(chosen).toString();
      history.replaceState(null, "", query ? `${form.getAttribute("action")}?${query}` : form.getAttribute("action"));
      swap().catch(() => null); // away for a moment, or the page is being left
    };
    form.addEventListener("input", (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(act, event.target.matches("select") ? 0 : PAUSE);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(waiting);
      act();
    });
  }
}
