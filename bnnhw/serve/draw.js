// A board to draw on, bright on dark; told(blob) is called a moment after each stroke. It has data-due meanwhile.
function drawing(canvas, pen, told) {
  const context = canvas.getContext("2d");
  let last = null;
  let due = 0;
  let strokes = 0;

  const clear = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  const line = (from, to) => {
    context.strokeStyle = "#fff";
    context.lineWidth = Math.max(8, pen * canvas.height);
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  };
  const later = () => {
    const stroke = ++strokes;
    const drawn = (blob) => {
      if (stroke === strokes) delete canvas.dataset.due;
      told(blob);
    };
    canvas.dataset.due = "";
    clearTimeout(due);
    due = setTimeout(() => canvas.toBlob(drawn, "image/png"), 120);
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null) return;
    const next = place(event);
    line(last, next);
    last = next;
    later();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (last !== null) later();
      last = null;
    });
  }
  clear();
  return clear;
}
