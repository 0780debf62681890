"use strict";

// Jobs by ID, as the service tells them, and uploads that are not jobs yet.
const jobs = new Map();
const uploads = new Map();
const cards = new Map();
let service = { models: [], formats: [], limits: {} };

const $ = id => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function announce(text) { $("announce").textContent = text; }

// --- The service
// -----------------------------------------------------------------------------------------------------------------

class Problem extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

function problem(status, text, retryAfter) {
  let detail = "";
  try { detail = JSON.parse(text).detail; } catch { /* not the service's own error */ }
  if (status === 401) showLogin();
  detail = detail || (status ? `The service answered ${status}.` : "The service does not answer.");
  return new Problem(status, detail, Number(retryAfter) || 0);
}

async function ask(path, options = {}) {
  let response;
  try { response = await fetch(path, options); } catch { throw problem(0, ""); }
  if (!response.ok) throw problem(response.status, await response.text(), response.headers.get("Retry-After"));
  return response.status === 204 ? null : response.json();
}

// --- Token
// ---------------------------------------------------------------------------------------------------------------------

function showLogin() {
  if (!$("login").open) $("login").showModal();
}

async function login(token) {
  await fetch("api/v1/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } }).then(response => {
    if (!response.ok) throw problem(response.status, "");
  });
}

$("login").addEventListener("cancel", event => event.preventDefault());
$("login-form").addEventListener("submit", async event => {
  event.preventDefault();
  try {
    await login($("token").value.trim());
    $("login").close();
    $("login-error").hidden = true;
    start();
  } catch { $("login-error").hidden = false; }
});

// --- Start and live changes
// --------------------------------------------------------------------------------------------------------

let events = null;

async function start() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    try { await login(token); } catch { showLogin(); return; }
  }
  try { service = await ask("api/v1/models"); } catch (error) {
    if (error.status !== 401) { $("connection").hidden = false; setTimeout(start, 3000); }
    return;
  }
  $("connection").hidden = true;
  fillOptions();
  listen();
}

function listen() {
  if (events) events.close();
  events = new EventSource("api/v1/events");
  let fresh = new Set(), isFirst = true;
  events.addEventListener("open", () => {
    $("connection").hidden = true;
    fresh = new Set();
    isFirst = true;
    // The jobs of now come first; what is not among them was removed while we were away.
    setTimeout(() => {
      if (!isFirst) return;
      isFirst = false;
      for (const id of [...jobs.keys()]) if (!fresh.has(id)) remove(id);
    }, 2000);
  });
  events.addEventListener("job", event => {
    const job = JSON.parse(event.data);
    fresh.add(job.id);
    receive(job);
  });
  events.addEventListener("deleted", event => remove(JSON.parse(event.data).id));
  events.addEventListener("error", () => {
    $("connection").hidden = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(start, 3000);
  });
}

function receive(job) {
  const before = jobs.get(job.id);
  job.received = performance.now();
  jobs.set(job.id, job);
  if (before && before.state !== job.state) {
    if (job.state === "done") announce(`${job.name} is ready.`);
    if (job.state === "failed") announce(`${job.name}: ${sentence(job.error)}`);
  }
  draw(job.id);
  summarize();
  if (view.job && view.job.imageId === job.imageId) refreshView(job);
}

function remove(id) {
  jobs.delete(id);
  cards.get(id)?.element.remove();
  cards.delete(id);
  summarize();
}

// --- Options
// ---------------------------------------------------------------------------------------------------------------------

let fidelityIsSet = false;

function fillOptions() {
  const names = service.models.map(model => model.name);
  for (const [id, first] of [["model", "automatic"], ["again-model", null]]) {
    const value = $(id).value;
    $(id).replaceChildren(...(first ? [make("option", { value: "", textContent: first })] : []),
      ...names.map(name => make("option", { value: name, textContent: name })));
    if (value) $(id).value = value;
  }
  $("format").replaceChildren(make("option", { value: "", textContent: "the same as the original" }),
    ...service.formats.map(name => make("option", { value: name, textContent: name.toUpperCase() })));
  const formats = service.formats.map(name => name.toUpperCase()).join(", ");
  $("formats").textContent = `${formats}, up to ${service.limits.pixels / 1e6} megapixels.`;
  $("samples").max = service.limits.samples;
  $("keep").textContent = service.limits.keepDays;
  $("model-hint").hidden = !names.includes("photo");
  if (!fidelityIsSet) $("fidelity").value = service.models[0].defaultFidelity;
}

