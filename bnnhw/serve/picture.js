// Numbers as pictures: a layer's channels side by side, each as high and wide as its map; a vector as a field of squares.

function rgb(name) {
  const hex = css(name).replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// Where each element of a picture is: its channel, row and column by its place, and the other way round.
class Field {
  constructor(shape, room) {
    Object.assign(this, { height: shape.height, width: shape.width, channels: shape.channels });
    this.flat = this.height * this.width === 1;
    const gap = this.flat ? 0 : 1;
    this.tall = this.height + gap;
    this.wide = this.width + gap;
    // About twice as wide as high, and no wider than there is room for at a pixel per element.
    const square = Math.ceil(Math.sqrt((2 * this.channels * this.tall) / this.wide));
    this.columns = Math.max(1, Math.min(this.channels, square, Math.floor(room / this.wide) || 1));
    this.rows = Math.ceil(this.channels / this.columns);
    this.size = [this.columns * this.wide - gap, this.rows * this.tall - gap];
    this.scale = Math.max(1, Math.min(14, Math.floor(Math.min(room, 420) / this.size[0]), Math.floor(420 / this.size[1]) || 1));
  }

  place(channel, row, column) {
    return [(channel % this.columns) * this.wide + column, Math.floor(channel / this.columns) * this.tall + row];
  }

  at(x, y) {
    const [column, row] = [x % this.wide, y % this.tall];
    const channel = Math.floor(y / this.tall) * this.columns + Math.floor(x / this.wide);
    if (column >= this.width || row >= this.height || channel >= this.channels) return null;
    return { channel, row, column, index: (row * this.width + column) * this.channels + channel };
  }
}

// Draws the numbers of which seen(index) says that they are there.
function paint(canvas, field, data, seen) {
  [canvas.width, canvas.height] = field.size;
  canvas.style.width = `${field.size[0] * field.scale}px`;
  const context = canvas.getContext("2d");
  const image = context.createImageData(field.size[0], field.size[1]);
  const [dark, bright, none] = [rgb("--track"), rgb("--accent"), rgb("--card")];
  const span = data.high - data.low || 1;
  for (let row = 0; row < field.height; row++) {
    for (let column = 0; column < field.width; column++) {
      for (let channel = 0; channel < field.channels; channel++) {
        const index = (row * field.width + column) * field.channels + channel;
        const [x, y] = field.place(channel, row, column);
        const shown = seen(index);
        const share = shown ? (data.values[index] - data.low) / span : 0;
        const at = 4 * (y * field.size[0] + x);
        for (let i = 0; i < 3; i++) image.data[at + i] = shown ? dark[i] + (bright[i] - dark[i]) * share : none[i];
        image.data[at + 3] = 255;
      }
    }
  }
  context.putImageData(image, 0, 0);
}
