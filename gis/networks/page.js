/* The page of compared networks: a map of switchable layers, findings, and what is decided. */

/**
 * @typedef {[number, number][][][]} Shape Parts, of rings, of latitude and longitude.
 * @typedef {{
 *   code: string, communities: string[], source: string | null, kept: boolean, dedicated: boolean,
 *   m2: number, households: number, accepted: boolean, instead: string[], shape: Shape,
 * }} MergedGrid
 * @typedef {{
 *   rule: string, codes: string[], zh: string, en: string, measure: number, shape: Shape,
 * }} Finding
 * @typedef {{name: string, colour: string, codes: string[], shapes: Shape[]}} Network
 * @typedef {{
 *   bounds: [number, number, number, number] | null, command: string, networks: Network[],
 *   communities: {codes: string[], shapes: Shape[]} | null, buildings: Shape[],
 *   findings: Finding[], agreements: [string, string, number][], grids: MergedGrid[],
 * }} Compared
 */

const MOST_LISTED = 300;
const MOST_NUMBERED = 250;
const LOOK = {
  network_conflict: { colour: '#d55e00', fill: 0.13, stroke: false, pane: 'ground' },
  network_hole: { colour: '#f0c400', fill: 0.55, stroke: false, pane: 'ground' },
  split_building: { colour: '#7a0000', fill: 0.85, stroke: true, pane: 'split' },
  household_count: { colour: '#7b3294', fill: 0.18, stroke: true, pane: 'ground' },
};
/** @type {Record<string, [string, string]>} */
const LABELS = {
  title: ['多网合一', 'Merging networks'],
  other: ['English', '中文'],
  layers: ['图层', 'Layers'],
  proposal: ['合并方案', 'Proposal'],
  communities: ['社区', 'Communities'],
  buildings: ['楼栋', 'Buildings'],
  network_conflict: ['边界交叉', 'Borders that cross'],
  network_hole: ['空缺', 'Holes'],
  split_building: ['被切楼栋', 'Split buildings'],
  household_count: ['户数超出范围', 'Too few or too many households'],
  dedicated: ['专属', 'dedicated'],
  decision: ['决定', 'Decision'],
  accept: ['接受', 'Accept'],
  acceptAll: ['全部接受', 'Accept all'],
  none: ['全部取消', 'Undo all'],
  save: ['保存决定', 'Save the decision'],
  keep: ['改为保留…', 'Keep instead…'],
  command: ['然后执行此命令：', 'Then run this command:'],
  more: ['另有', 'and more:'],
  several: ['跨社区', 'several communities'],
  invented: ['原无网格', 'no network had any'],
  homes: ['户', 'households'],
  nothing: ['没有发现问题。', 'Nothing was found.'],
};

const island = /** @type {HTMLElement} */ (document.getElementById('network-data'));
/** @type {Compared} */
const data = JSON.parse(island.textContent ?? '');
island.remove();

let tongue = 0;
/** @type {Set<string>} */
const accepted = new Set(data.grids.filter((g) => g.accepted && !g.kept).map((g) => g.code));
/** Of a grid's code the old cell that is kept instead. @type {Map<string, string>} */
const kept = new Map(data.grids.flatMap((g) => (g.kept && g.source ? [[g.code, g.source]] : [])));
/** @type {string | null} */
let chosen = null;

/** @param {string} name */
const word = (name) => LABELS[name][tongue];
/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {string} tag
 * @param {string} [text]
 * @param {Record<string, string>} [given]
 */
function made(tag, text = '', given = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(given)) element.setAttribute(name, value);
  return element;
}

/**
 * @param {string} text
 * @param {() => void} act
 * @param {Record<string, string>} [given]
 */
function button(text, act, given = {}) {
  const element = made('button', text, { type: 'button', ...given });
  element.addEventListener('click', act);
  return element;
}

const map = L.map('map', { preferCanvas: true, zoomSnap: 0.25, attributionControl: false, maxZoom: 22 });
L.control.scale({ imperial: false }).addTo(map);
const [west, south, east, north] = data.bounds ?? [0, 0, 1, 1];
map.fitBounds([[south, west], [north, east]], { padding: [12, 12] });

/** Canvases lie over one another in this order, whatever is switched on when. */
const panes = ['ground', 'buildings', 'split', 'networks', 'communities', 'proposal'].map((name, i) => {
  map.createPane(name).style.zIndex = String(410 + i);
  return name;
});

const renderers = Object.fromEntries(panes.map((pane) => [pane, L.canvas({ pane, padding: 0.3 })]));
/**
 * @param {Shape[]} shapes
 * @param {string} pane
 * @param {object} style
 */
const drawn = (shapes, pane, style) => L.layerGroup(
  shapes.map((shape) => L.polygon(shape, { renderer: renderers[pane], pane, interactive: false, ...style })),
);

