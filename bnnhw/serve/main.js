// The page: where frames come from, and what is shown of each.
const about = JSON.parse(document.getElementById("about").textContent);
const $ = (id) => document.getElementById(id);
let shown = null;
let asked = 0;

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } };
  const answer = await fetch(path, options).catch(() => {
    throw new Error("bnnhw serve does not answer: it has ended");
  });
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.error || `${answer.status} ${answer.statusText}`);
  return data;
}

// Runs something that may fail, and says why it did; what was asked for before and comes later is dropped.
async function attempt(action) {
  const number = ++asked;
  document.body.dataset.busy = "";
  try {
    const result = await action();
    if (number !== asked) return false;
    $("error").hidden = true;
    if (result) show(result);
    return true;
  } catch (error) {
    if (number === asked) {
      $("error").textContent = error.message;
      $("error").hidden = false;
    }
    return false;
  } finally {
    if (number === asked) delete document.body.dataset.busy;
  }
}

function element(name, text = "", classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = classes;
  return made;
}

const way = new Way(about.streams, () => pictures());

function show(result) {
  shown = result;
  document.body.dataset.class = result.name;
  $("class").textContent = result.name;
  if (result.label !== null) {
    const right = result.label === result.name;
    $("class").append(element("small", right ? " as labelled" : ` labelled ${result.label}`, right ? "good" : "bad"));
  }
  const [low, high] = [Math.min(...result.scores), Math.max(...result.scores)];
  $("scores").replaceChildren(...result.scores.flatMap((score, number) => {
    const bar = element("i", "", number === result.class ? "most" : "");
    // Twice the room between the least and the greatest: the least is seen too.
    bar.style.width = `${high === low ? 100 : 5 + (95 * (score - low)) / (high - low)}%`;
    return [element("span", about.classes[number] ?? "score"), bar, element("b", score.toLocaleString("en"))];
  }));
  const wrong = result.differences;
  const verdict = wrong.length
    ? element("span", `Not as the reference: ${wrong.join(", ")}. `, "bad")
    : element("span", `All words of ${about.layers.length} layers as the reference. `, "good");
  $("verdict").replaceChildren(verdict, element("span", `Latency ${result.latency.toLocaleString("en")} cycles.`));
  if (result.board !== null) {
    const same = result.board.name === result.name && result.board.score === result.score;
    const text = ` ${about.board.name} (${about.board.port}): ${result.board.name}, score ${result.board.score}.`;
    $("verdict").append(element("span", text, same ? "good" : "bad"));
  }
  way.show(result.streams);
}

// The input and every layer, as far as their words have passed by the cycle.
const canvases = [];

function pictures() {
  if (shown === null) return;
  const room = $("pictures").clientWidth;
  const all = [{ name: "input", type: about.input.type, data: shown.input, stream: -1 }];
  about.streams.forEach((stream, number) => {
    if (stream.probe === null) return;
    const layer = about.layers[stream.probe];
    all.push({ ...layer, data: shown.layers[stream.probe], stream: number });
  });
  all.forEach((entry, number) => {
    if (canvases.length <= number) {
      const [figure, canvas] = [element("figure"), element("canvas")];
      const { data } = entry;
      const size = data.height * data.width > 1 ? `${data.channels} × ${data.height} × ${data.width}` : `${data.channels}`;
      figure.append(element("figcaption", `${entry.name} (${size}, ${entry.type})`), canvas);
      canvas.addEventListener("pointermove", (event) => hover(number, event));
      $("pictures").append(figure);
      canvases.push(canvas);
    }
    const field = new Field(entry.data, room);
    Object.assign(canvases[number], { entry, field });
    const passed = entry.stream < 0 ? Infinity : way.passed(entry.stream);
    const [lanes, group] = [entry.lanes, entry.group];
    const words = Math.ceil(group / lanes);
    const seen = (index) =>
      passed === Infinity || Math.floor(index / group) * words + Math.floor((index % group) / lanes) < passed;
    paint(canvases[number], field, entry.data, seen);
  });
}

