'use strict';
/* Points by the hundred thousand: where they are, and which are near a place (a spatial hash). */

class Points {
  /**
   * @param {{n: number, x: PackedNumbers, y: PackedNumbers, status: PackedNumbers}} packed
   * @param {number} origin
   */
  constructor(packed, origin) {
    const { x, y } = project(unpackNumbers(packed.x), unpackNumbers(packed.y), origin);
    this.n = packed.n;
    this.x = x;
    this.y = y;
    this.status = /** @type {Uint8Array} */ (unpackNumbers(packed.status));
    /* About eight points a cell if they lay evenly. A few strays far away (a register's zeros) must
       not make one cell of the whole town: they go to the cells at the edge. */
    const [left, right] = middleRange(x);
    const [top, bottom] = middleRange(y);
    const extent = Math.max(right - left, bottom - top, 1e-9);
    this.left = left;
    this.top = top;
    this.side = extent / Math.max(1, Math.min(512, Math.ceil(Math.sqrt(this.n / 8))));
    this.columns = Math.floor((right - left) / this.side) + 1;
    this.rows = Math.floor((bottom - top) / this.side) + 1;
    this.cellStart = new Uint32Array(this.columns * this.rows + 1);
    this.members = new Uint32Array(this.n);
    this.hash();
    this.pitch = this.measurePitch();
  }

  /** @param {number} x */
  column(x) {
    return Math.max(0, Math.min(this.columns - 1, Math.floor((x - this.left) / this.side)));
  }

  /** @param {number} y */
  row(y) {
    return Math.max(0, Math.min(this.rows - 1, Math.floor((y - this.top) / this.side)));
  }

  hash() {
    const cells = new Uint32Array(this.n);
    const sizes = new Uint32Array(this.columns * this.rows);
    for (let i = 0; i < this.n; i++) {
      cells[i] = this.row(this.y[i]) * this.columns + this.column(this.x[i]);
      sizes[cells[i]]++;
    }
    this.cellStart = starts(sizes);
    const next = this.cellStart.slice();
    for (let i = 0; i < this.n; i++) this.members[next[cells[i]]++] = i;
  }

  /**
   * Call back with every point in the cells that a box touches.
   * @param {Box} box
   * @param {(i: number) => void} visit
   */
  within([left, top, right, bottom], visit) {
    const first = this.column(left);
    const last = this.column(right);
    for (let row = this.row(top); row <= this.row(bottom); row++) {
      const to = this.cellStart[row * this.columns + last + 1];
      for (let k = this.cellStart[row * this.columns + first]; k < to; k++) visit(this.members[k]);
    }
  }

  /**
   * The usual distance from a point to the next one that isn't on the same spot, on the unit
   * square; from a sample. Symbols grow as far as it allows.
   */
  measurePitch() {
    const step = Math.max(1, Math.floor(this.n / 300));
    const distances = [];
    for (let i = 0; i < this.n; i += step) {
      let nearest = Infinity;
      const [x, y] = [this.x[i], this.y[i]];
      this.within([x - this.side / 2, y - this.side / 2, x + this.side / 2, y + this.side / 2], (j) => {
        const distance = (this.x[j] - x) ** 2 + (this.y[j] - y) ** 2;
        if (distance > 1e-18 && distance < nearest) nearest = distance;
      });
      if (nearest < Infinity) distances.push(Math.sqrt(nearest));
    }
    distances.sort((a, b) => a - b);
    return distances.length ? distances[Math.floor(distances.length / 2)] : Infinity;
  }
}

/**
 * The range in which nearly all values lie, a quarter wider; all of them where they are few.
 * @param {Float64Array} values
 * @returns {[number, number]}
 */
function middleRange(values) {
  if (!values.length) return [0, 0];
  const step = Math.max(1, Math.floor(values.length / 2000));
  const sample = values.filter((_, i) => i % step === 0).sort();
  const trim = sample.length < 50 ? 0 : Math.floor(sample.length * 0.02);
  const low = sample[trim];
  const high = sample[sample.length - 1 - trim];
  return [low - (high - low) / 4, high + (high - low) / 4];
}
