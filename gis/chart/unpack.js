'use strict';
/* Columns as Python packed them (gis/chart/packing.py). Texts are decoded when asked for. */

/** @typedef {{kind: 'u1' | 'u2' | 'u4' | 'i4', bytes: string}} PackedNumbers */
/** @typedef {{index: PackedNumbers, values: (string | null)[]} |
 *            {shared: PackedNumbers, rest: (string | null)[]}} PackedText */
/** @typedef {{x: PackedNumbers, y: PackedNumbers, points: PackedNumbers, rings: PackedNumbers,
 *             polygons: PackedNumbers}} PackedPolygons */
/** @typedef {Uint8Array | Uint16Array | Uint32Array | Int32Array} Numbers */

const RESOLUTION = 1e-7;
const BLOCK = 64;

/**
 * @param {PackedNumbers} packed
 * @returns {Numbers}
 */
function unpackNumbers(packed) {
  const letters = atob(packed.bytes);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  switch (packed.kind) {
    case 'u2': return new Uint16Array(bytes.buffer);
    case 'u4': return new Uint32Array(bytes.buffer);
    case 'i4': return new Int32Array(bytes.buffer);
    default: return bytes;
  }
}

/** A column of texts. */
class Texts {
  /** @param {PackedText} packed */
  constructor(packed) {
    this.packed = packed;
    /** @type {Numbers | null} */
    this.numbers = null;
    this.block = -1;
    /** @type {(string | null)[]} */
    this.decoded = [];
  }

  /**
   * @param {number} i
   * @returns {string | null}
   */
  at(i) {
    if ('index' in this.packed) {
      this.numbers ??= unpackNumbers(this.packed.index);
      return this.packed.values[this.numbers[i]];
    }
    this.numbers ??= unpackNumbers(this.packed.shared);
    const block = Math.floor(i / BLOCK);
    if (block !== this.block) this.decode(block, this.packed.rest);
    return this.decoded[i - block * BLOCK];
  }

  /**
   * @param {number} block
   * @param {(string | null)[]} rest
   */
  decode(block, rest) {
    const shared = /** @type {Numbers} */ (this.numbers);
    const end = Math.min((block + 1) * BLOCK, rest.length);
    let before = '';
    this.decoded = [];
    for (let i = block * BLOCK; i < end; i++) {
      const tail = rest[i];
      const text = tail === null ? null : before.slice(0, shared[i]) + tail;
      this.decoded.push(text);
      before = text ?? '';
    }
    this.block = block;
  }
}

/**
 * Project degrees onto the unit square of the web map, as Leaflet does at zoom 0 over 256.
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {number} origin
 * @returns {{x: Float64Array, y: Float64Array}}
 */
function project(x, y, origin) {
  const across = new Float64Array(x.length);
  const down = new Float64Array(y.length);
  for (let i = 0; i < x.length; i++) {
    const lat = Math.max(-85.0511287798, Math.min(85.0511287798, y[i] * RESOLUTION));
    const sine = Math.sin((lat * Math.PI) / 180);
    across[i] = (origin + x[i] * RESOLUTION) / 360 + 0.5;
    down[i] = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
  }
  return { x: across, y: down };
}

/**
 * The box around some points: left, top, right, bottom on the unit square.
 * @typedef {[number, number, number, number]} Box
 */

/** Outlines of features, projected; each with its box. */
class Outlines {
  /**
   * @param {PackedPolygons} packed
   * @param {number} origin
   */
  constructor(packed, origin) {
    const { x, y } = project(unpackNumbers(packed.x), unpackNumbers(packed.y), origin);
    this.x = x;
    this.y = y;
    this.ringStart = starts(unpackNumbers(packed.points));
    const polygonStart = starts(unpackNumbers(packed.rings));
    const polygons = starts(unpackNumbers(packed.polygons));
    /** First ring of each feature; one more at the end. */
    this.featureStart = polygons.map((polygon) => polygonStart[polygon]);
    /** @type {Box[]} */
    this.boxes = [];
    for (let i = 0; i + 1 < polygons.length; i++) this.boxes.push(this.boxOf(i));
  }

  get length() {
    return this.boxes.length;
  }

  /**
   * @param {number} feature
   * @returns {Box}
   */
  boxOf(feature) {
    /** @type {Box} */
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    const end = this.ringStart[this.featureStart[feature + 1]];
    for (let i = this.ringStart[this.featureStart[feature]]; i < end; i++) {
      box[0] = Math.min(box[0], this.x[i]);
      box[1] = Math.min(box[1], this.y[i]);
      box[2] = Math.max(box[2], this.x[i]);
      box[3] = Math.max(box[3], this.y[i]);
    }
    return box;
  }

  /**
   * Say whether a feature covers a place, by the even-odd rule.
   * @param {number} feature
   * @param {number} x
   * @param {number} y
   */
  covers(feature, x, y) {
    const [left, top, right, bottom] = this.boxes[feature];
    if (x < left || x > right || y < top || y > bottom) return false;
    let inside = false;
    for (let ring = this.featureStart[feature]; ring < this.featureStart[feature + 1]; ring++) {
      const start = this.ringStart[ring];
      const end = this.ringStart[ring + 1];
      for (let i = start, j = end - 1; i < end; j = i++) {
        if (this.y[i] > y !== this.y[j] > y
          && x < ((this.x[j] - this.x[i]) * (y - this.y[i])) / (this.y[j] - this.y[i]) + this.x[i]) {
          inside = !inside;
        }
      }
    }
    return inside;
  }

  /**
   * The upper edge of a feature above a place, as far as the outline is straight up from there.
   * @param {number} feature
   * @param {number} x
   */
  topAt(feature, x) {
    let top = Infinity;
    for (let ring = this.featureStart[feature]; ring < this.featureStart[feature + 1]; ring++) {
      const start = this.ringStart[ring];
      const end = this.ringStart[ring + 1];
      for (let i = start, j = end - 1; i < end; j = i++) {
        if (this.x[i] > x === this.x[j] > x) continue;
        top = Math.min(top, this.y[i] + ((x - this.x[i]) * (this.y[j] - this.y[i])) / (this.x[j] - this.x[i]));
      }
    }
    return top;
  }

  /**
   * The smallest feature that covers a place, or −1.
   * @param {number} x
   * @param {number} y
   */
  find(x, y) {
    let found = -1;
    let smallest = Infinity;
    for (let i = 0; i < this.length; i++) {
      const [left, top, right, bottom] = this.boxes[i];
      const size = (right - left) * (bottom - top);
      if (size < smallest && this.covers(i, x, y)) {
        found = i;
        smallest = size;
      }
    }
    return found;
  }
}

/**
 * Running totals: where each of some groups of these sizes begins, and where the last one ends.
 * @param {Numbers} sizes
 */
function starts(sizes) {
  const start = new Uint32Array(sizes.length + 1);
  for (let i = 0; i < sizes.length; i++) start[i + 1] = start[i] + sizes[i];
  return start;
}
