'use strict';
/* Search by name or code over everything on the chart. */

/** @typedef {{spot: Spot, score: number}} Hit */

const MOST_HITS = 9;
/** @type {('grids' | 'buildings' | 'households' | 'cases')[]} */
const SEARCHED = ['grids', 'buildings', 'households', 'cases'];

class Finder {
  /**
   * @param {Model} model
   * @param {Describer} describer
   */
  constructor(model, describer) {
    this.model = model;
    this.describer = describer;
    /** @type {Map<string, string[]>} */
    this.texts = new Map();
  }

  /**
   * All that a feature may be found by; made once, when somebody first searches.
   * @param {'grids' | 'buildings' | 'households' | 'cases'} layer
   */
  textsOf(layer) {
    let texts = this.texts.get(layer);
    if (texts) return texts;
    const { model } = this;
    const { n } = model[layer];
    texts = [];
    for (let i = 0; i < n; i++) texts.push(this.textOf(layer, i).toLowerCase());
    this.texts.set(layer, texts);
    return texts;
  }

  /**
   * @param {'grids' | 'buildings' | 'households' | 'cases'} layer
   * @param {number} i
   */
  textOf(layer, i) {
    const { grids, buildings, households, cases, buildingName } = this.model;
    if (layer === 'grids') return [grids.name.at(i), grids.code.at(i)].join('\n');
    if (layer === 'buildings') {
      return [buildings.name.at(i), buildings.code.at(i), buildings.address.at(i)].join('\n');
    }
    if (layer === 'cases') return [cases.id.at(i), cases.zh.at(i), cases.en.at(i)].join('\n');
    const unit = households.unit.at(i) ?? '';
    const room = households.room.at(i) ?? '';
    return [
      households.code.at(i), buildingName.get(households.building_code.at(i) ?? ''),
      `${unit}单元`, `${unit}-${room}`, room,
    ].join('\n');
  }

  /**
   * The best hits: every word must occur; a beginning counts more than a middle.
   * @param {string} query
   * @returns {Spot[]}
   */
  find(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    /** @type {Hit[]} */
    const hits = [];
    SEARCHED.forEach((layer, order) => {
      const texts = this.textsOf(layer);
      let found = 0;
      /** @type {Hit[]} */
      const mine = [];
      for (let i = 0; i < texts.length && found < 500; i++) {
        const text = texts[i];
        if (!words.every((word) => text.includes(word))) continue;
        found += 1;
        const lines = text.split('\n');
        const whole = lines.includes(words.join(' '));
        const begins = lines.some((line) => line.startsWith(words[0]));
        mine.push({ spot: { layer, i }, score: (whole ? 0 : begins ? 10 : 20) + order });
      }
      mine.sort((a, b) => a.score - b.score);
      hits.push(...mine.slice(0, MOST_HITS));
    });
    hits.sort((a, b) => a.score - b.score);
    return hits.slice(0, MOST_HITS).map((hit) => hit.spot);
  }
}

/** The search field and its list, as a combobox. */
class SearchBox {
  /**
   * @param {Finder} finder
   * @param {Describer} describer
   * @param {(spot: Spot) => void} go
   */
  constructor(finder, describer, go) {
    this.finder = finder;
    this.describer = describer;
    this.go = go;
    this.field = /** @type {HTMLInputElement} */ (document.getElementById('search'));
    this.list = /** @type {HTMLElement} */ (document.getElementById('hits'));
    /** @type {Spot[]} */
    this.hits = [];
    this.active = -1;
    this.field.addEventListener('input', () => this.show());
    this.field.addEventListener('focus', () => this.show());
    this.field.addEventListener('blur', () => this.close());
    this.field.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      this.field.focus();
      this.field.select();
    });
  }

  show() {
    const query = this.field.value.trim();
    this.hits = this.finder.find(query);
    this.active = this.hits.length ? 0 : -1;
    this.list.replaceChildren();
    this.hits.forEach((spot, i) => this.list.append(this.option(spot, i)));
    if (query && !this.hits.length) {
      const none = make('li', 'no-match', this.describer.words.noMatch);
      none.setAttribute('role', 'option');
      none.setAttribute('aria-disabled', 'true');
      this.list.append(none);
    }
    this.list.hidden = !query;
    this.field.setAttribute('aria-expanded', String(Boolean(query)));
    this.mark();
  }

  /**
   * @param {Spot} spot
   * @param {number} i
   */
  option(spot, i) {
    const item = make('li', 'hit');
    item.id = `hit-${i}`;
    item.setAttribute('role', 'option');
    const style = spot.layer === 'households' || spot.layer === 'cases'
      ? this.describer.style(spot.layer, spot.i) : undefined;
    item.append(style ? makeSymbol(this.finder.model, style, caseManner(spot.layer, style)) : make('i', `mark mark-${spot.layer}`));
    const text = make('span', 'hit-text');
    text.append(make('b', '', this.describer.name(spot)), make('small', '', this.describer.detail(spot)));
    item.append(text);
    item.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      this.choose(i);
    });
    return item;
  }

  mark() {
    [...this.list.children].forEach((item, i) => {
      item.setAttribute('aria-selected', String(i === this.active));
    });
    if (this.active >= 0) this.field.setAttribute('aria-activedescendant', `hit-${this.active}`);
    else this.field.removeAttribute('aria-activedescendant');
    this.list.children[this.active]?.scrollIntoView({ block: 'nearest' });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.hits.length) {
      event.preventDefault();
      this.active = (this.active + step + this.hits.length) % this.hits.length;
      this.mark();
    } else if (event.key === 'Enter' && this.active >= 0) {
      event.preventDefault();
      this.choose(this.active);
    } else if (event.key === 'Escape') {
      if (this.list.hidden) this.field.blur();
      this.close();
    }
  }

  close() {
    this.list.hidden = true;
    this.field.setAttribute('aria-expanded', 'false');
    this.field.removeAttribute('aria-activedescendant');
  }

  /** @param {number} i */
  choose(i) {
    const spot = this.hits[i];
    this.close();
    this.field.blur();
    this.go(spot);
  }
}