function hover(number, event) {
  const { entry, field } = canvases[number];
  const box = canvases[number].getBoundingClientRect();
  const x = Math.floor(((event.clientX - box.left) / box.width) * field.size[0]);
  const y = Math.floor(((event.clientY - box.top) / box.height) * field.size[1]);
  const place = field.at(x, y);
  if (place === null) return;
  const channel = entry.channels ? entry.channels[place.channel] : place.channel;
  const where = field.flat ? `element ${channel}` : `channel ${channel}, row ${place.row}, column ${place.column}`;
  $("hover").textContent = `${entry.name}, ${where}: ${entry.data.values[place.index].toLocaleString("en")}`;
}

// Frames by number: a field to type in, one before, the next, and all of them one after another.
function chooser(source, count) {
  const [number, run] = [$(`${source}-number`), $(`${source}-run`)];
  let running = false;
  const stop = () => {
    running = false;
    run.textContent = "Run through";
  };
  const take = async (at) => {
    number.value = ((at % count()) + count()) % count();
    return attempt(() => ask(`frame/${source}/${number.value}`));
  };
  number.addEventListener("change", () => take(Math.trunc(Number(number.value)) || 0));
  $(`${source}-back`).addEventListener("click", () => take(Number(number.value) - 1));
  $(`${source}-next`).addEventListener("click", () => take(Number(number.value) + 1));
  run.addEventListener("click", async () => {
    if (running) return stop();
    running = true;
    run.textContent = "Stop";
    while (running && (await take(Number(number.value) + 1))) await new Promise((done) => setTimeout(done, 500));
    stop();
  });
  return { take, stop };
}

const tabs = [];

function tab(name, text, chosen) {
  const button = element("button", text);
  button.type = "button";
  button.setAttribute("role", "tab");
  button.id = `choose-${name}`;
  button.addEventListener("click", () => choose(name));
  $("tabs").append(button);
  tabs.push({ name, button, chosen });
}

function choose(name) {
  for (const other of tabs) {
    other.button.setAttribute("aria-selected", other.name === name);
    $(`tab-${other.name}`).hidden = other.name !== name;
    if (other.name === name) other.chosen?.();
  }
}

function start() {
  const { picture, test, sound, input } = about;
  const size = input.height * input.width > 1 ? `${input.channels} × ${input.height} × ${input.width}` : `${input.channels}`;
  $("facts").textContent =
    `${size} inputs, ${about.layers.length} layers, ${about.classes.length} classes, ` +
    `${about.cycles_per_frame.toLocaleString("en")} cycles per frame`;
  if (picture !== null && picture.channels === 1) {
    const clear = drawing($("board"), picture.pen, (blob) => attempt(() => ask("draw", blob)));
    $("clear").addEventListener("click", clear);
    tab("draw", "Draw");
  }
  if (test !== null) {
    const frames = chooser("test", () => test.frames);
    $("test-name").textContent = `${test.name}, ${test.frames.toLocaleString("en")} frames`;
    $("test-number").max = test.frames - 1;
    tab("test", "Data set", () => frames.take(Number($("test-number").value)));
  }
  let dropped = 0;
  const drops = chooser("drop", () => dropped);
  const take = (file) => {
    drops.stop();
    return attempt(async () => {
      const found = await ask(`drop?name=${encodeURIComponent(file.name)}`, file);
      dropped = found.frames;
      $("drop-row").hidden = dropped < 2;
      $("drop-number").value = 0;
      $("drop-number").max = dropped - 1;
      return ask("frame/drop/0");
    });
  };
  $("file").addEventListener("change", () => $("file").files.length && take($("file").files[0]));
  tab("drop", "File");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    $("zone").classList.add("over");
  });
  document.addEventListener("dragleave", () => $("zone").classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    $("zone").classList.remove("over");
    choose("drop");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
  if (sound) {
    let stop = null;
    $("listen").addEventListener("click", async () => {
      if (stop !== null) {
        stop();
        stop = null;
      } else {
        await attempt(async () => {
          stop = await listening((bytes) => take(new File([bytes], "microphone.wav")));
        });
      }
      $("listen").textContent = stop === null ? "Listen to the microphone" : "Stop listening";
    });
    tab("listen", "Microphone");
  }
  choose(tabs[0].name);
  new ResizeObserver(() => {
    way.draw();
    pictures();
  }).observe($("way"));
}

start();
