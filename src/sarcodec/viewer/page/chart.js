// A profile as a chart: levels over the distance along a line.

import {make, text} from './figures.js';

const WIDTH = 340, HEIGHT = 190, LEFT = 34, BOTTOM = 22, TOP = 16;

/** The chart and a sentence under it, of the server's answer {side, distance, decoded, original}. */
export function chart(found, unit) {
  const known = [...found.decoded, ...(found.original ?? [])].filter((level) => level !== null);
  if (!known.length) {
    return [make('p', {class: 'aside'}, 'No pixel on the line is valid.')];
  }
  const low = Math.floor(Math.min(...known)), high = Math.max(low + 1, Math.ceil(Math.max(...known)));
  const length = found.distance.at(-1) || 1;
  const x = (distance) => LEFT + (WIDTH - LEFT - 4) * distance / length;
  const y = (level) => TOP + (HEIGHT - TOP - BOTTOM) * (high - level) / (high - low);
  const picture = make('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': 'Levels along the line'});
  for (const level of [low, (low + high) / 2, high]) {
    picture.append(make('line', {class: 'grid', x1: LEFT, x2: WIDTH - 4, y1: y(level), y2: y(level)}));
    picture.append(make('text', {x: LEFT - 4, y: y(level) + 4, 'text-anchor': 'end'}, text(level, Number.isInteger(level) ? 0 : 1)));
  }
  picture.append(make('text', {x: LEFT, y: HEIGHT - 6}, '0'), make('text', {x: WIDTH - 4, y: HEIGHT - 6, 'text-anchor': 'end'}, `${text(length, 0)} px`));
  ['original', 'decoded'].filter((name) => found[name]).forEach((name, i) => {
    pieces(found.distance, found[name]).forEach((piece) => picture.append(
      make('polyline', {class: name, points: piece.map(([distance, level]) => `${x(distance).toFixed(1)},${y(level).toFixed(1)}`).join(' ')}),
    ));
    picture.append(make('text', {class: name, x: LEFT + 70 * i, y: 10}, `${name}${i || !found.original ? `, ${unit || 'value'}` : ''}`));
  });
  return [picture, make('p', {class: 'aside'}, sentence(found, unit))];
}

/** Samples between which all are valid. */
function pieces(distance, levels) {
  const found = [[]];
  levels.forEach((level, i) => level === null ? found.push([]) : found.at(-1).push([distance[i], level]));
  return found.filter((piece) => piece.length);
}

function sentence(found, unit) {
  const cells = found.side > 1 ? `${found.decoded.length} means of ${found.side} x ${found.side} pixels` : `${found.decoded.length} pixels`;
  const errors = (found.original ?? []).map((level, i) => level === null || found.decoded[i] === null ? null : found.decoded[i] - level).filter((error) => error !== null);
  if (!errors.length) {
    return `${cells}.`;
  }
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
  return `${cells}; decoded less original: mean ${text(mean)} ${unit}, root mean square ${text(rms)} ${unit}.`;
}
