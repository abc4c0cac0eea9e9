// The microphone's last second, twice per second, as a WAV of 16,000 samples per second: told(bytes).
const RATE = 16000;

const LISTENER = `registerProcessor("listener", class extends AudioWorkletProcessor {
  process(inputs) { if (inputs[0].length) this.port.postMessage(inputs[0][0].slice()); return true; }
});`;

async function listening(told) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const context = new AudioContext({ sampleRate: RATE });
  const module = URL.createObjectURL(new Blob([LISTENER], { type: "text/javascript" }));
  await context.audioWorklet.addModule(module);
  URL.revokeObjectURL(module);
  const node = new AudioWorkletNode(context, "listener", { numberOfOutputs: 0 });
  context.createMediaStreamSource(stream).connect(node);
  let [heard, fresh] = [new Float32Array(0), 0];
  node.port.onmessage = (event) => {
    const joined = new Float32Array(heard.length + event.data.length);
    joined.set(heard);
    joined.set(event.data, heard.length);
    heard = joined.slice(-RATE);
    fresh += event.data.length;
    if (heard.length === RATE && fresh >= RATE / 2) {
      fresh = 0;
      told(wav(heard));
    }
  };
  return () => {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  };
}

function wav(samples) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, word) => [...word].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, RATE, 4], [28, 2 * RATE, 4], [32, 2, 2], [34, 16, 2]].forEach(([at, value, size]) =>
    size === 4 ? bytes.setUint32(at, value, true) : bytes.setUint16(at, value, true));
  text(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => bytes.setInt16(44 + 2 * i, Math.max(-1, Math.min(1, sample)) * 32767, true));
  return bytes.buffer;
}
