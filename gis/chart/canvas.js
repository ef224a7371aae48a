'use strict';
/* One canvas over the map: where it lies, what it shows, and the pictures stamped on it. */

/** @typedef {{code: string, zh: string, en: string, shape: string, night: string, day: string,
 *   severity: number, order: number, normal: boolean, unknown: boolean, count: number}} Style */
/** @typedef {{
 *   language: Language, theme: 'night' | 'day', layers: Record<string, boolean>,
 *   hidden: {households: Set<number>, cases: Set<number>}, selected: Spot | null}} View */
/** @typedef {{layer: 'grids' | 'buildings' | 'households' | 'cases', i: number}} Spot */

const PADDING = 0.25; /* of the map's size, painted beyond each edge so that panning shows no gap */
const NOBODY = 255;
const OPEN_CASE_COVERED = 20; /* the cost of a label that hides an open case */
const FONT = '"Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif';

class MapCanvas {
  /**
   * @param {any} map
   * @param {Model} model
   * @param {View} view
   */
  constructor(map, model, view) {
    this.map = map;
    this.model = model;
    this.view = view;
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'chart-canvas leaflet-zoom-animated';
    this.canvas.setAttribute('aria-hidden', 'true');
    map.getPane('overlayPane').append(this.canvas);
    this.pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext('2d'));
    /** @type {Map<string, ImageBitmap>} */
    this.sprites = new Map();
    /** @type {Map<string, Path2D>} */
    this.shapes = new Map(Object.entries(model.head.shapes).map(([k, d]) => [k, new Path2D(d)]));
    /** @type {Record<string, string>} */
    this.colours = {};
    /** @type {number[]} */
    this.frames = [];
    this.ratio = 1;
    this.rem = 16;
    /** @type {CanvasPattern | null} */
    this.hatch = null;
    this.labels = new LabelRoom();
    /** @type {Box} What the picture shows, on the unit square. */
    this.box = [0, 0, 1, 1];
    this.world = 256;
    this.left = 0;
    this.top = 0;
    this.width = 0;
    this.height = 0;
    /** @type {any} */
    this.centre = null;
    this.zoom = 0;
    /** The zoom that a screen of ordinary size would need to show as much. */
    this.detail = 0;
    this.later = 0;
    map.on('zoomend viewreset resize', () => this.paint());
    map.on('moveend', () => this.settle());
    map.on('zoomanim', (/** @type {any} */ e) => this.stretch(e.center, e.zoom));
    map.on('zoom', () => this.stretch(map.getCenter(), map.getZoom()));
    map.on('move', () => this.follow());
    this.restyle();
  }

  /** Take the theme's colours and the screen's size anew, then paint. */
  restyle() {
    const css = getComputedStyle(document.documentElement);
    for (const role of ['ground', 'panel', 'line', 'ink', 'muted', 'grid', 'late', 'wall', 'shade']) {
      this.colours[role] = css.getPropertyValue(`--${role}`).trim();
    }
    this.rem = parseFloat(css.fontSize) || 16;
    this.sprites.clear();
    this.hatch = this.makeHatch();
    this.paint();
  }

  /**
   * Stretch the last picture while the zoom is moving.
   * @param {any} centre
   * @param {number} zoom
   */
  stretch(centre, zoom) {
    if (!this.centre) return;
    const scale = this.map.getZoomScale(zoom, this.zoom);
    const half = this.map.getSize().multiplyBy(0.5 + PADDING);
    const offset = half.multiplyBy(-scale).add(this.map.project(this.centre, zoom))
      .subtract(this.map._getNewPixelOrigin(centre, zoom));
    L.DomUtil.setTransform(this.canvas, offset, scale);
  }

  /** Paint again while the map is dragged past the edge of the picture. */
  follow() {
    if (this.map._animatingZoom || this.map.getZoom() !== this.zoom) return;
    if (!this.covers()) this.paint();
  }

  /** After a movement: at once where the picture has ended, else when the hand has come to rest. */
  settle() {
    clearTimeout(this.later);
    if (this.map.getZoom() !== this.zoom || !this.covers()) this.paint();
    else this.later = setTimeout(() => this.paint(), 60);
  }

  /** Whether the picture still reaches beyond the map's edges. */
  covers() {
    const size = this.map.getSize();
    const corner = this.map.getPixelBounds().min;
    const spare = size.multiplyBy(PADDING * 0.1);
    return corner.x - this.left >= spare.x && corner.y - this.top >= spare.y
      && this.left + this.width - corner.x - size.x >= spare.x
      && this.top + this.height - corner.y - size.y >= spare.y;
  }

  /** Paint everything; said by who knows what. */
  paint() {}

  /** Lay the canvas over the map and its padding. */
  place() {
    const { map, canvas } = this;
    const size = map.getSize();
    const corner = map.containerPointToLayerPoint(size.multiplyBy(-PADDING)).round();
    const origin = map.getPixelOrigin().add(corner);
    this.width = Math.ceil(size.x * (1 + 2 * PADDING));
    this.height = Math.ceil(size.y * (1 + 2 * PADDING));
    this.ratio = window.devicePixelRatio || 1;
    this.left = origin.x;
    this.top = origin.y;
    this.centre = map.getCenter();
    this.zoom = map.getZoom();
    this.detail = this.zoom - Math.log2(this.rem / 16);
    this.world = 256 * 2 ** this.zoom;
    canvas.width = this.width * this.ratio;
    canvas.height = this.height * this.ratio;
    canvas.style.width = `${this.width}px`;
    canvas.style.height = `${this.height}px`;
    L.DomUtil.setTransform(canvas, corner, 1);
    this.pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.box = [
      this.left / this.world, this.top / this.world,
      (this.left + this.width) / this.world, (this.top + this.height) / this.world,
    ];
  }

  /** @param {Box} box */
  shows([left, top, right, bottom]) {
    const [l, t, r, b] = this.box;
    return left <= r && right >= l && top <= b && bottom >= t;
  }

  /**
   * Add a feature's rings to the path; what is nearer than a pixel to the last corner is left out.
   * @param {Outlines} outlines
   * @param {number} feature
   */
  trace(outlines, feature) {
    const { pen, world, left, top } = this;
    for (let ring = outlines.featureStart[feature]; ring < outlines.featureStart[feature + 1]; ring++) {
      const start = outlines.ringStart[ring];
      const end = outlines.ringStart[ring + 1];
      let lastX = NaN;
      let lastY = NaN;
      for (let i = start; i < end; i++) {
        const x = outlines.x[i] * world - left;
        const y = outlines.y[i] * world - top;
        if (i === start) pen.moveTo(x, y);
        else if (i + 1 < end && Math.abs(x - lastX) < 1 && Math.abs(y - lastY) < 1) continue;
        else pen.lineTo(x, y);
        lastX = x;
        lastY = y;
      }
      pen.closePath();
    }
  }

  /**
   * The part of a box that the map shows, without the padding around it.
   * @param {Box} box
   * @returns {Box}
   */
  inSight([left, top, right, bottom]) {
    const [l, t, r, b] = this.box;
    const x = ((r - l) * PADDING) / (1 + 2 * PADDING);
    const y = ((b - t) * PADDING) / (1 + 2 * PADDING);
    return [Math.max(left, l + x), Math.max(top, t + y), Math.min(right, r - x), Math.min(bottom, b - y)];
  }

  /**
   * Stamp one picture on every place.
   * @param {ImageBitmap} sprite
   * @param {Points} points
   * @param {number[]} members
   */
  stamp(sprite, points, members) {
    /* Whole pixels of the screen: nothing is blurred, and nothing must be resampled. */
    const { pen, ratio } = this;
    const scale = this.world * ratio;
    const left = this.left * ratio + sprite.width / 2;
    const top = this.top * ratio + sprite.height / 2;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    for (const i of members) {
      pen.drawImage(sprite, Math.round(points.x[i] * scale - left), Math.round(points.y[i] * scale - top));
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /**
   * A symbol drawn once: quiet and bare, or cased so that it stands off any ground.
   * @param {Style} style
   * @param {number} size
   * @param {boolean} cased
   */
  sprite(style, size, cased) {
    return this.draw(`${style.shape}|${style[this.view.theme]}|${size}|${cased}`, size * 1.5, (pen) => {
      this.symbol(pen, style, size, cased);
    });
  }

  /**
   * A case: its symbol on a round plate; the rim is the lamp of its time limit.
   * @param {Style} style
   * @param {number} size
   * @param {boolean} late
   */
  plate(style, size, late) {
    const side = size * 2.1;
    return this.draw(`plate|${style.shape}|${style[this.view.theme]}|${size}|${late}`, side, (pen) => {
      pen.beginPath();
      pen.arc(0, 0, size * 0.84, 0, 7);
      pen.fillStyle = this.colours.panel;
      pen.fill();
      pen.lineWidth = size * (late ? 0.36 : 0.2);
      pen.strokeStyle = this.colours.ground;
      pen.stroke();
      pen.lineWidth = size * (late ? 0.24 : 0.09);
      pen.strokeStyle = late ? this.colours.late : this.colours.muted;
      pen.stroke();
      this.symbol(pen, style, size * 0.88, false);
    });
  }

  /**
   * @param {string} key
   * @param {number} side
   * @param {(pen: OffscreenCanvasRenderingContext2D) => void} draw around the origin
   */
  draw(key, side, draw) {
    let sprite = this.sprites.get(key);
    if (!sprite) {
      const width = Math.max(2, Math.ceil(side * this.ratio));
      const sheet = new OffscreenCanvas(width, width);
      const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (sheet.getContext('2d'));
      pen.translate(width / 2, width / 2);
      pen.scale(this.ratio, this.ratio);
      draw(pen);
      sprite = sheet.transferToImageBitmap(); /* stamped ten times as fast as a canvas */
      this.sprites.set(key, sprite);
    }
    return sprite;
  }

  /**
   * @param {OffscreenCanvasRenderingContext2D} pen
   * @param {Style} style
   * @param {number} size
   * @param {boolean} cased
   */
  symbol(pen, style, size, cased) {
    const path = /** @type {Path2D} */ (this.shapes.get(style.shape));
    pen.save();
    pen.scale(size, size);
    pen.translate(-0.5, -0.5);
    pen.lineJoin = 'round';
    if (cased) {
      pen.strokeStyle = this.colours.ground;
      pen.lineWidth = Math.max(0.34, 5 / size);
      pen.globalAlpha = 0.85;
      pen.stroke(path);
      pen.globalAlpha = 1;
      pen.strokeStyle = this.colours.ink;
      pen.lineWidth = Math.max(0.13, 2 / size);
      pen.stroke(path);
      pen.fillStyle = this.colours.ground;
      pen.fill(path);
    }
    pen.fillStyle = style[this.view.theme];
    pen.fill(path, 'evenodd');
    pen.restore();
  }

  makeHatch() {
    const side = Math.round(this.rem * 0.75 * (window.devicePixelRatio || 1));
    const tile = document.createElement('canvas');
    tile.width = side;
    tile.height = side;
    const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext('2d'));
    pen.strokeStyle = this.colours.grid;
    pen.globalAlpha = 0.4;
    pen.lineWidth = side * 0.11;
    pen.beginPath();
    for (const shift of [-side, 0, side]) {
      pen.moveTo(shift, side);
      pen.lineTo(shift + side, 0);
    }
    pen.stroke();
    const hatch = pen.createPattern(tile, 'repeat');
    hatch?.setTransform(new DOMMatrix().scale(1 / (window.devicePixelRatio || 1)));
    return hatch;
  }
}
