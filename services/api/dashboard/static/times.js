// Instants come in UTC; people read them in their own zone. What goes on is counted on.
const shown = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});

export function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = time.getAttribute("datetime");
    time.title = `${at.slice(0, 19).replace("T", " ")} UTC`;
    time.textContent = shown.format(new Date(at));
  }
  count(root);
}

function count(root) {
  for (const going of root.querySelectorAll("[data-since]")) {
    going.textContent = duration((Date.now() - Date.parse(going.dataset.since)) / 1000);
  }
}

function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`;
}

export function times() {
  localTimes(document);
  setInterval(() => { if (!document.hidden) count(document); }, 1000);
}