$("fidelity").addEventListener("input", () => {
  fidelityIsSet = true;
  $("fidelity-value").textContent = $("fidelity").value;
});
$("reset").addEventListener("click", () => {
  fidelityIsSet = false;
  $("fidelity-value").textContent = "automatic";
  $("fidelity").value = service.models[0]?.defaultFidelity ?? 0;
  for (const id of ["model", "steps", "format"]) $(id).value = "";
  $("samples").value = 1;
  $("seed").value = 0;
});

function chosenOptions() {
  const options = {};
  for (const id of ["model", "steps", "format"]) if ($(id).value) options[id] = $(id).value;
  if (fidelityIsSet) options.fidelity = $("fidelity").value;
  if ($("samples").value > 1) options.samples = $("samples").value;
  if ($("seed").value > 0) options.seed = $("seed").value;
  return options;
}

// --- Images in
// ---------------------------------------------------------------------------------------------------------------------

$("choose").addEventListener("click", () => $("file").click());
$("camera").addEventListener("click", () => $("shot").click());
for (const id of ["file", "shot"]) {
  $(id).addEventListener("change", () => {
    add([...$(id).files]);
    $(id).value = "";
  });
}
document.addEventListener("dragover", event => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  $("drop").classList.add("over");
});
document.addEventListener("dragleave", event => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
document.addEventListener("drop", event => {
  $("drop").classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  add([...event.dataTransfer.files]);
});
document.addEventListener("paste", event => {
  const files = [...event.clipboardData.files];
  if (files.length) { event.preventDefault(); add(files); }
});

let waiting = [], sending = 0, uploadNumber = 0;

function add(files) {
  const options = chosenOptions();
  for (const file of files) {
    const id = `upload-${++uploadNumber}`;
    uploads.set(id, { id, name: file.name, state: "waiting", progress: 0, file, options });
    waiting.push(id);
    draw(id);
  }
  summarize();
  announce(files.length === 1 ? `${files[0].name} is being sent.` : `${files.length} images are being sent.`);
  sendNext();
}

// One after another: a phone's connection is no faster with several.
async function sendNext() {
  if (sending || !waiting.length) return;
  sending = 1;
  const upload = uploads.get(waiting.shift());
  if (upload) {
    try {
      const limit = service.limits.uploadBytes;
      if (limit && upload.file.size > limit) {
        throw new Problem(413, `The file exceeds the limit of ${limit >> 20} MB.`, 0);
      }
      const created = await send(upload);
      uploads.delete(upload.id);
      cards.get(upload.id)?.element.remove();
      cards.delete(upload.id);
      created.jobs.filter(job => !jobs.has(job.id)).forEach(receive);
    } catch (error) {
      if (uploads.has(upload.id) && (error.status === 429 || error.status === 503 || error.status === 0)) {
        upload.state = "later";
        draw(upload.id);
        await new Promise(done => setTimeout(done, 1000 * Math.max(1, Math.min(30, error.retryAfter || 3))));
        if (uploads.has(upload.id)) waiting.unshift(upload.id);
      } else if (uploads.has(upload.id)) {
        upload.state = "failed";
        upload.error = error.message;
        draw(upload.id);
        announce(`${upload.name}: ${sentence(error.message)}`);
      }
    }
  }
  sending = 0;
  summarize();
  sendNext();
}

function send(upload) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    upload.request = request;
    upload.state = "sending";
    request.open("POST", "api/v1/jobs?" + new URLSearchParams({ ...upload.options, name: upload.name.slice(-100) }));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = event => {
      upload.progress = event.loaded / event.total;
      draw(upload.id);
    };
    request.onload = () => request.status === 201
      ? done(JSON.parse(request.responseText))
      : failed(problem(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    request.onerror = () => failed(problem(0, ""));
    request.onabort = () => failed(new Problem(-1, "Cancelled."));
    draw(upload.id);
    request.send(upload.file);
  });
}

