'use strict';
/* The page of what changes between two editions; what people typed is only ever shown as text. */

(() => {
  /** @typedef {{code: string, kind: string, gained_m2: number, lost_m2: number, from: string[],
   *   to: string[], households: number[] | null, households_now: number[] | null,
   *   cases: number[] | null, staff: (string | null)[]}} Grid */

  const MOST_LABELS = 80;
  /** @type {Record<string, Record<string, string>>} */
  const WORDS = {
    zh: {
      title: '网格变化', language: 'English', edition: '第 {} 版', before: '旧边界', after: '新边界',
      areas: '易主地块', moved: '改属其他网格', gained: '新纳入网格', lost: '不再属于任何网格',
      kept: '不变', split: '拆分', merged: '合并', shifted: '边界变动', new: '新增', gone: '撤销',
      grid: '网格', kind: '变化', plus: '增加 m²', minus: '减少 m²', households: '户', cases: '案件',
      area: '易主面积', movedBuildings: '易主楼栋', movedHouseholds: '易主住户',
      movedCases: '易主案件', nobody: '无网格', nothing: '两版网格相同，没有变化。',
      some: '表中列出变化最大的 {} 个网格，共 {} 个。', outlines: '网格很多，地图只画有变化的网格。',
      now: '{} → {}', staff: '负责人', changedStaff: '换负责人的网格', noOne: '无人',
    },
    en: {
      title: 'What changes', language: '中文', edition: 'edition {}', before: 'old outlines',
      after: 'new outlines', areas: 'ground changing owners', moved: 'goes to another grid',
      gained: 'newly in a grid', lost: 'no longer in any grid', kept: 'kept', split: 'split',
      merged: 'merged', shifted: 'moved', new: 'new', gone: 'gone', grid: 'Grid', kind: 'Change',
      plus: 'Gained m²', minus: 'Lost m²', households: 'Households', cases: 'Cases',
      area: 'Ground', movedBuildings: 'Buildings', movedHouseholds: 'Households',
      movedCases: 'Open cases', nobody: 'no grid', nothing: 'Both editions are the same.',
      some: 'The table lists the {} grids that change most, of {}.',
      outlines: 'There are many grids: the map shows only those that change.',
      now: '{} → {}', staff: 'Answers for it', changedStaff: 'Grids that someone else answers for',
      noOne: 'nobody',
    },
  };
  const data = JSON.parse(element('changes').textContent || '');
  const style = getComputedStyle(document.documentElement);
  let language = document.documentElement.lang === 'en' ? 'en' : 'zh';

  const map = L.map('map', {
    preferCanvas: true, attributionControl: false, zoomSnap: 0.25, maxZoom: 22, minZoom: 2,
  });
  const layers = {
    areas: L.geoJSON(data.areas.map(areaFeature), {
      style: (/** @type {any} */ feature) => ({
        color: '#333', weight: 0.5, fillOpacity: 0.75,
        fillColor: style.getPropertyValue(`--${situation(feature.properties)}`).trim(),
      }),
      onEachFeature: (/** @type {any} */ feature, /** @type {any} */ layer) => {
        layer.bindPopup(() => card(feature.properties));
        layer.on('click', () => mark(feature.properties.new ?? feature.properties.old));
      },
    }),
    before: outlines(data.before, { color: '#4d4d4d', weight: 1.5, dashArray: '6 5' }),
    after: outlines(data.after, { color: '#b0127b', weight: 1.25 }),
  };
  for (const name of /** @type {const} */ (['areas', 'after', 'before'])) layers[name].addTo(map);
  whole();
  label();
  element('language').addEventListener('click', () => {
    language = language === 'zh' ? 'en' : 'zh';
    write();
  });
  write();
  document.documentElement.dataset.ready = 'true';

  /** @param {string} name */
  function element(name) {
    const found = document.getElementById(name);
    if (!found) throw new Error(`no element ${name}`);
    return found;
  }

  /** @param {string} tag @param {unknown} text @param {string} [className] */
  function made(tag, text, className) {
    const node = document.createElement(tag);
    node.textContent = text === null || text === undefined ? '' : String(text);
    if (className) node.className = className;
    return node;
  }

  /** @param {string} word @param {...unknown} values */
  function say(word, ...values) {
    const texts = values.map((value) => (typeof value === 'number' ? number(value) : String(value)));
    return WORDS[language][word].replace(/\{\}/g, () => texts.shift() ?? '');
  }

  /** @param {number | null} value */
  function number(value) {
    return value === null ? '–' : Math.round(value).toLocaleString(language === 'zh' ? 'zh-CN' : 'en');
  }

  /** @param {{shape: any}} area */
  function areaFeature(area) {
    const { shape, ...properties } = area;
    return { type: 'Feature', geometry: shape, properties };
  }

  /** @param {{old: string | null, new: string | null}} area */
  function situation(area) {
    if (area.old === null) return 'gained';
    return area.new === null ? 'lost' : 'moved';
  }

  /** @param {{code: string, shape: any}[]} grids @param {object} line */
  function outlines(grids, line) {
    const features = grids.map((grid) => (
      { type: 'Feature', geometry: grid.shape, properties: { code: grid.code } }));
    return L.geoJSON(features, { style: { ...line, fill: false }, interactive: false });
  }

  function whole() {
    if (data.bounds === null) {
      map.setView([0, 0], 2);
      return;
    }
    const [west, south, east, north] = data.bounds;
    map.fitBounds([[south, west], [north, east]], { padding: [30, 30] });
  }

  /** Write the codes of the grids that change on the map, unless these are too many. */
  function label() {
    const changed = new Set(data.grids.filter((/** @type {Grid} */ grid) => grid.kind !== 'kept')
      .map((/** @type {Grid} */ grid) => grid.code));
    if (data.changed_count > MOST_LABELS) return;
    layers.after.eachLayer((/** @type {any} */ layer) => {
      const { code } = layer.feature.properties;
      if (!changed.has(code)) return;
      layer.bindTooltip(made('span', code), {
        permanent: true, direction: 'center', className: 'code', interactive: false,
      });
    });
  }

  /** @param {any} area */
  function card(area) {
    const box = document.createElement('div');
    const [from, to] = [area.old ?? say('nobody'), area.new ?? say('nobody')];
    box.append(made('strong', `${from} → ${to}`), made('div', `${number(area.area_m2)} m²`));
    if (data.summary.changed_staff_count !== null) {
      box.append(made('div', `${say('staff')} ${answering([area.old_responsible, area.new_responsible])}`));
    }
    if (area.household_count !== null) {
      box.append(made('div', `${say('households')} ${number(area.household_count)}`));
    }
    if (area.open_case_count !== null) {
      box.append(made('div', `${say('cases')} ${number(area.open_case_count)}`));
    }
    return box;
  }

  /** @param {string} code */
  function mark(code) {
    for (const row of element('grids').children) {
      const here = /** @type {HTMLElement} */ (row).dataset.code === code;
      row.setAttribute('aria-current', String(here));
      if (here) row.scrollIntoView({ block: 'nearest' });
    }
  }

  /** @param {string} code */
  function show(code) {
    const box = L.latLngBounds([]);
    for (const layer of [layers.before, layers.after]) {
      layer.eachLayer((/** @type {any} */ each) => {
        if (each.feature.properties.code === code) box.extend(each.getBounds());
      });
    }
    if (box.isValid()) map.fitBounds(box, { padding: [60, 60] });
    mark(code);
  }

  function write() {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    element('title').textContent = say('title');
    element('language').textContent = say('language');
    element('editions').textContent = `${named(data.old)} → ${named(data.new)}`;
    writeSwitches();
    writeSummary();
    writeTable();
  }

  /** @param {{name: string, number: number | null}} edition */
  function named(edition) {
    return edition.number === null ? edition.name
      : `${say('edition', edition.number)} (${edition.name})`;
  }

  function writeSwitches() {
    const switches = element('switches');
    switches.replaceChildren();
    for (const name of /** @type {const} */ (['before', 'after', 'areas'])) {
      const label = document.createElement('label');
      const box = document.createElement('input');
      box.type = 'checkbox';
      box.id = `show-${name}`;
      box.checked = map.hasLayer(layers[name]);
      box.addEventListener('change', () => {
        if (box.checked) layers[name].addTo(map);
        else layers[name].remove();
      });
      label.append(box, made('span', '', name === 'areas' ? 'swatch moved' : `line ${name}`),
        say(name));
      switches.append(label);
    }
  }

  function writeSummary() {
    const { summary } = data;
    const list = document.createElement('dl');
    const figures = [
      ...['split', 'merged', 'moved', 'new', 'gone', 'kept'].map((kind) => (
        [kindWord(kind), number(summary.kinds[kind])])),
      [say('area'), `${number(summary.changed_area_m2)} m²`],
      [say('movedBuildings'), number(summary.moved_building_count)],
      [say('movedHouseholds'), number(summary.moved_household_count)],
      [say('movedCases'), number(summary.moved_open_case_count)],
      [say('changedStaff'), number(summary.changed_staff_count)],
    ];
    for (const [word, figure] of figures) list.append(made('dt', word), made('dd', figure));
    const legend = made('p', '', 'legend');
    for (const name of ['moved', 'gained', 'lost']) {
      const item = made('span', '');
      item.append(made('i', '', `swatch ${name}`), say(name));
      legend.append(item);
    }
    element('summary').replaceChildren(list, legend);
    const notes = [];
    if (data.changed_count === 0) notes.push(say('nothing'));
    if (data.grids.length < data.changed_count) {
      notes.push(say('some', data.grids.length, data.changed_count));
    }
    if (!data.all_drawn) notes.push(say('outlines'));
    element('note').textContent = notes.join(' ');
  }

  /** @param {string} kind */
  function kindWord(kind) {
    return say(kind === 'moved' ? 'shifted' : kind);
  }

  function writeTable() {
    const head = document.createElement('tr');
    const staff = data.summary.changed_staff_count === null ? [] : ['staff'];
    for (const word of ['grid', 'kind', 'plus', 'minus', ...given(), ...staff]) head.append(made('th', say(word)));
    element('head').replaceChildren(head);
    element('grids').replaceChildren(...data.grids.map(row));
  }

  /** @returns {('households' | 'cases')[]} */
  function given() {
    const { summary } = data;
    return [
      ...(summary.moved_household_count === null ? [] : /** @type {['households']} */ (['households'])),
      ...(summary.moved_open_case_count === null ? [] : /** @type {['cases']} */ (['cases'])),
    ];
  }

  /** @param {Grid} grid */
  function row(grid) {
    const line = document.createElement('tr');
    line.dataset.code = grid.code;
    const name = document.createElement('td');
    const button = made('button', grid.code);
    button.addEventListener('click', () => show(grid.code));
    name.append(button);
    const others = [['→', grid.to], ['←', grid.from]];
    for (const [arrow, codes] of /** @type {[string, string[]][]} */ (others)) {
      const others = codes.filter((code) => code !== grid.code);
      if (others.length) name.append(made('small', `${arrow} ${others.slice(0, 6).join(', ')}`));
    }
    line.append(name, made('td', kindWord(grid.kind)), made('td', number(grid.gained_m2)),
      made('td', number(grid.lost_m2)));
    for (const what of given()) {
      const cell = made('td', balance(grid[what]));
      if (what === 'households') cell.append(made('small', say('now', ...(grid.households_now ?? []))));
      line.append(cell);
    }
    if (data.summary.changed_staff_count !== null) line.append(made('td', answering(grid.staff), 'staff'));
    return line;
  }

  /** @param {(string | null)[]} staff who answers before and after, once if it stays the same */
  function answering(staff) {
    const [before, after] = staff.map((name) => name ?? say('noOne'));
    return before === after ? before : `${before} → ${after}`;
  }

  /** @param {number[] | null} pair */
  function balance(pair) {
    return pair === null ? '–' : `+${number(pair[0])} −${number(pair[1])}`;
  }
})();
