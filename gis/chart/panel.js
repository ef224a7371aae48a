'use strict';
/* Everything beside the map: title, figures, the worst in words, layers and the legend. */

const WORST = 5;
const LAYERS = ['areas', 'grids', 'shades', 'buildings', 'householdLayer', 'cases', 'labels'];
/** @type {Record<string, string>} */
const LAYER_OF = { householdLayer: 'households' };

class Panel {
  /**
   * @param {Model} model
   * @param {View} view
   * @param {{go: (spot: Spot) => void, repaint: () => void}} act
   */
  constructor(model, view, act) {
    this.model = model;
    this.view = view;
    this.act = act;
  }

  get words() {
    return WORDS[this.view.language];
  }

  /** @param {string} id */
  part(id) {
    return /** @type {HTMLElement} */ (document.getElementById(id));
  }

  /** Write every word anew, in the language of the view. */
  write() {
    const { model: { head }, view: { language }, words } = this;
    const title = head.title[language] || head.title.zh || head.title.en || words.chart;
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = title;
    this.part('title').textContent = title;
    const { date, time, offset } = head.time;
    const moment = make('time', '', writeMoment(language, date, time));
    moment.dateTime = `${date}T${time}${offset}`;
    const zone = make('span', 'zone', `UTC${offset}`);
    this.part('moment').replaceChildren(make('span', 'word', words.dataTime), moment, zone);
    this.part('edition').hidden = head.edition === null;
    this.part('edition').replaceChildren(
      make('span', 'word', words.edition), make('b', '', String(head.edition ?? '')),
    );
    const field = /** @type {HTMLInputElement} */ (this.part('search'));
    field.placeholder = words.searchHint;
    field.setAttribute('aria-label', `${words.search}: ${words.searchHint}`);
    this.part('hits').setAttribute('aria-label', words.search);
    this.part('search-key').textContent = '/';
    this.writeButtons();
    this.writeFigures();
    this.writeWorst();
    this.writeLayers();
    this.writeLegend();
    this.part('empty').hidden = head.bounds !== null;
    this.part('empty').replaceChildren(make('b', '', words.empty), make('span', '', words.emptyHint));
  }

  writeButtons() {
    const { words, view } = this;
    const language = this.part('language');
    language.textContent = words.otherLanguage;
    language.setAttribute('aria-label', words.otherLanguageName);
    language.lang = view.language === 'zh' ? 'en' : 'zh-CN';
    const theme = this.part('theme');
    theme.textContent = view.theme === 'night' ? words.toDay : words.toNight;
    theme.title = words.themeName;
    this.part('whole').textContent = words.wholeMap;
  }

  writeFigures() {
    const { model: { head, styles }, words } = this;
    const { totals } = head;
    const unknown = styles.filter((s) => s.unknown).reduce((sum, s) => sum + s.count, 0);
    /** @type {[string, number, string][]} */
    const figures = [[words.openCases, totals.open, '']];
    if (totals.limits) figures.push([words.lateCases, totals.late, totals.late ? 'late' : '']);
    if (totals.households) {
      figures.push([words.households, totals.households, ''], [words.unknownHouseholds, unknown, '']);
    } else {
      figures.push([words.grids, totals.grids, '']);
    }
    const list = make('dl', 'figures');
    for (const [label, number, kind] of figures) {
      const figure = make('div', kind);
      figure.append(make('dt', '', label), make('dd', '', writeNumber(number)));
      list.append(figure);
    }
    this.section('figures', words.figures, list);
  }

  /** The grids that need most, in words; each leads to its place. */
  writeWorst() {
    const { model: { grids }, view: { language }, words } = this;
    const order = [...Array(grids.n).keys()].filter((i) => grids.open[i] > 0);
    order.sort((a, b) => grids.late[b] - grids.late[a] || grids.open[b] - grids.open[a] || a - b);
    const list = make('ol', 'worst');
    for (const i of order.slice(0, WORST)) {
      const item = make('li');
      const button = make('button', 'worst-grid');
      button.type = 'button';
      const load = make('span', grids.late[i] ? 'load late' : 'load', writeLoad(language, grids.open[i], grids.late[i]));
      button.append(make('b', '', grids.name.at(i) ?? grids.code.at(i) ?? words.nothingNamed), load);
      button.addEventListener('click', () => this.act.go({ layer: 'grids', i }));
      item.append(button);
      list.append(item);
    }
    const { outside } = this.model.head.totals;
    if (outside) list.append(make('li', 'quiet outside', `${writeNumber(outside)}${words.outside}`));
    this.section('worst', words.worst, list.children.length ? list : make('p', 'quiet', words.noWorst));
  }