// --- The list
// ---------------------------------------------------------------------------------------------------------------------

function duration(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
}

// Messages of the service begin in lower case and end without a full stop.
function sentence(text) { return text ? text[0].toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".") : ""; }

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// Progress and seconds left now: the service tells them after each step.
function now(job) {
  const passed = (performance.now() - job.received) / 1000;
  if (job.secondsLeft == null) return { progress: job.progress, left: null };
  const left = Math.max(0, job.secondsLeft - passed);
  if (job.state !== "running") return { progress: 0, left };
  const share = job.secondsLeft > 0 ? Math.min(1, passed / job.secondsLeft) : 0;
  return { progress: job.progress + (0.98 - job.progress) * share * (job.progress < 0.98), left };
}

function text(job) {
  const left = now(job).left;
  const time = left == null ? "" : left < 1 ? ", almost done" : `, about ${duration(left)} left`;
  switch (job.state) {
    case "waiting": return "Waiting to be sent";
    case "sending": return `Sending, ${Math.round(100 * job.progress)} %`;
    case "later": return "Waiting for room in the queue";
    case "queued": return `In the queue${job.position > 1 ? `, number ${job.position}` : ", next"}${time}`;
    case "running": return `Computing${time}`;
    case "done": return `${job.width}×${job.height} → ${job.resultWidth}×${job.resultHeight}, ${job.model}, ` +
      `seed ${job.seed}, ${size(job.results[0]?.bytes ?? 0)}, ${duration(job.seconds)}`;
    default: return "";
  }
}

function card(id) {
  const element = make("li", { className: "job", id: `job-${id}` });
  const thumbnail = make("img", { alt: "", decoding: "async", hidden: true });
  thumbnail.addEventListener("load", () => { thumbnail.hidden = false; });
  thumbnail.addEventListener("error", () => { thumbnail.hidden = true; });
  const thumb = make("button", { type: "button", className: "thumb", tabIndex: -1 }, thumbnail);
  thumb.setAttribute("aria-hidden", "true");
  thumb.addEventListener("click", () => openView(id));
  const title = make("h3"), status = make("p", { className: "hint" });
  const error = make("p", { className: "error", hidden: true });
  const progress = make("progress", { max: 1, hidden: true });
  const buttons = make("p", { className: "buttons" });
  element.append(thumb, make("div", {}, title, status, progress, error, buttons));
  return { element, thumbnail, thumb, title, status, error, progress, buttons, state: "" };
}

function button(label, name, action, className = "") {
  const element = make("button", { type: "button", textContent: label, className });
  element.setAttribute("aria-label", `${label} ${name}`);
  element.addEventListener("click", action);
  return element;
}

function draw(id) {
  const job = jobs.get(id) ?? uploads.get(id);
  if (!job) return;
  let view = cards.get(id);
  if (!view) {
    view = card(id);
    cards.set(id, view);
    $("list").prepend(view.element);
  }
  view.title.textContent = job.name;
  view.title.title = job.name;
  view.status.textContent = text(job);
  view.status.hidden = job.state === "failed";
  view.error.hidden = job.state !== "failed";
  view.error.textContent = sentence(job.error);
  const isBusy = ["sending", "running"].includes(job.state);
  view.progress.hidden = !isBusy;
  if (isBusy) view.progress.value = job.state === "running" ? now(job).progress : job.progress;
  view.progress.setAttribute("aria-label", `Progress of ${job.name}`);
  if (view.state === job.state) return;
  view.state = job.state;
  view.thumb.disabled = job.state !== "done";
  if (jobs.has(id)) view.thumbnail.src = `api/v1/jobs/${id}/image`;
  const actions = [];
  if (job.state === "done") {
    actions.push(button("Compare", job.name, () => openView(id), "primary"));
    for (const result of job.results) {
      const link = make("a", { className: "button", href: `${result.url.slice(1)}&download=1`, download: "" });
      link.textContent = job.results.length > 1 ? `Download ${result.sample + 1}` : "Download";
      link.setAttribute("aria-label", `${link.textContent} ${job.name}`);
      actions.push(link);
    }
  }
  const isOver = ["done", "failed"].includes(job.state);
  actions.push(button(isOver ? "Remove" : "Cancel", job.name, () => discard(id)));
  const hadFocus = view.buttons.contains(document.activeElement);
  view.buttons.replaceChildren(...actions);
  if (hadFocus) actions[0].focus();
}

