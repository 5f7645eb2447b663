// What stands beside the picture in words and numbers. Texts come from files: they are set as text, never as HTML.

/** An element with attributes and children. */
export function make(name, attributes = {}, ...children) {
  const drawn = ['svg', 'polyline', 'line', 'text'].includes(name);
  const element = drawn ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.append(...children);
  return element;
}

/** A number with a real minus sign; nothing for null and NaN. */
export function text(value, digits = 2) {
  return value === null || value === undefined || Number.isNaN(value) ? '\u2013' : value.toFixed(digits).replace('-', '\u2212');
}

function table(head, rows) {
  const cells = (kind, row) => make('tr', {}, ...row.map((cell, i) => make(i ? kind : 'th', {}, cell)));
  return make('table', {}, cells('th', head), ...rows.map((row) => cells('td', row)));
}

/** One line about the file. */
export function facts(scene) {
  const size = `${scene.cols.toLocaleString('en')} x ${scene.rows.toLocaleString('en')} pixels, ${scene.dtype}`;
  const rate = `${scene.bytes.toLocaleString('en')} bytes, ${scene.bitsPerPixel.toFixed(3)} bit/pixel`;
  return [scene.original ? `of ${scene.original}` : '', size, rate, promise(scene)].filter(Boolean).join(' \u00b7 ');
}

function promise(scene) {
  if (scene.mode === 'learned') {
    return `quality ${scene.quality.toFixed(0)}, step ${scene.stepDb.toFixed(2)} dB, model ${scene.model}`;
  }
  return scene.mode === 'bounded' ? `no pixel is off by more than ${scene.maxErrorDb} dB` : 'every pixel bit for bit';
}

/** The claims of a file, as a table by band. */
export function claims(scene) {
  const said = scene.claims;
  if (!said) {
    return [make('p', {class: 'aside'}, 'The file says nothing of what was asked for and what was measured.')];
  }
  const value = typeof said.asked.value === 'number' ? Number(said.asked.value.toPrecision(4)) : said.asked.value;
  const asked = `Asked for: ${said.asked.target.replaceAll('_', ' ')}${said.asked.target === 'lossless' ? '' : ` ${value}`}. Written by ${said.software}.`;
  const where = said.measured === 'own pixels' ? 'all valid pixels but those beside borders of tiles' : 'all valid pixels';
  const measured = said.measured ? ` Measured while it was written, on ${where}.` : '';
  const names = {rmse_db: 'RMSE, dB', bias_power_db: 'bias of power, dB', max_error_db: 'largest error, dB', enl_ratio_restored: 'ENL ratio', invalid_share: 'invalid, %'};
  const known = Object.keys(names).filter((name) => said.bands.some((band) => band[name] !== null));
  const figure = (name, band) => name === 'invalid_share' ? text(100 * band[name], 1) : text(band[name], name === 'bias_power_db' ? 3 : 2);
  const rows = known.map((name) => [names[name], ...said.bands.map((band) => band[name] === null ? text(null) : figure(name, band))]);
  const found = [make('p', {class: 'aside'}, asked + measured)];
  return rows.length ? [...found, table(['', ...scene.bands.map((band) => band.name)], rows)] : found;
}

/** Where the cursor is, and the level there by kind: {kind: {level, side}}. */
export function local(row, col, unit, levels) {
  const shown = Object.entries(levels).filter(([, found]) => found);
  const side = Math.max(1, ...shown.map(([, found]) => found.side));
  const where = side > 1 ? `Row ${row}, column ${col}: mean of ${side} x ${side} pixels` : `Row ${row}, column ${col}`;
  return [make('p', {class: 'aside'}, where), table(['', unit || 'value'], shown.map(([kind, found]) => [kind, text(found.level)]))];
}

/** Pixels and levels of all bands, by the server's answer. */
export function exact(scene, answer) {
  const rows = answer.bands.flatMap((band, i) => Object.entries(band).map(([source, found]) => [
    `${scene.bands[i].name}, ${source}`, String(found.pixel ?? '\u2013'), text(found.level), source === 'original' ? difference(band) : '',
  ]));
  const head = scene.original ? ['', 'pixel', 'dB', 'error, dB'] : ['', 'pixel', 'dB'];
  return [make('p', {class: 'aside'}, `Row ${answer.row}, column ${answer.col}`), table(head, rows.map((row) => row.slice(0, head.length)))];
}

function difference({decoded, original}) {
  return decoded.level === null || original.level === null ? text(null) : text(decoded.level - original.level);
}
