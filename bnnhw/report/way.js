// The words of every stream over the cycles of a frame, and a cycle to stand at.
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Way {
  constructor(streams, changed) {
    this.streams = streams;
    this.changed = changed;
    this.canvas = document.getElementById("timeline");
    this.slider = document.getElementById("cycle");
    this.text = document.getElementById("cycle-text");
    this.moves = null;
    this.playing = 0;
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    document.getElementById("step-back").addEventListener("click", () => this.go(this.cycle - 1));
    document.getElementById("step-next").addEventListener("click", () => this.go(this.cycle + 1));
    document.getElementById("play").addEventListener("click", () => (this.playing ? this.stop() : this.play()));
    this.canvas.addEventListener("click", (event) => {
      if (this.moves === null) return;
      const x = ((event.offsetX - this.left) / (this.wide - this.left)) * this.cycles;
      this.go(Math.floor(x));
    });
  }

  show(moves) {
    this.stop();
    this.moves = moves;
    const ends = moves.map((stream) => Math.max(-1, ...stream.moved.slice(-1), ...stream.waited.slice(-1)));
    this.cycles = Math.max(...ends) + 1;
    this.slider.max = this.cycles - 1;
    this.go(this.cycles - 1);
  }

  get cycle() {
    return Number(this.slider.value);
  }

  // Words that have passed on a stream by the end of the cycle.
  passed(number) {
    const moved = this.moves[number].moved;
    let [low, high] = [0, moved.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (moved[middle] <= this.cycle) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  go(cycle) {
    if (this.moves === null) return;
    this.slider.value = Math.max(0, Math.min(this.cycles - 1, cycle));
    this.text.value = `cycle ${this.cycle.toLocaleString("en")} of ${(this.cycles - 1).toLocaleString("en")}`;
    this.draw();
    this.changed();
  }

  play() {
    if (this.moves === null) return;
    if (this.cycle === this.cycles - 1) this.go(0);
    // A frame takes about eight seconds, however long it is.
    const [from, start] = [this.cycle, performance.now()];
    const rate = Math.max(this.cycles / 8000, 0.01);
    document.getElementById("play").textContent = "Pause";
    const step = (now) => {
      this.go(from + Math.floor((now - start) * rate));
      if (this.cycle < this.cycles - 1) this.playing = requestAnimationFrame(step);
      else this.stop();
    };
    this.playing = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    document.getElementById("play").textContent = "Play";
  }

  draw() {
    if (this.moves === null) return;
    const [line, bar, dense] = [22, 14, window.devicePixelRatio || 1];
    const room = this.canvas.parentElement.clientWidth;
    this.left = Math.min(190, room * 0.36);
    this.wide = Math.max(room, this.left + 160);
    const high = line * this.streams.length;
    [this.canvas.width, this.canvas.height] = [Math.round(this.wide * dense), Math.round(high * dense)];
    [this.canvas.style.width, this.canvas.style.height] = [`${this.wide}px`, `${high}px`];
    const context = this.canvas.getContext("2d");
    context.scale(dense, dense);
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    const unit = (this.wide - this.left) / this.cycles;
    const x = (cycle) => this.left + cycle * unit;
    this.streams.forEach((stream, number) => {
      const top = number * line + (line - bar) / 2;
      context.fillStyle = css("--soft");
      context.fillText(fitted(context, stream.unit, this.left - 10), 0, number * line + line / 2);
      context.fillStyle = css("--track");
      context.fillRect(this.left, top, this.wide - this.left, bar);
      for (const [kind, colour] of [["waited", "--warm"], ["moved", "--accent"]]) {
        context.fillStyle = css(colour);
        for (const cycle of this.moves[number][kind]) context.fillRect(x(cycle), top, Math.max(unit, 0.6), bar);
      }
    });
    context.fillStyle = css("--ink");
    context.fillRect(x(this.cycle + 0.5) - 0.75, 0, 1.5, high);
    const here = this.streams.filter((_, number) => this.moves[number].moved.includes(this.cycle));
    document.getElementById("now").textContent = here.length ? `now: ${here.map((stream) => stream.unit).join(", ")}` : "";
  }
}

function fitted(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > room) end--;
  return `${text.slice(0, end)}…`;
}
