// The page: its state, its controls and keys, and what they ask of the picture, the figures and the chart.

import {chart} from './chart.js';
import {claims, exact, facts, local, make, text} from './figures.js';
import {Picture} from './picture.js';

const WORDS = {decoded: 'decoded', original: 'original', swipe: 'swipe', error: 'error', ratio: 'ratio'};
const TOLD = {
  error: 'decoded less original level of each cell', ratio: 'original over decoded power, means of 7 x 7 cells',
};
const POINTED_MS = 80; // how long the cursor rests before pixels are asked for
const element = (id) => document.getElementById(id);

const scene = await (await fetch('scene.json')).json();
const state = {kind: 'decoded', band: 0, swipe: 50, reach: 3, stretch: scene.bands.map((band) => [...band.stretch])};
let stopDrawing = null, waiting = 0, asked = 0;

function kinds() {
  const radar = scene.bands[state.band].unit === 'dB';
  return Object.keys(WORDS).filter((kind) => (kind === 'swipe' ? scene.original : scene.kinds.includes(kind)) && (kind !== 'ratio' || radar));
}

function isDifference(kind) {
  return kind === 'error' || kind === 'ratio';
}

function scale(kind) {
  const [low, high] = state.stretch[state.band];
  return isDifference(kind) ? {low: -state.reach, high: state.reach, diverging: true} : {low, high, diverging: false};
}

function tell(words, wrong = false) {
  element('status').textContent = words;
  element('status').classList.toggle('wrong', wrong);
}

document.title = `${scene.name} \u2013 sarcodec`;
element('title').textContent = scene.name;
element('facts').textContent = facts(scene); // before the picture is measured: the head grows with it
const picture = new Picture(scene, state, scale, {
  moved: () => {
    remember();
    const side = picture.side();
    tell([TOLD[state.kind] ?? '', side > 1 ? `${side} x ${side} pixels a cell` : 'every pixel'].filter(Boolean).join(' \u00b7 '));
  },
  pointed,
  failed: (words) => tell(words, true),
});

/** Bring all controls and the picture to what the state says. */
function update() {
  state.kind = kinds().includes(state.kind) ? state.kind : 'decoded';
  const {low, high, diverging} = scale(state.kind), unit = scene.bands[state.band].unit;
  choices('kinds', kinds().map((kind) => [kind, WORDS[kind]]), state.kind, (kind) => change({kind}));
  choices('bands', scene.bands.map((band, i) => [i, band.name]), state.band, (band) => change({band: Number(band)}));
  for (const [id, value] of [['low', low], ['high', high], ['reach', state.reach]]) {
    element(id).value = Number(value.toFixed(2));
    element(id).parentElement.hidden = (id === 'reach') !== diverging;
  }
  document.querySelectorAll('.unit').forEach((one) => { one.textContent = unit; });
  element('bar').className = diverging ? 'diverging' : 'grey';
  [['bar-low', low], ['bar-middle', (low + high) / 2], ['bar-high', high]].forEach(([id, value]) => { element(id).textContent = `${text(value, 1)} ${unit}`; });
  placeSwipe();
  picture.show();
  picture.events.moved();
}

function change(changed) {
  Object.assign(state, changed);
  update();
}

/** Radio buttons: made anew where they are others, else only checked, so that the focus stays. */
function choices(id, items, chosen, choose) {
  const field = element(id), there = [...field.querySelectorAll('input')];
  if (there.map((one) => one.value).join() !== items.map(([value]) => value).join()) {
    there.forEach((one) => one.parentElement.remove());
    for (const [value, words] of items) {
      const input = make('input', {type: 'radio', name: id, value});
      input.addEventListener('change', () => choose(value));
      field.append(make('label', {class: 'choice'}, input, make('span', {}, words)));
    }
  }
  field.querySelectorAll('input').forEach((one) => { one.checked = one.value === String(chosen); });
}

function placeSwipe() {
  const on = state.kind === 'swipe', handle = element('swipe');
  handle.hidden = !on;
  document.querySelectorAll('.side').forEach((one) => { one.hidden = !on; });
  handle.style.left = `${state.swipe}%`;
  handle.setAttribute('aria-valuenow', Math.round(state.swipe));
  picture?.map.render();
}

function moveSwipe(to) {
  state.swipe = Math.min(100, Math.max(0, to));
  placeSwipe();
}

function pointed(row, col) {
  clearTimeout(waiting);
  if (row === null) {
    return;
  }
  const found = Object.fromEntries(scene.kinds.map((kind) => [kind, picture.level(kind, row, col)]));
  element('values').replaceChildren(...local(row, col, scene.bands[state.band].unit, found));
  if (picture.side() === 1) { // further out a pixel is not seen, and would cost a tile
    waiting = setTimeout(async () => {
      const mine = ++asked, answer = await fetch(`values/${row}/${col}`);
      if (answer.ok && mine === asked) {
        element('values').replaceChildren(...exact(scene, await answer.json()));
      }
    }, POINTED_MS);
  }
}