/**
 * @typedef {{
 *   key: string, label: () => string, colour: string, fill: string, group: any, on: boolean,
 * }} Layer
 */
/** @type {Layer[]} */
const layers = [];
/**
 * @param {string} key
 * @param {() => string} label
 * @param {string} colour
 * @param {any} group of Leaflet's layers
 * @param {string} [fill]
 */
function layer(key, label, colour, group, fill = 'transparent') {
  layers.push({ key, label, colour, fill, group, on: true });
  group.addTo(map);
}

layer('buildings', () => `${word('buildings')} (${data.buildings.length})`, '#9aa7b2',
  drawn(data.buildings, 'buildings', { color: '#9aa7b2', weight: 0.5, fillOpacity: 0.6 }), '#c8d0d7');
data.networks.forEach((network, i) => {
  const style = {
    color: network.colour, weight: 3, opacity: 0.9, fill: false, dashArray: i ? '8 6' : '', dashOffset: String(4 * i),
  };
  layer(`network${i}`, () => `${network.name} (${network.codes.length})`, network.colour,
    drawn(network.shapes, 'networks', style));
});
if (data.communities) {
  const { codes, shapes } = data.communities;
  layer('communities', () => `${word('communities')} (${codes.length})`, '#16212c',
    drawn(shapes, 'communities', { color: '#16212c', weight: 4, opacity: 0.45, fill: false }));
}
const gridShapes = data.grids.map((grid) => {
  const shape = L.polygon(grid.shape, { renderer: renderers.proposal, pane: 'proposal', color: '#c0178c', weight: 2 });
  shape.on('click', () => choose(grid, false));
  if (data.grids.length <= MOST_NUMBERED) {
    const short = /^\d{15}$/.test(grid.code) ? grid.code.slice(grid.communities.length > 1 ? 9 : 12) : grid.code.slice(-9);
    shape.bindTooltip(made('span', short), { permanent: true, direction: 'center', className: 'number' });
  }
  return shape;
});
layer('proposal', () => `${word('proposal')} (${data.grids.length})`, '#c0178c', L.layerGroup(gridShapes));
for (const [rule, look] of Object.entries(LOOK)) {
  const found = data.findings.filter((finding) => finding.rule === rule);
  const style = { color: look.colour, stroke: look.stroke, weight: 1, fillOpacity: look.fill };
  layer(rule, () => `${word(rule)} (${found.length})`, look.colour,
    drawn(found.map((finding) => finding.shape), look.pane, style), look.colour);
}

function writeLayers() {
  const section = at('layers');
  section.replaceChildren(made('h2', word('layers')));
  for (const one of layers) {
    const label = made('label');
    const box = /** @type {HTMLInputElement} */ (made('input', '', { type: 'checkbox', 'data-layer': one.key }));
    box.checked = one.on;
    box.addEventListener('change', () => {
      one.on = box.checked;
      if (one.on) one.group.addTo(map); else one.group.remove();
    });
    const swatch = made('span', '', { class: 'swatch' });
    swatch.style.borderColor = one.colour;
    swatch.style.background = one.fill;
    label.append(box, swatch, made('span', one.label()));
    section.append(label);
  }
}

/** @type {Map<string, HTMLElement>} */
const rows = new Map();
function writeGrids() {
  const list = made('ul');
  rows.clear();
  for (const grid of data.grids) {
    const row = made('li', '', { 'data-code': grid.code });
    const go = button('', () => choose(grid, true), { class: 'go' });
    go.append(made('b', grid.code), ` ${grid.source ?? word('invented')}`);
    if (grid.communities.length > 1) go.append(made('b', ` ⚑ ${word('several')}`));
    if (grid.dedicated) go.append(made('b', ` ${word('dedicated')}`));
    const homes = data.buildings.length ? ` · ${grid.households} ${word('homes')}` : '';
    go.append(made('div', `${grid.m2.toLocaleString('en')} m²${homes}`, { class: 'quiet' }));
    const act = made('div', '', { class: 'act' });
    act.append(button(word('accept'), () => accept(grid), { class: 'accept' }));
    const instead = /** @type {HTMLSelectElement} */ (made('select', '', { 'aria-label': `${word('keep')} ${grid.code}` }));
    instead.append(made('option', word('keep'), { value: '' }));
    for (const cell of grid.instead) instead.append(made('option', cell, { value: cell }));
    instead.value = kept.get(grid.code) ?? '';
    instead.addEventListener('change', () => keep(grid.code, instead.value));
    act.append(instead);
    row.append(go, act);
    list.append(row);
    rows.set(grid.code, row);
  }
  at('grids').replaceChildren(made('h2', word('proposal')), list);
}