  writeLayers() {
    const { model, view, words } = this;
    const list = make('div', 'layers');
    /** @type {Record<string, number>} */
    const sizes = {
      areas: model.areas.n, grids: model.grids.n, shades: model.grids.n, buildings: model.buildings.n,
      householdLayer: model.households.n, cases: model.cases.n,
      labels: model.grids.n + model.buildings.n,
    };
    for (const name of LAYERS) {
      if (!sizes[name]) continue;
      const layer = LAYER_OF[name] ?? name;
      const label = make('label');
      const box = make('input');
      box.type = 'checkbox';
      box.checked = view.layers[layer];
      box.dataset.layer = layer;
      box.addEventListener('change', () => {
        view.layers[layer] = box.checked;
        this.act.repaint();
      });
      label.append(box, make('span', '', words[name]));
      list.append(label);
    }
    this.section('layers', words.layers, list);
    this.part('layers').hidden = !list.children.length;
  }

  writeLegend() {
    const { model, view, words } = this;
    const { head } = model;
    const legend = this.part('legend');
    legend.setAttribute('aria-label', words.legend);
    legend.replaceChildren();
    if (head.totals.households) {
      const title = head.scheme[view.language] || words.households_legend;
      legend.append(this.statusGroup('households', title));
    }
    if (head.totals.cases) {
      legend.append(this.statusGroup('cases', words.cases_legend));
    }
    if (head.totals.grids || head.totals.buildings) legend.append(this.mapGroup());
    legend.hidden = !legend.children.length;
  }

  /**
   * @param {'households' | 'cases'} layer
   * @param {string} title
   */
  statusGroup(layer, title) {
    const { model, view, words } = this;
    const styles = layer === 'cases' ? model.states : model.styles;
    const hidden = view.hidden[layer];
    const unplaced = model.head.totals[`unplaced_${layer}`];
    const unplacedWords = layer === 'cases' ? words.unplacedCases : words.unplacedHouseholds;
    const { group, list } = this.group(title);
    const order = [...styles.keys()].sort((a, b) => styles[a].order - styles[b].order);
    for (const s of order) {
      const style = styles[s];
      if (!style.count && styles.length > 7) continue;
      const button = make('button', 'legend-entry');
      button.type = 'button';
      button.title = words.hide;
      button.setAttribute('aria-pressed', String(!hidden.has(s)));
      button.append(makeSymbol(model, style, caseManner(layer, style)), make('span', '', style[view.language]), make('b', '', writeNumber(style.count)));
      button.addEventListener('click', () => {
        if (!hidden.delete(s)) hidden.add(s);
        button.setAttribute('aria-pressed', String(!hidden.has(s)));
        this.act.repaint();
      });
      const item = make('li');
      item.append(button);
      list.append(item);
    }
    if (unplaced) list.append(make('li', 'quiet', `${writeNumber(unplaced)} ${unplacedWords}`));
    return group;
  }

  /** What lines, shades and marks of the map mean. */
  mapGroup() {
    const { model: { head }, view: { language }, words } = this;
    const { group, list } = this.group(words.map_legend);
    /** @param {string} mark @param {string} text @param {number} [count] */
    const entry = (mark, text, count) => {
      const item = make('li', 'legend-mark');
      item.append(make('i', `mark ${mark}`), make('span', '', text));
      if (count !== undefined) item.append(make('b', '', writeNumber(count)));
      list.append(item);
    };
    if (head.totals.grids) entry('mark-grids', words.gridLine, head.totals.grids);
    if (head.dedicated) entry('mark-dedicated', words.dedicated);
    if (head.totals.late) entry('mark-late', words.lateRing, head.totals.late);
    if (this.model.anyOpenHousehold) entry('mark-corner', words.corner);
    if (head.totals.buildings && head.totals.households) entry('mark-tint', words.tint);
    const { per, breaks } = head.shading;
    if (breaks.length) {
      const item = make('li', 'ramp');
      item.append(make('span', '', per === 'households' ? words.shadePerHouseholds : words.shadePerKm2));
      const steps = make('span', 'steps');
      const limits = [words.none, `<${breaks[0]}`, ...breaks.map((/** @type {number} */ value) => `≥${value}`)];
      limits.forEach((text, i) => {
        const step = make('span', 'step');
        step.append(make('i', `mark shade-${i}`), make('span', '', text));
        steps.append(step);
      });
      item.append(steps);
      list.append(item);
    }
    group.lang = language === 'zh' ? 'zh-CN' : 'en';
    return group;
  }

  /** @param {string} title */
  group(title) {
    const group = make('section', 'legend-group');
    const list = make('ul');
    group.append(make('h2', '', title), list);
    return { group, list };
  }

  /**
   * @param {string} id
   * @param {string} title
   * @param {HTMLElement} content
   */
  section(id, title, content) {
    this.part(id).replaceChildren(make('h2', '', title), content);
  }
}