async function discard(id) {
  const upload = uploads.get(id);
  const next = cards.get(id)?.element.nextElementSibling?.querySelector(".buttons > *");
  if (upload) {
    uploads.delete(id);
    upload.request?.abort();
    remove(id);
  } else {
    try { await ask(`api/v1/jobs/${id}`, { method: "DELETE" }); } catch (error) {
      if (error.status !== 404) { announce(error.message); return; }
    }
    remove(id);
  }
  (next ?? $("choose")).focus();
}

function summarize() {
  const all = [...jobs.values()], done = all.filter(job => job.state === "done");
  const queued = all.filter(job => job.state === "queued"), running = all.filter(job => job.state === "running");
  $("empty").hidden = jobs.size + uploads.size > 0;
  $("download-all").hidden = done.length < 2;
  $("clear").hidden = done.length + all.filter(job => job.state === "failed").length < 2;
  $("queue").textContent = queued.length + running.length > 1
    ? `${queued.length + running.length} images to compute. One is computed at a time.` : "";
  document.title = running.length ? `${queued.length + running.length} to go – SRDiff` : "Upscale images – SRDiff";
  // Places in the queue: the service tells them when a job is added, here they move up.
  queued.sort((a, b) => a.position - b.position).forEach((job, i) => {
    if (job.position !== i + 1) { job.position = i + 1; draw(job.id); }
  });
}

$("clear").addEventListener("click", async () => {
  for (const job of [...jobs.values()]) {
    if (job.state === "done" || job.state === "failed") {
      await ask(`api/v1/jobs/${job.id}`, { method: "DELETE" }).then(() => remove(job.id), () => {});
    }
  }
  $("choose").focus();
});

setInterval(() => {
  for (const job of jobs.values()) if (job.state === "running" || job.state === "queued") draw(job.id);
}, 1000);

// --- Comparing
// ---------------------------------------------------------------------------------------------------------------------

const view = { job: null, zoom: 1, x: 0, y: 0, split: 0.5, isFit: true };
const panes = { left: $("pane-left"), right: $("pane-right") };

// What can be compared: the original and all results of the same image.
function choices() {
  const choices = [{ value: "original", label: "Original", url: `api/v1/jobs/${view.job.id}/image` }];
  for (const job of jobs.values()) {
    if (job.imageId !== view.job.imageId || job.state !== "done") continue;
    for (const result of job.results) {
      choices.push({
        value: `${job.id}/${result.sample}`, url: result.url.slice(1),
        label: `${job.model}, seed ${result.seed}, fidelity ${job.fidelity}` +
          (job.steps === 2 ? "" : `, ${job.steps} steps`)
      });
    }
  }
  return choices;
}

function fillChoices(right) {
  const all = choices();
  for (const side of ["left", "right"]) {
    const value = $(side).value;
    $(side).replaceChildren(...all.map(choice => make("option", { value: choice.value, textContent: choice.label })));
    if (all.some(choice => choice.value === value)) $(side).value = value;
  }
  if (right) $("right").value = right;
  show("left");
  show("right");
}

function show(side) {
  const choice = choices().find(choice => choice.value === $(side).value) ?? choices()[0];
  const image = panes[side].querySelector("img"), cannot = panes[side].querySelector(".cannot");
  if (image.getAttribute("src") !== choice.url) {
    cannot.hidden = true;
    image.src = choice.url;
    image.alt = `${view.job.name}: ${choice.label}`;
  }
  if (side === "right") $("viewer-download").hidden = choice.value === "original";
  if (side === "right") $("viewer-download").href = `${choice.url}&download=1`;
}

