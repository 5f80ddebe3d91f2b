// Uploading: by dropping a file anywhere on the page, with a bar that shows how far it is.
export function upload() {
  const box = document.querySelector("details[data-upload]");
  if (!box) return;
  const form = box.querySelector("form");
  const file = form.elements.file;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, file.files[0]);
  });
  for (const kind of ["dragenter", "dragover"]) {
    addEventListener(kind, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      box.open = true;
      form.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    addEventListener(kind, (event) => {
      if (kind === "drop" || event.relatedTarget === null) form.classList.remove("over");
    });
  }
  addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    file.files = event.dataTransfer.files;
    send(form, file.files[0]);
  });
}

function send(form, file) {
  const problem = form.querySelector(".problem");
  const bar = form.querySelector("progress");
  const button = form.querySelector("button");
  const told = JSON.parse(form.elements.metadata.value);
  const name = form.elements.name?.value.trim();
  const body = new FormData();
  body.append("metadata", JSON.stringify(name ? { ...told, name } : told));
  body.append("file", file);

  const request = new XMLHttpRequest();
  const busy = (on) => {
    button.disabled = on;
    bar.hidden = !on;
  };
  const failed = (text) => {
    busy(false);
    problem.textContent = text;
    problem.hidden = false;
  };
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
  });
  request.addEventListener("load", () => {
    const answer = request.response;
    if (request.status === 201) location.assign(answer.location);
    else failed(answer?.msg ?? `The platform answered ${request.status}.`);
  });
  request.addEventListener("error", () => failed("The connection broke off. Please try again."));
  request.open("POST", form.getAttribute("action"));
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  if (file.size > Number(form.dataset.most)) {
    failed(form.dataset.tooLarge); // else it would be sent for a while before it is refused
    return;
  }
  problem.hidden = true;
  bar.value = 0;
  busy(true);
  request.send(body);
}
