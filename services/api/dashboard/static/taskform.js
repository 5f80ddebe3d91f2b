// The form of a new task: the next runs as one types, JSON that is checked at once, known zones.
const PAUSE = 250; // ms without a key before the preview follows

export function taskForm() {
  const form = document.querySelector("form[data-task]");
  if (!form) return;
  zones(form);
  preview(form);
  json(form);
  form.addEventListener("submit", () => {
    // Two clicks are one task. Not at once: the button that was pressed is to be sent too.
    setTimeout(() => form.querySelectorAll("button").forEach((one) => { one.disabled = true; }));
  });
  addEventListener("pageshow", () => {
    form.querySelectorAll("button").forEach((one) => { one.disabled = false; });
  });
}

function zones(form) {
  const known = Intl.supportedValuesOf?.("timeZone") ?? [];
  form.querySelector("#zones").replaceChildren(...known.map((name) => new Option(name, name)));
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zone = form.elements.zone;
  if (zone.value === "UTC" && zone.defaultValue === "UTC" && !form.querySelector(".problem") && own) {
    zone.value = own;
  }
}

function preview(form) {
  const shown = form.querySelector("[data-preview]");
  let waiting = 0;
  let latest = 0;
  const show = async () => {
    const mine = ++latest;
    const fields = new URLSearchParams(new FormData(form));
    for (const name of ["csrf", "json", "name"]) fields.delete(name);
    const asked = fetch(`/schedule?${fields}`, { headers: { Accept: "text/html" } });
    const answer = await asked.catch(() => null); // away for a moment, or the page is being left
    if (answer?.ok && mine === latest) shown.innerHTML = await answer.text();
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, PAUSE);
  });
  show();
}

function json(form) {
  const field = form.elements.json;
  const said = form.querySelector("[data-json]");
  const check = () => {
    const problem = wrong(field.value);
    said.textContent = problem;
    field.toggleAttribute("aria-invalid", false);
    if (problem) field.setAttribute("aria-invalid", "true");
    field.setCustomValidity(problem);
  };
  field.addEventListener("input", check);
}

function wrong(text) {
  if (!text.trim()) return "";
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? "" : "This is JSON, but not an object: write {…}.";
  } catch (error) {
    return `This is not JSON yet: ${error.message}`;
  }
}
