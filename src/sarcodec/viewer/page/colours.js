// Levels to colours: grey from black to white, or blue over white to red about zero. The colours are those of `sarcodec evaluate --report`.

const COLD = [33, 102, 172], WHITE = [247, 247, 247], WARM = [178, 24, 43], VOID = [107, 122, 143];
const STEPS = 256;

function packed([red, green, blue]) {
  return (255 << 24 | Math.round(blue) << 16 | Math.round(green) << 8 | Math.round(red)) >>> 0; // as bytes of an ImageData lie, little-endian
}

function between(first, second, share) {
  return first.map((value, i) => value + share * (second[i] - value));
}

const grey = Uint32Array.from({length: STEPS}, (_, i) => packed([i, i, i]));
const diverging = Uint32Array.from({length: STEPS}, (_, i) => {
  const share = 2 * i / (STEPS - 1) - 1;
  return packed(between(WHITE, share < 0 ? COLD : WARM, Math.abs(share)));
});
const nothing = packed(VOID);

/** Paint a Float32Array of levels into a square canvas: scale is {low, high, diverging}; NaN is slate blue. */
export function paint(canvas, levels, scale) {
  const context = canvas.getContext('2d');
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const table = scale.diverging ? diverging : grey;
  const times = (STEPS - 1) / Math.max(scale.high - scale.low, 1e-9);
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i];
    pixels[i] = level === level ? table[Math.max(0, Math.min(STEPS - 1, Math.round((level - scale.low) * times)))] : nothing;
  }
  context.putImageData(image, 0, 0);
}
