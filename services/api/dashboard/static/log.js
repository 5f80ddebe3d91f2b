// A run's log: lines are appended as they come, and an address may name a line.
const MOST = 2000; // rows in the page; more are a link away

const LONGEST = 4000; // characters to which a line is put together from its pieces
const goingOn = new Map(); // by stream, the row of a line that has not ended

const log = document.querySelector(".log");
const box = document.querySelector(".log-box");
const follower = document.querySelector("[data-follow-switch]");

named();
addEventListener("hashchange", named);
if (log.dataset.follow) follow(log.dataset.follow);
else if (!location.hash && !location.search) box.scrollTop = box.scrollHeight;

// A line that is on the page is shown; for another one the page around it is loaded.
function named() {
  const [, number] = location.hash.match(/^#L(\d+)$/) ?? [];
  if (!number || document.getElementById(`L${number}`)) return;
  if (new URLSearchParams(location.search).get("line") !== number) {
    location.replace(`?line=${number}#L${number}`);
  }
}

log.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey) return;
  if (new URLSearchParams(location.search).has("search")) return;
  event.preventDefault();
  location.hash = new URL(link.href).hash;
});

function follow(address) {
  const source = new EventSource(address);
  for (const line of log.children) goesOn(line, line.className || "stdout", line.dataset.part);
  const wanted = follower.querySelector("input");
  follower.hidden = false;
  wanted.checked = !location.hash;
  if (wanted.checked) box.scrollTop = box.scrollHeight;
  wanted.addEventListener("change", () => wanted.checked && (box.scrollTop = box.scrollHeight));
  // Who scrolls up reads; at the end again, they follow.
  box.addEventListener("wheel", (event) => { if (event.deltaY < 0) wanted.checked = false; });
  box.addEventListener("scroll", () => {
    if (box.scrollHeight - box.scrollTop - box.clientHeight < 4) wanted.checked = true;
  });
  source.addEventListener("message", (event) => {
    box.querySelector(".nothing")?.remove();
    JSON.parse(event.data).forEach(append);
    while (wanted.checked && log.children.length > MOST) log.firstElementChild.remove();
    if (wanted.checked) box.scrollTop = box.scrollHeight;
    count();
  });
  source.addEventListener("end", () => {
    source.close();
    follower.hidden = true;
    log.dataset.ended = "yes";
  });
  addEventListener("pagehide", () => source.close());
}

// A piece of a line is written over by the next one of its stream, or gone on with: loglines.py.
function append([number, at, stream, text, part]) {
  const before = goingOn.get(stream);
  const shown = before?.lastElementChild.textContent ?? "";
  const over = before?.dataset.part === "over";
  let whole = text;
  if (before && ((over && text) || shown.length + text.length <= LONGEST)) {
    if (!over || !text) whole = shown + text;
    before.remove();
  }
  const line = row([number, at, stream, whole]);
  log.append(line);
  goesOn(line, stream, part);
}

function goesOn(line, stream, part) {
  if (part) line.dataset.part = part;
  part ? goingOn.set(stream, line) : goingOn.delete(stream);
}

function row([number, at, stream, text]) {
  const line = document.createElement("li");
  line.id = `L${number}`;
  if (stream === "stderr") line.className = "stderr";
  const link = document.createElement("a");
  link.href = `?line=${number}#L${number}`;
  link.textContent = number;
  const time = document.createElement("time");
  time.textContent = at;
  const said = document.createElement("span");
  said.textContent = text;
  line.append(link, time, said);
  return line;
}

function count() {
  const [first, last] = [log.firstElementChild, log.lastElementChild].map((one) => one.id.slice(1));
  document.querySelector("[data-log-count]").textContent = `lines ${first} to ${last}`;
}
