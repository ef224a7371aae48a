'use strict';
/* What a popup says. All text goes in by textContent: it was typed by people. */

/**
 * Make an element with a class and a text.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [kind]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function make(tag, kind, text) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (text !== undefined) {
    element.textContent = text;
    if (text) element.dir = 'auto';
  }
  return element;
}

/**
 * Draw a status symbol as inline SVG, in the colours of both themes.
 * @param {Model} model
 * @param {Style} style
 * @param {'cased' | 'late' | 'plate' | 'plain'} manner
 */
function makeSymbol(model, style, manner = isQuiet(model, style) ? 'plain' : 'cased') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '-0.2 -0.2 1.4 1.4');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('symbol', manner);
  svg.style.setProperty('--night', style.night);
  svg.style.setProperty('--day', style.day);
  for (const part of ['casing', 'body']) {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', model.head.shapes[style.shape]);
    path.classList.add(part);
    svg.append(path);
  }
  return svg;
}

/**
 * Whether a status is drawn small and bare: a normal one, or an unknown one that is not the worst.
 * @param {Model} model
 * @param {Style} style
 */
function isQuiet(model, style) {
  return style.normal || (style.unknown && style.severity < model.most);
}

/**
 * How a legend or list draws the status: a case that is open stands on its plate.
 * @param {string} layer
 * @param {Style} style
 */
function caseManner(layer, style) {
  if (layer !== 'cases') return undefined;
  return style.normal ? 'plain' : 'plate';
}

class Describer {
  /**
   * @param {Model} model
   * @param {View} view
   */
  constructor(model, view) {
    this.model = model;
    this.view = view;
  }

  get words() {
    return WORDS[this.view.language];
  }

  /**
   * A name for a feature, as a list or a hint shows it.
   * @param {Spot} spot
   * @returns {string}
   */
  name({ layer, i }) {
    const { model, words } = this;
    if (layer === 'cases') {
      return this.category(i) ?? model.cases.id.at(i) ?? words.case;
    }
    if (layer === 'households') {
      const { unit, floor, room, building_code: code } = model.households;
      const building = model.buildingNamed(code.at(i));
      const place = writeRoom(this.view.language, unit.at(i), floor.at(i), room.at(i));
      const named = [building, place].filter(Boolean).join(' ');
      return named || (model.households.code.at(i) ?? words.household);
    }
    const features = model[layer];
    return features.name.at(i) ?? features.code.at(i) ?? words.nothingNamed;
  }

  /**
   * A second line: what kind of thing it is, its code or number.
   * @param {Spot} spot
   */
  detail({ layer, i }) {
    const { model, words, view } = this;
    if (layer === 'cases') {
      return [this.style('cases', i)?.[view.language], model.cases.id.at(i)].filter(Boolean).join(' · ');
    }
    if (layer === 'households') {
      return [this.style('households', i)?.[view.language], model.households.code.at(i)].filter(Boolean).join(' · ');
    }
    const kind = layer === 'grids' ? words.grid : words.building;
    return [kind, model[layer].code.at(i)].filter(Boolean).join(' · ');
  }

  /** @param {number} i */
  category(i) {
    const { cases } = this.model;
    const [mine, other] = this.view.language === 'zh' ? [cases.zh, cases.en] : [cases.en, cases.zh];
    return mine.at(i) ?? other.at(i);
  }

  /**
   * @param {'households' | 'cases'} layer
   * @param {number} i
   * @returns {Style | undefined}
   */
  style(layer, i) {
    const { model } = this;
    return layer === 'cases' ? model.states[model.cases.status[i]] : model.styles[model.households.status[i]];
  }

  /**
   * The whole popup.
   * @param {Spot} spot
   */
  popup(spot) {
    const box = make('article', 'card');
    const title = make('h2', 'card-title');
    if (spot.layer === 'households' || spot.layer === 'cases') {
      const style = this.style(spot.layer, spot.i);
      const late = spot.layer === 'cases' && this.model.cases.late[spot.i] === 1;
      if (style) title.append(makeSymbol(this.model, style, late ? 'late' : caseManner(spot.layer, style)));
    }
    title.append(make('span', '', this.name(spot)));
    box.append(title);
    const facts = make('dl', 'facts');
    for (const [label, text] of this.facts(spot)) {
      if (text === null || text === undefined || text === '') continue;
      facts.append(make('dt', '', label), make('dd', '', text));
    }
    box.append(facts);
    if (spot.layer === 'grids' || spot.layer === 'buildings') box.append(this.statuses(spot.layer, spot.i));
    return box;
  }

  /**
   * @param {Spot} spot
   * @returns {[string, string | null | undefined][]}
   */
  facts({ layer, i }) {
    const { model, words, view } = this;
    if (layer === 'grids') {
      const { grids } = model;
      const kind = grids.kind.at(i);
      return [
        [words.openCases, writeLoad(view.language, grids.open[i], grids.late[i])],
        [words.households, grids.households[i] ? writeNumber(grids.households[i]) : null],
        [words.kind, kind === 'dedicated' ? words.dedicated : kind === 'basic' ? words.basic : kind],
        [words.responsible, grids.responsible.at(i)],
        [words.code, grids.code.at(i)],
      ];
    }
    if (layer === 'buildings') {
      const { buildings } = model;
      return [
        [words.address, buildings.address.at(i)],
        [words.grid, model.gridNamed(buildings.grid.at(i))],
        [words.code, buildings.code.at(i)],
      ];
    }
    if (layer === 'households') {
      const { households } = model;
      return [
        [words.status, this.style('households', i)?.[view.language]],
        [words.openCases, households.open[i] ? writeNumber(households.open[i]) : null],
        [words.building, model.buildingNamed(households.building_code.at(i))],
        [words.unit, households.unit.at(i)],
        [words.floor, households.floor.at(i)],
        [words.room, households.room.at(i)],
        [words.grid, model.gridNamed(households.grid_code.at(i))],
        [words.code, households.code.at(i)],
      ];
    }
    const { cases } = model;
    const style = this.style('cases', i);
    const minutes = cases.reported[i];
    return [
      [words.state, style?.[view.language]],
      [words.deadline, cases.late[i] ? words.overdue : null],
      [words.reportedAt, minutes === NO_TIME ? null : writeMinutes(view.language, minutes)],
      [words.grid, model.gridNamed(cases.grid_code.at(i))],
      [words.number, cases.id.at(i)],
    ];
  }

  /**
   * How many households are in each status, the worst first, and the share of whom nothing is known.
   * @param {'grids' | 'buildings'} layer
   * @param {number} i
   */
  statuses(layer, i) {
    const { model, words, view } = this;
    const counts = model.styles.map((_, s) => model[layer].statuses[i * model.styles.length + s]);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const list = make('ul', 'statuses');
    if (!total) {
      list.append(make('li', 'quiet', words.noHouseholds));
      return list;
    }
    let unknown = 0;
    for (const s of [...model.ranks].reverse()) {
      if (!counts[s]) continue;
      const style = model.styles[s];
      if (style.unknown) unknown += counts[s];
      const item = make('li');
      item.append(makeSymbol(model, style), make('span', '', style[view.language]),
        make('b', '', writeNumber(counts[s])));
      list.append(item);
    }
    if (unknown) {
      const share = (100 * unknown) / total;
      const text = share < 1 ? '<1%' : `${Math.floor(share)}%`;
      const item = make('li', 'share');
      item.append(make('span', '', words.unknownShare), make('b', '', text));
      list.append(item);
    }
    return list;
  }
}
