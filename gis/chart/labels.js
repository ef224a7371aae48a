'use strict';
/* Names on the map: where they fit, and where they hide least. */

class LabelledCanvas extends MapCanvas {
  /** @param {Cost} cost of what a name would hide */
  paintLabels(cost) {
    const { grids, buildings } = this.model;
    const { rem } = this;
    const large = Math.max(0.85, Math.min(1.1, 0.85 + (this.detail - 13) * 0.05));
    for (let i = 0; i < grids.n && this.view.layers.grids; i++) {
      if (!this.shows(grids.outline.boxes[i])) continue;
      const name = grids.name.at(i) ?? grids.code.at(i) ?? '';
      const load = grids.open[i] ? writeLoad(this.view.language, grids.open[i], grids.late[i]) : '';
      /** @type {[string, number, number]} */
      const first = [name, large * rem, 700];
      if (load && this.labelGrid(i, cost, [first, [load, large * rem * 0.8, 400]])) continue;
      this.labelGrid(i, cost, [first]);
    }
    if (this.detail < 17 || !this.view.layers.buildings) return;
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
   * @param {Cost} cost
   * @param {[string, number, number][]} texts
   * @returns {boolean} whether it was written
   */
  labelGrid(i, cost, texts) {
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
        const reach = this.rem / 2 / world;
        const price = Math.abs(up) + Math.abs(across)
          + cost.within([x - halfX - reach, y - halfY - reach, x + halfX + reach, y + halfY + reach]);
        if (price < best) {
          best = price;
          place = [x, y];
        }
      }
    }
    return best < OPEN_CASE_COVERED
      && this.write(lines, place[0] * world - this.left, place[1] * world - this.top);
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

/** Square cells over a box of the unit square; they hang on the ground, wherever the box lies. */
class Cells {
  /**
   * @param {Box} box
   * @param {number} side
   */
  constructor([left, top, right, bottom], side) {
    this.side = side;
    this.firstColumn = Math.floor(left / side);
    this.firstRow = Math.floor(top / side);
    this.columns = Math.floor(right / side) - this.firstColumn + 1;
    this.rows = Math.floor(bottom / side) - this.firstRow + 1;
    this.taken = new Uint8Array(this.columns * this.rows);
  }

  /** @param {number} x */
  column(x) {
    return Math.max(0, Math.min(this.columns - 1, Math.floor(x / this.side) - this.firstColumn));
  }

  /** @param {number} y */
  row(y) {
    return Math.max(0, Math.min(this.rows - 1, Math.floor(y / this.side) - this.firstRow));
  }

  /**
   * Take the cell of a place, unless somebody has it.
   * @param {number} x
   * @param {number} y
   */
  take(x, y) {
    const cell = this.row(y) * this.columns + this.column(x);
    if (this.taken[cell]) return false;
    this.taken[cell] = 1;
    return true;
  }
}

/** Weights summed over cells, so that the weight of any box is four look-ups. */
class Cost {
  /** @param {Cells} cells */
  constructor(cells) {
    this.cells = cells;
    this.width = cells.columns + 1;
    this.sums = new Float64Array(this.width * (cells.rows + 1));
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} weight
   */
  add(x, y, weight) {
    this.sums[(this.cells.row(y) + 1) * this.width + this.cells.column(x) + 1] += weight;
  }

  sum() {
    const { sums, width } = this;
    for (let i = width; i < sums.length; i++) {
      if (i % width) sums[i] += sums[i - 1] + sums[i - width] - sums[i - width - 1];
    }
  }

  /** @param {Box} box */
  within([left, top, right, bottom]) {
    const { cells, sums, width } = this;
    const [l, r] = [cells.column(left), cells.column(right) + 1];
    const [t, b] = [cells.row(top) * width, (cells.row(bottom) + 1) * width];
    return sums[b + r] - sums[b + l] - sums[t + r] + sums[t + l];
  }
}