/** From the 2nd to the 98th percentile of what is seen; of a difference the 98th of its size. */
function fitStretch() {
  const different = isDifference(state.kind);
  const levels = Float32Array.from(picture.levels(), different ? Math.abs : (level) => level).sort();
  if (!levels.length) {
    return;
  }
  const [low, high] = [0.02, 0.98].map((share) => levels[Math.floor(share * (levels.length - 1))]);
  if (different) {
    state.reach = Math.max(0.01, Number(high.toPrecision(2)));
  } else {
    state.stretch[state.band] = [low, Math.max(high, low + 0.1)];
  }
  update();
}

async function showProfile(start, end) {
  [['row0', start[0]], ['col0', start[1]], ['row1', end[0]], ['col1', end[1]]].forEach(([name, value]) => { element('line').elements[name].value = value; });
  const answer = await fetch(`profile/${[state.band + 1, ...start, ...end].join('/')}`);
  if (!answer.ok) {
    tell(`no profile from row ${start[0]}, column ${start[1]} to row ${end[0]}, column ${end[1]}: ${(await answer.text()).trim()}`, true);
    return;
  }
  element('profile').replaceChildren(...chart(await answer.json(), scene.bands[state.band].unit));
}

function draw(on) {
  stopDrawing?.();
  stopDrawing = on ? picture.drawLine((start, end) => {
    setTimeout(() => draw(false)); // after the line is among those that are shown
    showProfile(start, end);
  }) : null;
  element('draw').setAttribute('aria-pressed', on);
}

/** What is seen stands in the address, so that it can be opened again. */
function remember() {
  const [row, col, side] = picture.place(), [low, high] = state.stretch[state.band].map((value) => Number(value.toFixed(2)));
  const words = {kind: state.kind, band: state.band + 1, row, col, side, low, high, reach: state.reach};
  history.replaceState(null, '', `#${new URLSearchParams(words)}`);
}

function recall() {
  const said = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const number = (name) => said[name] !== undefined && Number.isFinite(Number(said[name])) ? Number(said[name]) : null;
  state.kind = said.kind ?? state.kind;
  state.band = Math.min(scene.bands.length, Math.max(1, Math.floor(number('band') ?? 1))) - 1;
  state.reach = Math.max(0.01, number('reach') ?? state.reach);
  if (number('low') !== null && number('high') > number('low')) {
    state.stretch[state.band] = [number('low'), number('high')];
  }
  if (number('row') !== null && number('col') !== null && number('side') > 0) {
    picture.go(number('row'), number('col'), number('side'));
  } else {
    picture.fit();
  }
}

const KEYS = {
  d: () => change({kind: 'decoded'}), o: () => choose('original'), s: () => choose('swipe'), e: () => choose('error'), r: () => choose('ratio'),
  ',': () => moveSwipe(state.swipe - 5), '.': () => moveSwipe(state.swipe + 5), a: fitStretch, f: () => picture.fit(),
  x: () => picture.view.setResolution(1), p: () => draw(!stopDrawing), Escape: () => draw(false),
};

function choose(kind) {
  if (kinds().includes(kind)) {
    change({kind});
  }
}

function listen() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input[type=number]')) {
      return;
    }
    const band = Number(event.key) - 1;
    if (KEYS[event.key]) {
      KEYS[event.key]();
    } else if (Number.isInteger(band) && scene.bands[band]) {
      change({band});
    }
  });
  for (const [i, id] of ['low', 'high'].entries()) {
    element(id).addEventListener('change', () => {
      const wanted = [...state.stretch[state.band]];
      wanted[i] = Number(element(id).value);
      if (wanted[0] < wanted[1]) {
        state.stretch[state.band] = wanted;
      }
      update();
    });
  }
  element('reach').addEventListener('change', () => change({reach: Math.max(0.01, Number(element('reach').value))}));
  element('auto').addEventListener('click', fitStretch);
  element('fit').addEventListener('click', KEYS.f);
  element('one').addEventListener('click', KEYS.x);
  element('draw').addEventListener('click', KEYS.p);
  element('clear').addEventListener('click', () => { picture.lines.clear(); element('profile').replaceChildren(); });
  element('line').addEventListener('submit', (event) => {
    event.preventDefault();
    const [row0, col0, row1, col1] = ['row0', 'col0', 'row1', 'col1'].map((name) => Number(element('line').elements[name].value));
    picture.showLine([row0, col0], [row1, col1]);
    showProfile([row0, col0], [row1, col1]);
  });
  listenToSwipe();
}

function listenToSwipe() {
  const handle = element('swipe');
  handle.addEventListener('pointerdown', (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener('pointermove', (event) => {
    if (handle.hasPointerCapture(event.pointerId)) {
      const box = element('picture').getBoundingClientRect();
      moveSwipe(100 * (event.clientX - box.left) / box.width);
    }
  });
  handle.addEventListener('keydown', (event) => {
    const step = {ArrowLeft: -2, ArrowRight: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100}[event.key];
    if (step) {
      event.preventDefault();
      moveSwipe(state.swipe + step);
    }
  });
}

element('claims').replaceChildren(...claims(scene));
listen();
recall();
update();
