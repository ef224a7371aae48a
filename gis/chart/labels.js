'use strict';
/* Names on the map: where they fit, and where they hide least. */

class LabelledCanvas extends MapCanvas {
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
