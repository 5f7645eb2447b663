// The picture: a map of OpenLayers in image coordinates, x to the right and y up, so that row r begins at y = -r.

import {LevelTiles} from './tiles.js';

const ENLARGED = [0.5, 0.25, 0.125]; // pixels a dot, where one looks closer than 1 : 1

export class Picture {
  /** scene: what scene.json says; state: {kind, band, swipe}; scale: of a kind; events: {moved, pointed, failed}. */
  constructor(scene, state, scale, events) {
    Object.assign(this, {scene, state, scale, events});
    const extent = this.extent = [0, -scene.rows, scene.cols, 0];
    const coarse = [...scene.sides].reverse();
    this.projection = new ol.proj.Projection({code: 'sarcodec:pixels', units: 'pixels', extent});
    this.grid = new ol.tilegrid.TileGrid({extent, origin: [0, 0], resolutions: coarse, tileSize: scene.tileCells});
    this.layers = Object.fromEntries(scene.kinds.map((kind) => [kind, new ol.layer.Tile({extent, visible: false, cacheSize: 128})]));
    this.lines = new ol.source.Vector();
    this.view = new ol.View({
      projection: this.projection, extent, constrainOnlyCenter: true, enableRotation: false, constrainResolution: true,
      resolutions: [2 * coarse[0], ...coarse, ...ENLARGED], center: [scene.cols / 2, -scene.rows / 2], zoom: 0,
    });
    this.map = new ol.Map({
      target: 'map', view: this.view, controls: ol.control.defaults.defaults({attribution: false, rotate: false}),
      layers: [...scene.kinds.map((kind) => this.layers[kind]), new ol.layer.Vector({source: this.lines, style: LINE})],
    });
    this.map.on('moveend', () => events.moved());
    this.map.on('pointermove', (event) => event.dragging || events.pointed(...this.placeOf(event.coordinate)));
    this.map.getViewport().addEventListener('pointerleave', () => events.pointed(null, null));
    this.clipOriginal();
    this.show();
  }

  /** The layers of the kind, and the sources of the band, that the state names. */
  show() {
    const {kind, band} = this.state;
    const seen = kind === 'swipe' ? ['decoded', 'original'] : [kind];
    for (const [name, layer] of Object.entries(this.layers)) {
      const visible = seen.includes(name);
      if (visible && layer.get('band') !== band) {
        const tiles = new LevelTiles(this.scene, this.grid, this.projection, name, band, () => this.scale(name), this.events.failed);
        layer.setProperties({band, tiles});
        layer.setSource(tiles.source);
      }
      layer.setVisible(visible);
    }
    this.repaint();
  }

  repaint() {
    for (const layer of this.shown()) {
      layer.get('tiles').repaint();
      layer.changed(); // and not its source, which would be asked for all tiles again
    }
  }

  shown() {
    return Object.values(this.layers).filter((layer) => layer.getVisible());
  }

  fit() {
    this.view.fit(this.extent, {size: this.map.getSize()});
  }

  /** Show a place in the middle, so many pixels a dot. */
  go(row, col, side) {
    this.view.setCenter([col, -row]);
    this.view.setResolution(side);
  }

  /** [row, col, pixels a dot] in the middle. */
  place() {
    const [x, y] = this.view.getCenter();
    return [Math.round(-y), Math.round(x), this.view.getResolution()];
  }

  /** Pixels along the side of a cell of the tiles that are drawn now. */
  side() {
    return this.scene.sides.findLast((side) => side <= Math.max(1, this.view.getResolution() + 1e-9)) ?? 1;
  }

  /** [row, col] of a coordinate, or nulls outside the scene. */
  placeOf([x, y]) {
    const row = Math.floor(-y), col = Math.floor(x);
    const inside = row >= 0 && row < this.scene.rows && col >= 0 && col < this.scene.cols;
    return inside ? [row, col] : [null, null];
  }

  /** The level of a kind at a pixel, {level, side}, or null where it is not loaded. */
  level(kind, row, col) {
    const layer = this.layers[kind];
    return layer?.get('band') === this.state.band ? layer.get('tiles').at(row, col, this.side()) : null;
  }

  /** Levels of what is seen. */
  levels() {
    const [left, bottom, right, top] = this.view.calculateExtent(this.map.getSize());
    return this.shown().flatMap((layer) => layer.get('tiles').within(this.side(), [-top, left, -bottom, right]));
  }

  clipOriginal() {
    const layer = this.layers.original;
    layer?.on('prerender', (event) => {
      const context = event.context, [width, height] = this.map.getSize();
      const border = this.state.kind === 'swipe' ? width * this.state.swipe / 100 : width;
      const corners = [[0, 0], [border, 0], [border, height], [0, height]].map((corner) => ol.render.getRenderPixel(event, corner));
      context.save();
      context.beginPath();
      corners.forEach(([x, y], i) => i ? context.lineTo(x, y) : context.moveTo(x, y));
      context.closePath();
      context.clip();
    });
    layer?.on('postrender', (event) => event.context.restore());
  }

  /** Let a line be drawn; drawn: called with [row, col] of both ends. Returns a function that ends it. */
  drawLine(drawn) {
    const interaction = new ol.interaction.Draw({source: this.lines, type: 'LineString', maxPoints: 2, style: LINE});
    interaction.on('drawstart', () => this.lines.clear());
    interaction.on('drawend', ({feature}) => drawn(...feature.getGeometry().getCoordinates().map((at) => this.nearest(at))));
    this.map.addInteraction(interaction);
    return () => this.map.removeInteraction(interaction);
  }

  /** [row, col] of the pixel of the scene that is nearest. */
  nearest([x, y]) {
    return [[-y, this.scene.rows], [x, this.scene.cols]].map(([place, size]) => Math.min(size - 1, Math.max(0, Math.floor(place))));
  }

  showLine(start, end) {
    this.lines.clear();
    this.lines.addFeature(new ol.Feature(new ol.geom.LineString([start, end].map(([row, col]) => [col + 0.5, -row - 0.5]))));
  }
}

const LINE = {'stroke-color': '#ffb000', 'stroke-width': 2, 'circle-radius': 4, 'circle-fill-color': '#ffb000'};
