'use strict';
/* The map's picture: one canvas, painted from quiet to urgent. */

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

class Painter {
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
    /** @type {Map<string, HTMLCanvasElement>} */
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
    map.on('moveend zoomend viewreset resize', () => this.paint());
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
    const size = this.map.getSize();
    const corner = this.map.getPixelBounds().min;
    const spare = size.multiplyBy(PADDING * 0.1);
    if (corner.x - this.left < spare.x || corner.y - this.top < spare.y
      || this.left + this.width - corner.x - size.x < spare.x
      || this.top + this.height - corner.y - size.y < spare.y) this.paint();
  }

  paint() {
    if (this.map._animatingZoom || !this.map._loaded) return;
    const began = performance.now();
    this.place();
    const { layers } = this.view;
    this.labels = new LabelRoom();
    if (layers.grids && layers.shades) this.paintShades();
    if (layers.buildings) this.paintBuildings();
    if (layers.areas) this.paintAreas();
    if (layers.grids) this.paintGridLines();
    this.paintSelected();
    const households = layers.households ? this.chooseHouseholds() : null;
    if (households) this.paintQuiet(households);
    if (layers.cases) this.paintCases(true);
    if (households) this.paintUrgent(households, false);
    if (layers.labels) this.paintLabels();
    if (households) this.paintUrgent(households, true);
    if (layers.cases) this.paintCases(false);
    this.frames.push(performance.now() - began);
  }

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

  paintShades() {
    const { pen, model: { grids } } = this;
    const css = getComputedStyle(document.documentElement);
    for (let i = 0; i < grids.n; i++) {
      if (!this.shows(grids.outline.boxes[i])) continue;
      pen.beginPath();
      this.trace(grids.outline, i);
      if (grids.shade[i]) {
        pen.globalAlpha = parseFloat(css.getPropertyValue(`--shade-${grids.shade[i]}`)) || 0;
        pen.fillStyle = this.colours.shade;
        pen.fill('evenodd');
      }
      pen.globalAlpha = 1;
      if (grids.kind.at(i) === 'dedicated' && this.hatch) {
        pen.fillStyle = this.hatch;
        pen.fill('evenodd');
      }
    }
  }

  paintBuildings() {
    const { pen, model: { buildings, styles } } = this;
    if (buildings.n > 500 && this.detail < 13) return;
    for (let i = 0; i < buildings.n; i++) {
      if (!this.shows(buildings.outline.boxes[i])) continue;
      const style = buildings.worst[i] === NOBODY ? null : styles[buildings.worst[i]];
      pen.beginPath();
      this.trace(buildings.outline, i);
      const quiet = !style || style.normal;
      pen.fillStyle = quiet ? this.colours.wall : style[this.view.theme];
      pen.strokeStyle = pen.fillStyle;
      pen.globalAlpha = quiet ? 0.3 : 0.34;
      pen.fill('evenodd');
      if (this.detail >= 15) {
        pen.globalAlpha = quiet ? 0.7 : 0.9;
        pen.lineWidth = this.rem * (quiet ? 0.05 : 0.08);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }

  paintAreas() {
    const { pen, model: { areas } } = this;
    pen.strokeStyle = this.colours.muted;
    pen.globalAlpha = 0.55;
    pen.lineWidth = this.rem * 0.06;
    pen.beginPath();
    for (let i = 0; i < areas.n; i++) {
      if (this.shows(areas.outline.boxes[i])) this.trace(areas.outline, i);
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  paintGridLines() {
    const { pen, model: { grids } } = this;
    const width = this.rem * Math.max(0.07, Math.min(0.16, (this.detail - 9) * 0.025));
    pen.lineJoin = 'round';
    pen.beginPath();
    for (let i = 0; i < grids.n; i++) {
      if (this.shows(grids.outline.boxes[i])) this.trace(grids.outline, i);
    }
    pen.strokeStyle = this.colours.ground;
    pen.globalAlpha = 0.5;
    pen.lineWidth = width * 2.4;
    pen.stroke();
    pen.globalAlpha = 1;
    pen.strokeStyle = this.colours.grid;
    pen.lineWidth = width;
    pen.stroke();
  }

  paintSelected() {
    const spot = this.view.selected;
    if (!spot || (spot.layer !== 'grids' && spot.layer !== 'buildings')) return;
    const { outline } = this.model[spot.layer];
    this.pen.beginPath();
    this.trace(outline, spot.i);
    this.pen.strokeStyle = this.colours.ink;
    this.pen.lineWidth = this.rem * 0.16;
    this.pen.stroke();
  }

  /** Sizes of household symbols at this zoom, and whether normal ones are drawn. */
  householdSizes() {
    const { households } = this.model;
    const room = households.pitch * this.world;
    const { rem } = this;
    const growth = Math.max(0, Math.min(1, (this.detail - 12) / 6));
    return {
      normal: Math.max(rem * 0.17, Math.min(rem * 0.6, room * 0.5)),
      urgent: Math.max(rem * (0.55 + 0.4 * growth), Math.min(rem * 1.5, room * 0.85)),
      quiet: households.n <= 2000 || room > rem * 0.16,
      apart: room > rem * 1.1,
    };
  }

  /**
   * Sort the households in sight by status; where they crowd, the worst speaks for its neighbours.
   * @returns {number[][]} members by position in `model.ranks`, from quiet to urgent
   */
  chooseHouseholds() {
    const { households, rankOf, ranks, quiet } = this.model;
    const sizes = this.householdSizes();
    /** @type {number[][]} */
    const chosen = ranks.map(() => []);
    households.within(this.box, (i) => {
      const status = households.status[i];
      if (status === NOBODY || this.view.hidden.households.has(status)) return;
      if (sizes.quiet || !quiet[status]) chosen[rankOf[status]].push(i);
    });
    this.thin(chosen, sizes);
    return chosen;
  }

  /**
   * Leave out what would be painted over anyway; the worst always stay. The cells hang on the
   * ground, not on the window, so that nothing flickers while the map is moved.
   * @param {number[][]} chosen
   * @param {{normal: number, urgent: number}} sizes
   */
  thin(chosen, sizes) {
    const { households, ranks, styles, most, quiet } = this.model;
    const room = households.pitch * this.world;
    if (room > sizes.urgent * 0.5) return;
    const crowd = room < sizes.urgent * 0.25 ? 1.5 : 0.7;
    /** @type {Set<number>} */
    const urgent = new Set();
    /** @type {Set<number>} */
    const calm = new Set();
    /** @param {number} side @param {number} i */
    const cellOf = (side, i) => {
      const row = Math.floor((households.y[i] * this.world) / side);
      const column = Math.floor((households.x[i] * this.world) / side);
      return (row % 33554432) * 67108864 + (column % 33554432) + side / 1000;
    };
    for (let rank = ranks.length - 1; rank >= 0; rank--) {
      const { severity } = styles[ranks[rank]];
      const bare = quiet[ranks[rank]];
      const apart = severity < most ? crowd : 0.3;
      const [taken, side] = bare ? [calm, sizes.normal * 0.8] : [urgent, sizes.urgent * apart];
      chosen[rank] = chosen[rank].filter((i) => {
        const cell = cellOf(side, i);
        if (taken.has(cell)) return false;
        taken.add(cell);
        if (!bare && severity === most) taken.add(cellOf(sizes.urgent * crowd, i));
        return true;
      });
    }
  }

  /** @param {number[][]} chosen */
  paintQuiet(chosen) {
    const { ranks, styles, households, quiet } = this.model;
    const { normal } = this.householdSizes();
    ranks.forEach((status, rank) => {
      if (!quiet[status] || !chosen[rank].length) return;
      const { unknown } = styles[status];
      const sprite = this.sprite(styles[status], normal * (unknown ? 1.5 : 1), false);
      this.pen.globalAlpha = normal < this.rem * 0.4 ? 0.75 : 0.95;
      this.stamp(sprite, households, chosen[rank]);
    });
    this.pen.globalAlpha = 1;
  }

  /**
   * @param {number[][]} chosen
   * @param {boolean} worst paint those of the worst status, with marks of open cases, or the others
   */
  paintUrgent(chosen, worst) {
    const { ranks, styles, households, most, quiet } = this.model;
    const sizes = this.householdSizes();
    ranks.forEach((status, rank) => {
      const style = styles[status];
      if (quiet[status] || (style.severity === most) !== worst || !chosen[rank].length) return;
      this.stamp(this.sprite(style, sizes.urgent * this.weight(style), true), households, chosen[rank]);
    });
    if (!worst) return;
    if (sizes.apart) this.paintCorners(chosen.flat(), sizes);
    const spot = this.view.selected;
    if (spot?.layer === 'households') this.paintHalo(households, spot.i, sizes.urgent * 0.8);
  }

  /**
   * How large a symbol is beside the worst one's.
   * @param {Style} style
   */
  weight(style) {
    const { most } = this.model;
    return most > 0 && style.severity < most ? 0.72 + 0.2 * (style.severity / most) : 1;
  }

  /**
   * @param {number[]} members
   * @param {{normal: number, urgent: number}} sizes
   */
  paintCorners(members, sizes) {
    const { pen, rem, model: { households, quiet } } = this;
    const side = rem * 0.72;
    pen.font = `700 ${rem * 0.5}px ${FONT}`;
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    for (const i of members) {
      const count = households.open[i];
      if (!count) continue;
      const reach = quiet[households.status[i]] ? sizes.normal * 0.5 + side * 0.15 : sizes.urgent * 0.42;
      const x = households.x[i] * this.world - this.left - reach;
      const y = households.y[i] * this.world - this.top - reach;
      pen.beginPath();
      pen.moveTo(x - side * 0.5, y - side * 0.5);
      pen.lineTo(x + side * 0.75, y - side * 0.5);
      pen.lineTo(x - side * 0.5, y + side * 0.75);
      pen.closePath();
      pen.fillStyle = '#ffffff';
      pen.fill();
      pen.lineWidth = rem * 0.05;
      pen.strokeStyle = '#16212c';
      pen.stroke();
      pen.fillStyle = '#16212c';
      pen.fillText(count > 9 ? '9+' : String(count), x - side * 0.13, y - side * 0.13);
    }
  }

  caseSize() {
    return this.rem * Math.max(0.55, Math.min(1.15, 0.55 + (this.detail - 13) * 0.1));
  }

  /** @param {boolean} quiet paint the ended ones, or the open ones */
  paintCases(quiet) {
    const { cases, states, caseRanks } = this.model;
    const size = this.caseSize();
    /** @type {number[][][]} */
    const chosen = caseRanks.map(() => [[], []]);
    cases.within(this.box, (i) => {
      const state = cases.status[i];
      if (state === NOBODY || this.view.hidden.cases.has(state)) return;
      if (states[state].normal === quiet) chosen[caseRanks.indexOf(state)][cases.late[i]].push(i);
    });
    for (const late of [0, 1]) {
      caseRanks.forEach((state, rank) => {
        const members = chosen[rank][late];
        if (!members.length) return;
        const sprite = quiet
          ? this.sprite(states[state], size * 0.62, false)
          : this.plate(states[state], size, late === 1);
        this.pen.globalAlpha = quiet ? 0.75 : 1;
        this.stamp(sprite, cases, members);
      });
    }
    this.pen.globalAlpha = 1;
    const spot = this.view.selected;
    if (!quiet && spot?.layer === 'cases') this.paintHalo(cases, spot.i, size);
  }

  /**
   * @param {Points} points
   * @param {number} i
   * @param {number} radius
   */
  paintHalo(points, i, radius) {
    this.pen.beginPath();
    this.pen.arc(points.x[i] * this.world - this.left, points.y[i] * this.world - this.top,
      radius + this.rem * 0.25, 0, 7);
    this.pen.strokeStyle = this.colours.ink;
    this.pen.lineWidth = this.rem * 0.14;
    this.pen.stroke();
  }

  /**
   * Stamp one picture on every place.
   * @param {HTMLCanvasElement} sprite
   * @param {Points} points
   * @param {number[]} members
   */
  stamp(sprite, points, members) {
    const side = sprite.width / this.ratio;
    const { pen, world } = this;
    const left = this.left + side / 2;
    const top = this.top + side / 2;
    for (const i of members) {
      pen.drawImage(sprite, points.x[i] * world - left, points.y[i] * world - top, side, side);
    }
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
   * @param {(pen: CanvasRenderingContext2D) => void} draw around the origin
   */
  draw(key, side, draw) {
    let sprite = this.sprites.get(key);
    if (!sprite) {
      sprite = document.createElement('canvas');
      sprite.width = Math.max(2, Math.ceil(side * this.ratio));
      sprite.height = sprite.width;
      const pen = /** @type {CanvasRenderingContext2D} */ (sprite.getContext('2d'));
      pen.translate(sprite.width / 2, sprite.height / 2);
      pen.scale(this.ratio, this.ratio);
      draw(pen);
      this.sprites.set(key, sprite);
    }
    return sprite;
  }

  /**
   * @param {CanvasRenderingContext2D} pen
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

  paintLabels() {
    const { grids, buildings } = this.model;
    const { rem } = this;
    const large = Math.max(0.85, Math.min(1.1, 0.85 + (this.detail - 13) * 0.05));
    for (let i = 0; i < grids.n && this.view.layers.grids; i++) {
      if (!this.shows(grids.outline.boxes[i])) continue;
      const name = grids.name.at(i) ?? grids.code.at(i) ?? '';
      const load = grids.open[i] ? writeLoad(this.view.language, grids.open[i], grids.late[i]) : '';
      /** @type {[string, number, number]} */
      const first = [name, large * rem, 700];
      if (load && this.labelGrid(i, [first, [load, large * rem * 0.8, 400]])) continue;
      this.labelGrid(i, [first]);
    }
    if (this.detail < 16.5 || !this.view.layers.buildings) return;
    for (let i = 0; i < buildings.n; i++) {
      const [left, , right] = buildings.outline.boxes[i];
      if (!this.shows(buildings.outline.boxes[i])) continue;
      const size = rem * 0.75;
      const lines = this.measure([[buildings.name.at(i) ?? '', size, 500]]);
      if (lines.width > Math.max((right - left) * this.world * 1.15, rem * 3)) continue;
      const edge = buildings.outline.topAt(i, buildings.x[i]) * this.world - this.top;
      this.write(lines, buildings.x[i] * this.world - this.left, edge - size);
    }
  }

  /**
   * Name a grid where it is in sight and where the fewest symbols would be covered; not at all
   * where an open case would be: there the pointer tells the name.
   * @param {number} i
   * @param {[string, number, number][]} texts
   * @returns {boolean} whether it was written
   */
  labelGrid(i, texts) {
    const { model: { grids }, world } = this;
    const lines = this.measure(texts);
    const [left, top, right, bottom] = this.inSight(grids.outline.boxes[i]);
    const width = (right - left) * world;
    const height = (bottom - top) * world;
    if (!lines.width || lines.width > width * 0.94 || lines.height > height * 0.94) return false;
    const spareX = Math.max(0, width - lines.width * 1.06) / 2 / world;
    const spareY = Math.max(0, height - lines.height * 1.1) / 2 / world;
    const halfX = lines.width / 2 / world;
    const halfY = lines.height / 2 / world;
    const whole = [left, top, right, bottom].every((edge, k) => edge === grids.outline.boxes[i][k]);
    const [middleX, middleY] = whole ? [grids.x[i], grids.y[i]] : [(left + right) / 2, (top + bottom) / 2];
    let best = OPEN_CASE_COVERED;
    let place = [0, 0];
    for (const up of [0, -0.33, 0.33, -0.66, 0.66, -1, 1]) {
      for (const across of [0, -0.5, 0.5]) {
        const x = Math.max(left + halfX, Math.min(right - halfX, middleX + across * spareX));
        const y = Math.max(top + halfY, Math.min(bottom - halfY, middleY + up * spareY));
        const inside = [-1, 1].every((side) => grids.outline.covers(i, x + side * halfX, y));
        if (!inside) continue;
        const cost = this.covered([x - halfX, y - halfY, x + halfX, y + halfY]) + Math.abs(up) + Math.abs(across);
        if (cost < best) {
          best = cost;
          place = [x, y];
        }
      }
    }
    return best < OPEN_CASE_COVERED
      && this.write(lines, place[0] * world - this.left, place[1] * world - this.top);
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
   * Roughly how much a label here would cover: cases count most, then what is not normal.
   * @param {Box} box
   */
  covered(box) {
    const { cases, households, states, quiet } = this.model;
    let cost = 0;
    /** @param {Points} points @param {(i: number) => number} weigh */
    const add = (points, weigh) => points.within(box, (i) => {
      const [x, y] = [points.x[i], points.y[i]];
      const reach = this.rem / this.world / 2;
      if (x > box[0] - reach && x < box[2] + reach && y > box[1] - reach && y < box[3] + reach) cost += weigh(i);
    });
    if (this.view.layers.cases) add(cases, (i) => (states[cases.status[i]]?.normal ? 0.5 : OPEN_CASE_COVERED));
    if (this.view.layers.households) add(households, (i) => (quiet[households.status[i]] ? 0.05 : 1));
    return cost;
  }

  /**
   * @param {[string, number, number][]} texts text, size and weight of each line
   */
  measure(texts) {
    const { pen } = this;
    const lines = texts.filter(([text]) => text && text.length <= 60);
    let width = 0;
    let height = 0;
    for (const [text, size, weight] of lines) {
      pen.font = `${weight} ${size}px ${FONT}`;
      width = Math.max(width, pen.measureText(text).width);
      height += size * 1.25;
    }
    return { lines, width, height };
  }

  /**
   * Write lines around a place unless another label is there.
   * @param {{lines: [string, number, number][], width: number, height: number}} measured
   * @param {number} x
   * @param {number} y
   * @returns {boolean} whether there was room
   */
  write({ lines, width, height }, x, y) {
    const { pen } = this;
    if (!this.labels.take(x - width / 2, y - height / 2, width, height)) return false;
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.lineJoin = 'round';
    let line = y - height / 2;
    for (const [text, size, weight] of lines) {
      line += size * 0.625;
      pen.font = `${weight} ${size}px ${FONT}`;
      pen.strokeStyle = this.colours.ground;
      pen.lineWidth = size * 0.3;
      pen.globalAlpha = 0.9;
      pen.strokeText(text, x, line);
      pen.globalAlpha = 1;
      pen.fillStyle = weight === 400 ? this.colours.muted : this.colours.ink;
      pen.fillText(text, x, line);
      line += size * 0.625;
    }
    return true;
  }

  /**
   * What is under a place of the map: the most urgent symbol, else the building, else the grid.
   * @param {any} latlng
   * @returns {Spot | null}
   */
  find(latlng) {
    const point = this.map.project(latlng, this.zoom);
    const x = point.x / this.world;
    const y = point.y / this.world;
    const { layers, hidden } = this.view;
    const { model } = this;
    const at = layers.cases
      ? this.nearest(model.cases, x, y, this.caseSize() * 0.85, hidden.cases, (s) => (model.states[s].normal ? 0 : 1))
      : -1;
    if (at >= 0) return { layer: 'cases', i: at };
    const sizes = this.householdSizes();
    const home = layers.households
      ? this.nearest(model.households, x, y, Math.max(sizes.urgent, this.rem * 0.7) / 2, hidden.households, (s) => {
        if (!model.quiet[s]) return sizes.apart ? 1 : 1 + model.rankOf[s];
        return sizes.quiet && sizes.normal > this.rem * 0.25 ? 1 : 0;
      })
      : -1;
    if (home >= 0) return { layer: 'households', i: home };
    const building = layers.buildings && this.detail >= 13 ? model.buildings.outline.find(x, y) : -1;
    if (building >= 0) return { layer: 'buildings', i: building };
    const grid = layers.grids ? model.grids.outline.find(x, y) : -1;
    return grid >= 0 ? { layer: 'grids', i: grid } : null;
  }

  /**
   * @param {Points} points
   * @param {number} x
   * @param {number} y
   * @param {number} reach in pixels
   * @param {Set<number>} hidden
   * @param {(status: number) => number} rank 0 for what is not drawn; the highest wins
   */
  nearest(points, x, y, reach, hidden, rank) {
    const radius = reach / this.world;
    let best = -1;
    let score = -Infinity;
    points.within([x - radius, y - radius, x + radius, y + radius], (i) => {
      const status = points.status[i];
      if (status === NOBODY || hidden.has(status)) return;
      const distance = Math.hypot(points.x[i] - x, points.y[i] - y);
      const place = rank(status);
      if (distance > radius || place === 0) return;
      if (place - distance / radius / 2 > score) {
        best = i;
        score = place - distance / radius / 2;
      }
    });
    return best;
  }
}

/** Keeps labels off one another. */
class LabelRoom {
  constructor() {
    /** @type {Box[]} */
    this.taken = [];
  }

  /**
   * @param {number} left
   * @param {number} top
   * @param {number} width
   * @param {number} height
   */
  take(left, top, width, height) {
    const right = left + width;
    const bottom = top + height;
    if (this.taken.some(([l, t, r, b]) => left < r && right > l && top < b && bottom > t)) return false;
    this.taken.push([left, top, right, bottom]);
    return true;
  }
}
