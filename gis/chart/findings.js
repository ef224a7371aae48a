'use strict';
/* The page of findings: a list and a map that lead to each other. What people typed is only ever
   shown through textContent. */
(() => {
  /** @typedef {{kind: string, lines: number[][]}} Shape */
  /** @typedef {{rule: string, severity: string, codes: string[], measure: number|null, unit: string|null,
   *   zh: string, en: string, box?: number[], place?: number[], shapes?: Shape[]}} Finding */

  const STEP = 200;
  const COLOURS = /** @type {Record<string, string>} */ ({
    error: '#a32a1c', warning: '#8a5300', info: '#0a5c99',
  });
  const DASHES = /** @type {Record<string, string|undefined>} */ ({ warning: '6 4', info: '2 4' });
  const WORDS = /** @type {Record<string, Record<string, string>>} */ ({
    zh: {
      error: '错误', warning: '警告', info: '提示', grids: '个网格', other: 'English', whole: '全图',
      clean: '没有发现问题。', more: '再显示 {n} 项', nowhere: '无图形位置', all: '全部', grid: '网格边界',
      chosen: '所选', back: '再点一次返回（或按 Esc）', families: '户', map: '问题地图',
      listed: '共 {all} 项，本页只列最严重的 {n} 项。', dots: '前 {n} 项画出形状，其余画为圆点。',
      thinned: '网格边界较多，已简化显示；问题的形状未简化。',
      invalid_geometry: '图形无效', empty_geometry: '没有图形', placeholder_geometry: '占位图形',
      duplicate_code: '编码重复', duplicate_geometry: '图形重复', overlap: '重叠', gap: '空白', sliver: '窄条',
      outside_parent: '超出上级', uncovered_parent: '上级未覆盖', split_building: '楼栋被切开',
      unowned_building: '楼栋无网格', household_count: '户数', code_format: '编码格式', code_prefix: '编码前缀',
      code_order: '编号顺序', multipart: '多块', cut_building: '楼栋分块',
    },
    en: {
      error: 'Error', warning: 'Warning', info: 'Note', grids: 'grids', other: '中文', whole: 'Whole map',
      clean: 'Nothing was found.', more: 'Show {n} more', nowhere: 'has no place on the map', all: 'All',
      grid: 'edges of grids', chosen: 'chosen', back: 'Click again (or press Esc) to go back',
      families: 'households', map: 'Map of findings',
      listed: 'There are {all} findings; the {n} worst are on this page.',
      dots: 'The first {n} are drawn with their shape, the others as a dot.',
      thinned: 'There are many edges of grids: they are drawn simplified; the findings are not.',
      invalid_geometry: 'Invalid outline', empty_geometry: 'No outline', placeholder_geometry: 'Placeholder',
      duplicate_code: 'Code twice', duplicate_geometry: 'Outline twice', overlap: 'Overlap', gap: 'Gap',
      sliver: 'Sliver', outside_parent: 'Outside parent', uncovered_parent: 'Parent uncovered',
      split_building: 'Building cut', unowned_building: 'Building in no grid', household_count: 'Households',
      code_format: 'Form of code', code_prefix: 'Beginning of code', code_order: 'Order of codes',
      multipart: 'Several parts', cut_building: 'Building in pieces',
    },
  });
  const DOTS = /** @type {Record<string, object>} */ ({
    error: { radius: 7, fillOpacity: 0.9 },
    warning: { radius: 5, fillOpacity: 0.4, dashArray: undefined },
    info: { radius: 3, fillOpacity: 0, dashArray: undefined },
  });

  const data = JSON.parse(element('findings-data').textContent || '');
  const findings = /** @type {Finding[]} */ (data.findings);
  const marks = /** @type {any[][]} */ (findings.map(() => []));
  const buttons = /** @type {Map<number, HTMLButtonElement>} */ (new Map());
  let language = /** @type {string} */ (data.language);
  let rule = '';
  let shown = STEP;
  let chosen = -1;
  /** @type {{center: any, zoom: number}|null} */
  let before = null;

  /** @param {string} id @returns {HTMLElement} */
  function element(id) {
    return /** @type {HTMLElement} */ (document.getElementById(id));
  }

  /** @param {string} key @param {Record<string, number>} [numbers] */
  function word(key, numbers = {}) {
    let text = WORDS[language][key] || key;
    for (const [name, number] of Object.entries(numbers)) {
      text = text.replace(`{${name}}`, number.toLocaleString(language));
    }
    return text;
  }

  /** @param {string} tag @param {string} text @param {string} [style] */
  function made(tag, text, style) {
    const node = document.createElement(tag);
    node.textContent = text;
    if (style) node.className = style;
    return node;
  }

  /** @param {number[]} packed @param {number} scale @returns {number[][]} latitudes and longitudes */
  function unpacked(packed, scale) {
    const points = [];
    let x = 0;
    let y = 0;
    for (let i = 0; i < packed.length; i += 2) {
      x += packed[i];
      y += packed[i + 1];
      points.push([y / scale, x / scale]);
    }
    return points;
  }

  /** @param {number[]} box */
  function bounds(box) {
    return L.latLngBounds([[box[1], box[0]], [box[3], box[2]]]);
  }

  const map = L.map('map', {
    preferCanvas: true, attributionControl: false, maxZoom: 24, zoomSnap: 0.25, zoomControl: true,
    renderer: L.canvas({ tolerance: 4 }), fadeAnimation: false, zoomAnimation: false,
  });
  L.control.scale({ imperial: false }).addTo(map);
  const outlines = L.polyline(
    data.outlines.map((/** @type {number[]} */ line) => unpacked(line, data.outlineScale)),
    { color: '#a8327c', weight: 1, interactive: false, smoothFactor: 0.5 },
  ).addTo(map);

  /** @param {Finding} finding @param {boolean} isChosen */
  function look(finding, isChosen) {
    const colour = COLOURS[finding.severity];
    return {
      color: isChosen ? '#000000' : colour, weight: isChosen ? 4 : 2.5, dashArray: DASHES[finding.severity],
      fillColor: isChosen ? '#f2f25f' : colour, fillOpacity: isChosen ? 0.8 : 0.3, smoothFactor: 0,
    };
  }

  /** Notes go over many grids: of these only the dot is drawn until one is chosen.
   * @param {Finding} finding @param {any} mark */
  function isAside(finding, mark) {
    return finding.severity === 'info' && !mark.getRadius;
  }

  /** @param {Finding} finding @returns {any[]} */
  function drawn(finding) {
    const place = finding.place;
    if (!place) return [];
    const found = [];
    for (const shape of finding.shapes || []) {
      const lines = shape.lines.map((line) => unpacked(line, data.findingScale));
      if (shape.kind === 'area') found.push(L.polygon(lines, look(finding, false)));
      if (shape.kind === 'line') found.push(L.polyline(lines, look(finding, false)));
    }
    // a dot as well: a strip of half a metre is not seen from afar
    found.push(L.circleMarker([place[1], place[0]], { ...look(finding, false), ...DOTS[finding.severity] }));
    return found;
  }

  /* The worst come first in the list and must lie on top: they are drawn last. */
  for (let i = findings.length - 1; i >= 0; i -= 1) {
    marks[i] = drawn(findings[i]);
    for (const mark of marks[i]) {
      mark.on('click', () => choose(i, true));
      if (!isAside(findings[i], mark)) mark.addTo(map);
    }
  }

  function whole() {
    let box = outlines.getBounds();
    if (!box.isValid()) box = L.latLngBounds([]);
    for (const finding of findings) if (finding.box) box.extend(bounds(finding.box));
    if (box.isValid()) map.fitBounds(box, { padding: [16, 16], maxZoom: 20, animate: false });
    else map.setView([0, 0], 2);
  }

  function leave() {
    if (chosen < 0) return;
    mark(chosen, false);
    chosen = -1;
    if (before) map.setView(before.center, before.zoom, { animate: false });
    before = null;
  }

  /** @param {number} i @param {boolean} isChosen */
  function mark(i, isChosen) {
    for (const each of marks[i]) {
      const dot = each.getRadius && !isChosen ? DOTS[findings[i].severity] : {};
      each.setStyle({ ...look(findings[i], isChosen), ...dot });
      if (isChosen) each.addTo(map).bringToFront();
      else if (isAside(findings[i], each)) each.remove();
    }
    buttons.get(i)?.setAttribute('aria-current', String(isChosen));
  }

  /** @param {number} i @param {boolean} fromMap */
  function choose(i, fromMap) {
    if (i === chosen) {
      leave();
      return;
    }
    if (chosen < 0) before = { center: map.getCenter(), zoom: map.getZoom() };
    else mark(chosen, false);
    chosen = i;
    if (fromMap) reveal(i);
    mark(i, true);
    const box = findings[i].box;
    if (box) map.fitBounds(bounds(box).pad(0.6), { padding: [30, 30], maxZoom: 21, animate: false });
    if (fromMap) {
      buttons.get(i)?.scrollIntoView({ block: 'center' });
      buttons.get(i)?.focus({ preventScroll: true });
    }
  }

  /** Make sure that a finding is in the list. @param {number} i */
  function reveal(i) {
    if (rule && rule !== findings[i].rule) rule = '';
    const position = wanted().indexOf(i);
    shown = Math.max(shown, Math.ceil((position + 1) / STEP) * STEP);
    write();
  }

  /** @returns {number[]} */
  function wanted() {
    return [...findings.keys()].filter((i) => !rule || findings[i].rule === rule);
  }

  /** @param {number} i */
  function item(i) {
    const finding = findings[i];
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.severity = finding.severity;
    button.title = finding.box ? word('back') : '';
    button.setAttribute('aria-current', String(i === chosen));
    const head = made('span', '', 'head');
    head.append(made('span', `${i + 1}`), made('b', `${word(finding.severity)} · ${word(finding.rule)}`));
    if (finding.measure !== null) {
      const unit = finding.unit === 'households' ? word('families') : finding.unit || '';
      const digits = finding.measure < 1000 ? 1 : 0;
      const number = finding.measure.toLocaleString(language, {
        maximumFractionDigits: finding.unit === 'households' ? 0 : digits,
      });
      head.append(made('span', `${number} ${unit}`, 'measure'));
    }
    button.append(head, made('span', language === 'zh' ? finding.zh : finding.en, 'said'));
    if (!finding.box) button.append(made('span', word('nowhere'), 'nowhere'));
    button.addEventListener('click', () => choose(i, false));
    buttons.set(i, button);
    const row = document.createElement('li');
    row.append(button);
    return row;
  }

  /** @param {string} name @param {string} text */
  function chip(name, text) {
    const button = /** @type {HTMLButtonElement} */ (made('button', text));
    button.type = 'button';
    button.setAttribute('aria-pressed', String(rule === name));
    button.addEventListener('click', () => {
      rule = name;
      shown = STEP;
      write();
    });
    return button;
  }

  function writeRules() {
    const counts = /** @type {Map<string, number>} */ (new Map());
    for (const each of findings) counts.set(each.rule, (counts.get(each.rule) || 0) + 1);
    const chips = [chip('', `${word('all')} ${findings.length.toLocaleString(language)}`)];
    for (const [name, count] of counts) {
      chips.push(chip(name, `${word(name)} ${count.toLocaleString(language)}`));
    }
    element('rules').replaceChildren(...(counts.size > 1 ? chips : []));
  }

  function writeLegend() {
    const keys = ['error', 'warning', 'info', 'grid', 'chosen'].map((name) => {
      const key = made('span', '', 'key');
      const swatch = made('span', '', 'swatch');
      swatch.dataset.severity = name;
      key.append(swatch, made('span', word(name)));
      return key;
    });
    element('legend').replaceChildren(...keys, made('span', word('back')));
  }

  function write() {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    element('title').textContent = data.title;
    const tally = ['error', 'warning', 'info'].map((name) => {
      const count = findings.filter((each) => each.severity === name).length;
      return `${word(name)} ${count.toLocaleString(language)}`;
    });
    element('counts').textContent = [`${data.grids.toLocaleString(language)} ${word('grids')}`, ...tally].join(' · ');
    element('whole').textContent = word('whole');
    element('language').textContent = word('other');
    element('map').setAttribute('aria-label', word('map'));
    const limits = [];
    if (data.all > findings.length) limits.push(word('listed', { all: data.all, n: findings.length }));
    if (findings.length > data.outlined) limits.push(word('dots', { n: data.outlined }));
    if (data.thinned) limits.push(word('thinned'));
    element('limits').textContent = limits.join(' ');
    element('limits').hidden = !limits.length;
    element('clean').textContent = word('clean');
    element('clean').hidden = findings.length > 0;
    writeRules();
    writeLegend();
    const rows = wanted();
    buttons.clear();
    element('list').replaceChildren(...rows.slice(0, shown).map(item));
    const left = Math.min(rows.length - shown, STEP);
    element('more').hidden = left <= 0;
    element('more').textContent = word('more', { n: left });
  }

  element('more').addEventListener('click', () => {
    shown += STEP;
    write();
  });
  element('whole').addEventListener('click', () => {
    leave();
    whole();
  });
  element('language').addEventListener('click', () => {
    language = language === 'zh' ? 'en' : 'zh';
    write();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leave();
  });
  write();
  whole();
  document.documentElement.dataset.ready = 'yes';
})();
