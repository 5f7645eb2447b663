// Tiles of levels from the server, painted here: another stretch needs no request.

import {paint} from './colours.js';

/** Tiles of one kind and band as a source of OpenLayers. scale: a function that gives {low, high, diverging}; failed: told of errors. */
export class LevelTiles {
  constructor(scene, grid, projection, kind, band, scale, failed) {
    this.sides = scene.sides;
    this.cells = scene.tileCells;
    this.scale = scale;
    this.painted = new Map(); // key to a WeakRef of a canvas: OpenLayers decides how long it lives
    this.source = new ol.source.ImageTile({
      projection, tileGrid: grid, interpolate: false, transition: 0, wrapX: false,
      loader: async (z, x, y, {signal}) => {
        const side = this.sideOf(z);
        const answer = await fetch(`tiles/${kind}/${band + 1}/${side}/${x}/${y}`, {signal});
        if (!answer.ok) {
          failed((await answer.text()).trim());
          throw new Error(`tile ${side}/${x}/${y}: ${answer.status}`);
        }
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = this.cells;
        canvas.levels = new Float32Array(await answer.arrayBuffer());
        paint(canvas, canvas.levels, this.scale());
        this.painted.set(`${side}/${x}/${y}`, new WeakRef(canvas));
        return canvas;
      },
    });
  }

  sideOf(z) {
    return this.sides[this.sides.length - 1 - z];
  }

  /** Canvases that are still there, by [side, x, y]. */
  * alive() {
    for (const [key, reference] of this.painted) {
      const canvas = reference.deref();
      if (canvas) {
        yield [key.split('/').map(Number), canvas];
      } else {
        this.painted.delete(key);
      }
    }
  }

  repaint() {
    for (const [, canvas] of this.alive()) {
      paint(canvas, canvas.levels, this.scale());
    }
  }

  /** The level at a pixel in the finest cells that are loaded, {level, side}, or null. */
  at(row, col, least) {
    for (const side of this.sides.filter((one) => one >= least)) {
      const [y, x] = [row, col].map((place) => Math.floor(place / side / this.cells));
      const canvas = this.painted.get(`${side}/${x}/${y}`)?.deref();
      if (canvas) {
        const inside = [row, col].map((place) => Math.floor(place / side) % this.cells);
        return {level: canvas.levels[inside[0] * this.cells + inside[1]], side};
      }
    }
    return null;
  }

  /** Levels within a rectangle of pixels, of cells of one side, as far as they are loaded. */
  within(side, [top, left, bottom, right]) {
    const found = [];
    for (const [[own, x, y], canvas] of this.alive()) {
      if (own !== side) {
        continue;
      }
      const rows = [top, bottom].map((place) => Math.min(this.cells, Math.max(0, Math.round(place / side - y * this.cells))));
      const cols = [left, right].map((place) => Math.min(this.cells, Math.max(0, Math.round(place / side - x * this.cells))));
      for (let row = rows[0]; row < rows[1]; row++) {
        for (let col = cols[0]; col < cols[1]; col++) {
          const level = canvas.levels[row * this.cells + col];
          if (level === level) {
            found.push(level);
          }
        }
      }
    }
    return found;
  }
}