function openView(id) {
  const job = jobs.get(id);
  if (!job || job.state !== "done") return;
  view.job = job;
  $("viewer-title").textContent = job.name;
  $("viewer-status").textContent = "";
  $("left").replaceChildren();
  fillChoices(`${job.id}/${job.results[0].sample}`);
  $("left").value = "original";
  show("left");
  $("again").open = false;
  $("again-model").value = job.model;
  $("again-fidelity").value = job.fidelity;
  $("again-fidelity-value").textContent = job.fidelity;
  $("again-seed").value = job.seed + job.samples;
  $("viewer").showModal();
  view.split = 0.5;
  fit();
  $("stage").focus();
}

function refreshView(job) {
  if (job.id === view.waiting) {
    if (job.state === "done") {
      fillChoices(`${job.id}/${job.results[0].sample}`);
      $("left").value = `${view.job.id}/${view.job.results[0].sample}`;
      show("left");
      $("viewer-status").textContent = "The new version is on the right.";
      view.waiting = null;
    } else {
      $("viewer-status").textContent = job.state === "failed" ? job.error : `${text(job)}.`;
    }
  }
}

for (const side of ["left", "right"]) {
  $(side).addEventListener("change", () => show(side));
  panes[side].querySelector("img").addEventListener("error", event => {
    if (event.target.getAttribute("src")) panes[side].querySelector(".cannot").hidden = false;
  });
}
for (const input of document.querySelectorAll("input[name=mode]")) {
  input.addEventListener("change", () => {
    $("stage").className = input.value;
    view.isFit ? fit() : place();
  });
}
$("viewer-close").addEventListener("click", () => $("viewer").close());
$("viewer").addEventListener("close", () => {
  const id = view.job?.id;
  view.job = view.waiting = null;
  for (const pane of Object.values(panes)) pane.querySelector("img").removeAttribute("src");
  cards.get(id)?.buttons.firstElementChild?.focus();
});

$("again-fidelity").addEventListener("input", () => {
  $("again-fidelity-value").textContent = $("again-fidelity").value;
});
$("again-form").addEventListener("submit", async event => {
  event.preventDefault();
  const options = {
    from: view.job.id, model: $("again-model").value, fidelity: $("again-fidelity").value,
    seed: $("again-seed").value, steps: view.job.steps, format: view.job.format, quality: view.job.quality
  };
  try {
    const created = await ask("api/v1/jobs?" + new URLSearchParams(options), { method: "POST" });
    view.waiting = created.jobs[0].id;
    created.jobs.filter(job => !jobs.has(job.id)).forEach(receive);
    $("again").open = false;
    $("again-seed").value = Number($("again-seed").value) + 1;
  } catch (error) { $("viewer-status").textContent = error.message; }
});

// Zoom counts screen pixels per pixel of the result.
function ratio() { return view.zoom / devicePixelRatio; }
function paneSize() { return { width: panes.left.clientWidth, height: panes.left.clientHeight }; }

function fit() {
  const { width, height } = paneSize();
  view.zoom = Math.min(width / view.job.resultWidth, height / view.job.resultHeight) * devicePixelRatio;
  view.x = (width - view.job.resultWidth * ratio()) / 2;
  view.y = (height - view.job.resultHeight * ratio()) / 2;
  view.isFit = true;
  place();
}

function zoomTo(zoom, x, y) {
  const { width, height } = paneSize();
  x ??= width / 2;
  y ??= height / 2;
  const least = Math.min(1, Math.min(width / view.job.resultWidth, height / view.job.resultHeight) * devicePixelRatio);
  const before = ratio();
  view.zoom = Math.max(least, Math.min(32, zoom));
  view.x = x - (x - view.x) * ratio() / before;
  view.y = y - (y - view.y) * ratio() / before;
  view.isFit = false;
  place();
}