function writeFindings() {
  const section = at('findings');
  section.replaceChildren();
  if (!data.findings.length) section.append(made('p', word('nothing')));
  for (const rule of Object.keys(LOOK)) {
    const found = data.findings.filter((finding) => finding.rule === rule);
    if (!found.length) continue;
    const list = made('ul');
    for (const finding of found.slice(0, MOST_LISTED)) {
      const row = made('li');
      row.append(button(tongue ? finding.en : finding.zh, () => fly(finding.shape), { class: 'go' }));
      list.append(row);
    }
    if (found.length > MOST_LISTED) list.append(made('li', `${word('more')} ${found.length - MOST_LISTED}`));
    section.append(made('h2', `${word(rule)} (${found.length})`), list);
  }
}

function decided() {
  const whole = data.grids.length > 0 && data.grids.every((grid) => accepted.has(grid.code) || isKept(grid));
  return { accept: whole ? ['all'] : [...accepted].sort(), keep: [...new Set(kept.values())].sort() };
}

function writeDecision() {
  const section = at('decision');
  const count = accepted.size + kept.size;
  const text = /** @type {HTMLTextAreaElement} */ (made('textarea', `${data.command} --decision decision.json --out merged.gpkg`));
  text.readOnly = true;
  text.setAttribute('aria-label', word('command'));
  const act = made('div', '', { class: 'act' });
  act.append(
    button(word('acceptAll'), acceptAll, { id: 'accept-all' }),
    ' ', button(word('none'), () => { kept.clear(); accepted.clear(); refresh(true); }),
    ' ', button(word('save'), save, { class: 'main', id: 'save' }),
  );
  section.replaceChildren(
    made('h2', `${word('decision')} ${count} / ${data.grids.length}`), act, made('p', word('command')), text,
  );
}

function save() {
  const link = document.createElement('a');
  const blob = new Blob([`${JSON.stringify(decided(), null, 2)}\n`], { type: 'application/json' });
  link.href = URL.createObjectURL(blob);
  link.download = 'decision.json';
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * Whether the grid is a kept cell, as the map shows it already.
 *
 * @param {MergedGrid} grid
 */
function isKept(grid) {
  return grid.kept && kept.get(grid.code) === grid.source;
}

/** @param {MergedGrid} grid */
function accept(grid) {
  const { code } = grid;
  if (grid.kept) {
    // it is there only as long as the cell is kept
    if (isKept(grid)) kept.delete(code); else kept.set(code, grid.source ?? '');
  } else {
    kept.delete(code);
    if (!accepted.delete(code)) accepted.add(code);
  }
  refresh(true);
}

function acceptAll() {
  for (const grid of data.grids) {
    if (grid.kept) kept.set(grid.code, grid.source ?? '');
    else { kept.delete(grid.code); accepted.add(grid.code); }
  }
  refresh(true);
}

/**
 * @param {string} code
 * @param {string} cell
 */
function keep(code, cell) {
  accepted.delete(code);
  if (cell) kept.set(code, cell); else kept.delete(code);
  refresh(false);
}

/** @param {boolean} lists whether the choices shown in the list may be wrong */
function refresh(lists) {
  data.grids.forEach((grid, i) => {
    const row = /** @type {HTMLElement} */ (rows.get(grid.code));
    row.classList.toggle('accepted', accepted.has(grid.code));
    row.classList.toggle('kept', kept.has(grid.code));
    row.classList.toggle('chosen', chosen === grid.code);
    row.querySelector('.accept')?.setAttribute('aria-pressed', String(accepted.has(grid.code) || isKept(grid)));
    const choice = row.querySelector('select');
    if (lists && choice) choice.value = kept.get(grid.code) ?? '';
    const fill = accepted.has(grid.code) ? '#009e73' : kept.has(grid.code) ? '#0072b2' : '#c0178c';
    gridShapes[i].setStyle({
      fillColor: fill, fillOpacity: fill === '#c0178c' ? 0.04 : 0.25, weight: chosen === grid.code ? 6 : 2,
    });
  });
  writeDecision();
}

/**
 * @param {MergedGrid} grid
 * @param {boolean} zoom
 */
function choose(grid, zoom) {
  chosen = grid.code;
  refresh(false);
  if (zoom) fly(grid.shape);
  else rows.get(grid.code)?.scrollIntoView({ block: 'center' });
}

/** @param {Shape} shape */
function fly(shape) {
  if (shape.length) map.fitBounds(L.polygon(shape).getBounds(), { maxZoom: 19, padding: [60, 60] });
}

function write() {
  document.documentElement.lang = tongue ? 'en' : 'zh-CN';
  at('title').textContent = word('title');
  at('language').textContent = word('other');
  at('counts').textContent = data.networks.map((network) => network.name).join(' + ');
  writeLayers();
  writeGrids();
  writeFindings();
  refresh(true);
}

at('language').addEventListener('click', () => { tongue = 1 - tongue; write(); });
write();
document.documentElement.dataset.ready = 'true';
