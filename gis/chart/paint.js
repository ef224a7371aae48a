'use strict';
/* The map's picture, painted from quiet to urgent; and what is under the pointer. */

class Painter extends LabelledCanvas {
  paint() {
    if (this.map._animatingZoom || !this.map._loaded) return;
    const began = performance.now();
    this.place();
    const { layers } = this.view;
    this.labels = new LabelRoom();
    this.leaveRoomForControls();
    if (layers.grids && layers.shades) this.paintShades();
    if (layers.buildings) this.paintBuildings();
    if (layers.areas) this.paintAreas();
    if (layers.grids) this.paintGridLines();
    this.paintSelected();
    const households = layers.households ? this.chooseHouseholds() : null;
    if (households) this.paintQuiet(households);
    if (layers.cases) this.paintCases(true);
    if (households) this.paintUrgent(households, false);
    if (layers.labels) this.paintLabels(this.weigh(households));
    if (households) this.paintUrgent(households, true);
    if (layers.cases) this.paintCases(false);
    this.frames.push(performance.now() - began);
    if (this.frames.length > 120) this.frames.shift();
  }

  /** Names stay off the zoom buttons and the scale bar. */
  leaveRoomForControls() {
    const container = this.map.getContainer();
    const frame = container.getBoundingClientRect();
    for (const control of container.querySelectorAll('.leaflet-control')) {
      const { left, top, width, height } = control.getBoundingClientRect();
      this.labels.take(left - frame.left + (this.width - frame.width) / 2,
        top - frame.top + (this.height - frame.height) / 2, width, height);
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
    const calm = this.cells(sizes.normal * 0.8);
    const worst = this.cells(sizes.urgent * 0.3);
    const crowd = this.cells(sizes.urgent * (room < sizes.urgent * 0.25 ? 1.5 : 0.7));
    for (let rank = ranks.length - 1; rank >= 0; rank--) {
      const isWorst = !quiet[ranks[rank]] && styles[ranks[rank]].severity === most;
      const cells = quiet[ranks[rank]] ? calm : isWorst ? worst : crowd;
      chosen[rank] = chosen[rank].filter((i) => {
        if (!cells.take(households.x[i], households.y[i])) return false;
        if (isWorst) crowd.take(households.x[i], households.y[i]);
        return true;
      });
    }
  }

  /** @param {number} side */
  cells(side) {
    return new Cells(this.box, side / this.world);
  }

  /**
   * Weigh what a name would hide, from what is about to be drawn: open cases most.
   * @param {number[][] | null} chosen households
   */
  weigh(chosen) {
    const { households, cases, states, ranks, quiet } = this.model;
    const cost = new Cost(this.cells(this.rem / 2));
    chosen?.forEach((members, rank) => {
      const weight = quiet[ranks[rank]] ? 0.05 : 1;
      for (const i of members) cost.add(households.x[i], households.y[i], weight);
    });
    if (this.view.layers.cases) {
      cases.within(this.box, (i) => {
        const style = states[cases.status[i]];
        if (!style || this.view.hidden.cases.has(cases.status[i])) return;
        cost.add(cases.x[i], cases.y[i], style.normal ? 0.5 : OPEN_CASE_COVERED);
      });
    }
    cost.sum();
    return cost;
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