function place() {
  if (!view.job) return;
  const { width, height } = paneSize(), w = view.job.resultWidth * ratio(), h = view.job.resultHeight * ratio();
  const clamp = (value, pane, image) => image <= pane ? (pane - image) / 2 : Math.max(pane - image, Math.min(0, value));
  view.x = clamp(view.x, width, w);
  view.y = clamp(view.y, height, h);
  for (const pane of Object.values(panes)) {
    const image = pane.querySelector("img");
    image.style.width = `${view.job.resultWidth}px`;
    image.style.height = `${view.job.resultHeight}px`;
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${ratio()})`;
    pane.classList.toggle("pixels", view.zoom >= 2);
  }
  const isSlider = $("stage").classList.contains("slider");
  panes.right.style.clipPath = isSlider ? `inset(0 0 0 ${100 * view.split}%)` : "none";
  $("divider").style.left = `${100 * view.split}%`;
  $("divider").setAttribute("aria-valuenow", Math.round(100 * view.split));
  $("zoom-value").textContent = `${view.zoom < 0.1 ? (100 * view.zoom).toFixed(1) : Math.round(100 * view.zoom)} %`;
}

$("zoom-in").addEventListener("click", () => zoomTo(view.zoom * 2));
$("zoom-out").addEventListener("click", () => zoomTo(view.zoom / 2));
$("zoom-fit").addEventListener("click", fit);
$("zoom-one").addEventListener("click", () => zoomTo(1));
new ResizeObserver(() => { if (view.job) view.isFit ? fit() : place(); }).observe($("stage"));

function setSplit(split) {
  view.split = Math.max(0, Math.min(1, split));
  place();
}

$("divider").addEventListener("keydown", event => {
  const step = event.shiftKey ? 0.1 : 0.02;
  const moves = { ArrowLeft: -step, ArrowRight: step, Home: -1, End: 1, PageDown: -0.1, PageUp: 0.1 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  event.stopPropagation();
  setSplit(view.split + moves[event.key]);
});
$("divider").addEventListener("pointerdown", event => {
  event.stopPropagation();
  $("divider").setPointerCapture(event.pointerId);
});
$("divider").addEventListener("pointermove", event => {
  if (!$("divider").hasPointerCapture(event.pointerId)) return;
  const box = $("stage").getBoundingClientRect();
  setSplit((event.clientX - box.left) / box.width);
});

$("stage").addEventListener("keydown", event => {
  const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  if (event.key in moves) {
    view.x += moves[event.key][0];
    view.y += moves[event.key][1];
    place();
  } else if (event.key === "+" || event.key === "=") { zoomTo(view.zoom * 2); }
  else if (event.key === "-") { zoomTo(view.zoom / 2); }
  else if (event.key === "0") { fit(); }
  else if (event.key === "1") { zoomTo(1); }
  else { return; }
  event.preventDefault();
});

// A place in a pane's own coordinates: both panes show the same part.
function local(event) {
  const box = $("stage").getBoundingClientRect();
  let x = event.clientX - box.left, y = event.clientY - box.top;
  if ($("stage").classList.contains("side")) {
    const right = panes.right.getBoundingClientRect();
    if (event.clientX >= right.left && event.clientY >= right.top) {
      x = event.clientX - right.left;
      y = event.clientY - right.top;
    }
  }
  return { x, y };
}

$("stage").addEventListener("wheel", event => {
  event.preventDefault();
  const { x, y } = local(event);
  zoomTo(view.zoom * Math.exp(-Math.max(-100, Math.min(100, event.deltaY)) / 200), x, y);
}, { passive: false });
$("stage").addEventListener("dblclick", event => {
  const { x, y } = local(event);
  if (view.zoom < 1) zoomTo(1, x, y); else if (view.zoom < 8) zoomTo(8, x, y); else fit();
});

const pointers = new Map();
$("stage").addEventListener("pointerdown", event => {
  if (event.button !== 0) return;
  pointers.set(event.pointerId, local(event));
  $("stage").setPointerCapture(event.pointerId);
  $("stage").classList.add("dragging");
});
$("stage").addEventListener("pointermove", event => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const at = local(event);
  if (pointers.size === 1) {
    view.x += at.x - before.x;
    view.y += at.y - before.y;
    view.isFit = false;
    place();
  } else {
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
    const distance = point => Math.hypot(point.x - other.x, point.y - other.y);
    zoomTo(view.zoom * distance(at) / Math.max(1, distance(before)), (at.x + other.x) / 2, (at.y + other.y) / 2);
  }
  pointers.set(event.pointerId, at);
});
for (const kind of ["pointerup", "pointercancel"]) {
  $("stage").addEventListener(kind, event => {
    pointers.delete(event.pointerId);
    if (!pointers.size) $("stage").classList.remove("dragging");
  });
}

start();
