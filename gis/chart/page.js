'use strict';
/* The page: unpack the data, paint the map, answer the pointer and the keys. */

/** @typedef {{n: number, code: Texts, name: Texts, x: Float64Array, y: Float64Array,
 *   outline: Outlines, statuses: Numbers}} Outlined */

const NO_TIME = -2147483648;

class Model {
  /** @param {any} packed */
  constructor(packed) {
    const { head, origin } = packed;
    this.head = head;
    /** @type {Style[]} */
    this.styles = head.statuses;
    /** @type {Style[]} */
    this.states = head.states;
    this.ranks = fromQuietToUrgent(this.styles);
    this.caseRanks = fromQuietToUrgent(this.states);
    this.rankOf = this.styles.map((_, s) => this.ranks.indexOf(s));
    /** The highest severity that is not normal: the worst a household can be. */
    this.most = Math.max(0, ...this.styles.filter((s) => !s.normal).map((s) => s.severity));
    this.quiet = this.styles.map((style) => isQuiet(this, style));
    this.areas = { n: packed.areas.n, outline: new Outlines(packed.areas.outline, origin) };
    this.grids = Object.assign(this.outlined(packed.grids, origin), {
      kind: new Texts(packed.grids.kind),
      responsible: new Texts(packed.grids.responsible),
      open: unpackNumbers(packed.grids.open),
      late: unpackNumbers(packed.grids.late),
      households: unpackNumbers(packed.grids.households),
      shade: unpackNumbers(packed.grids.shade),
    });
    this.buildings = Object.assign(this.outlined(packed.buildings, origin), {
      address: new Texts(packed.buildings.address),
      grid: new Texts(packed.buildings.grid),
      worst: unpackNumbers(packed.buildings.worst),
    });
    const homes = packed.households;
    this.households = Object.assign(new Points(homes, origin), {
      open: unpackNumbers(homes.open),
      code: new Texts(homes.code),
      building_code: new Texts(homes.building_code),
      grid_code: new Texts(homes.grid_code),
      unit: new Texts(homes.unit),
      floor: new Texts(homes.floor),
      room: new Texts(homes.room),
    });
    this.cases = Object.assign(new Points(packed.cases, origin), {
      late: unpackNumbers(packed.cases.late),
      id: new Texts(packed.cases.id),
      zh: new Texts(packed.cases.zh),
      en: new Texts(packed.cases.en),
      grid_code: new Texts(packed.cases.grid_code),
      reported: unpackNumbers(packed.cases.reported),
    });
    this.anyOpenHousehold = this.households.open.some((count) => count > 0);
    this.buildingName = namesByCode(this.buildings);
    this.gridName = namesByCode(this.grids);
  }

  /**
   * @param {any} packed
   * @param {number} origin
   */
  outlined(packed, origin) {
    return {
      n: /** @type {number} */ (packed.n),
      code: new Texts(packed.code),
      name: new Texts(packed.name),
      ...project(unpackNumbers(packed.x), unpackNumbers(packed.y), origin),
      outline: new Outlines(packed.outline, origin),
      statuses: unpackNumbers(packed.statuses),
    };
  }

  /** @param {string | null} code */
  buildingNamed(code) {
    return code === null ? null : this.buildingName.get(code) ?? code;
  }

  /** @param {string | null} code */
  gridNamed(code) {
    return code === null ? null : this.gridName.get(code) ?? code;
  }
}

/**
 * The order in which statuses are painted.
 * @param {Style[]} styles
 */
function fromQuietToUrgent(styles) {
  return [...styles.keys()].sort((a, b) => Number(styles[b].normal) - Number(styles[a].normal)
    || styles[a].severity - styles[b].severity || styles[b].order - styles[a].order);
}

/**
 * @param {Outlined} features
 * @returns {Map<string, string>}
 */
function namesByCode(features) {
  const names = new Map();
  for (let i = 0; i < features.n; i++) {
    const code = features.code.at(i);
    const name = features.name.at(i);
    if (code !== null && name !== null && !names.has(code)) names.set(code, name);
  }
  return names;
}

class Page {
  /** @param {any} map */
  constructor(map) {
    const island = /** @type {HTMLElement} */ (document.getElementById('chart-data'));
    this.map = map;
    this.model = new Model(JSON.parse(island.textContent ?? ''));
    island.remove();
    const { head } = this.model;
    /** @type {View} */
    this.view = {
      language: head.language,
      theme: head.theme,
      layers: {
        areas: true, grids: true, shades: true, buildings: true, households: true, cases: true, labels: true,
      },
      hidden: { households: new Set(), cases: new Set() },
      selected: null,
    };
    /** Whether somebody has moved the map; until then it shows the whole. */
    this.moved = false;
    /** Whether a movement would be somebody's. */
    this.settled = false;
    this.still = matchMedia('(prefers-reduced-motion: reduce)');
    document.documentElement.dataset.theme = head.theme;
    this.describer = new Describer(this.model, this.view);
    this.panel = new Panel(this.model, this.view, {
      go: (spot) => this.go(spot), repaint: () => this.painter.paint(),
    });
    this.panel.write();
    this.fit(false);
    this.painter = new Painter(map, this.model, this.view);
    this.popup = L.popup({ autoPanPadding: [24, 24], maxWidth: 420, minWidth: 200, className: 'chart-popup' });
    this.search = new SearchBox(
      new Finder(this.model, this.describer), this.describer, (spot) => this.go(spot),
    );
    this.hint = /** @type {HTMLElement} */ (document.getElementById('hint'));
    L.control.zoom({ position: 'topleft' }).addTo(map);
    L.control.scale({ position: 'bottomleft', imperial: false, maxWidth: 160 }).addTo(map);
    this.listen();
    this.nameControls();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      performance.mark('chart-painted');
      document.documentElement.dataset.ready = 'true';
    }));
  }

  listen() {
    const { map } = this;
    map.on('click', (/** @type {any} */ e) => this.open(this.painter.find(e.latlng), e.latlng));
    map.on('mousemove', (/** @type {any} */ e) => this.point(e));
    map.on('mouseout movestart', () => this.point(null));
    map.on('popupclose', () => this.select(null));
    this.press('language', () => this.speak(this.view.language === 'zh' ? 'en' : 'zh'));
    this.press('theme', () => this.light(this.view.theme === 'night' ? 'day' : 'night'));
    this.press('whole', () => this.fit(true));
    new ResizeObserver(() => {
      map.invalidateSize({ animate: false });
      if (!this.moved) this.fit(false);
    }).observe(map.getContainer());
    map.on('dragstart zoomstart', () => { this.moved = this.settled; });
    window.addEventListener('resize', () => this.painter.restyle());
    let theme = this.view.theme;
    window.addEventListener('beforeprint', () => {
      theme = this.view.theme;
      this.light('day');
    });
    window.addEventListener('afterprint', () => this.light(theme));
    this.settled = true;
  }

  /**
   * @param {string} id
   * @param {() => void} act
   */
  press(id, act) {
    document.getElementById(id)?.addEventListener('click', act);
  }

  /** @param {Language} language */
  speak(language) {
    this.view.language = language;
    this.panel.write();
    this.nameControls();
    this.painter.paint();
    if (this.view.selected && this.map.hasLayer(this.popup)) {
      this.popup.setContent(this.describer.popup(this.view.selected));
      this.nameControls();
    }
  }

  /** @param {'night' | 'day'} theme */
  light(theme) {
    this.view.theme = theme;
    document.documentElement.dataset.theme = theme;
    this.panel.writeButtons();
    this.painter.restyle();
  }

  /** Say in the page's language what Leaflet's own buttons do. */
  nameControls() {
    const words = WORDS[this.view.language];
    /** @type {Record<string, string>} */
    const names = {
      '.leaflet-control-zoom-in': words.zoomIn,
      '.leaflet-control-zoom-out': words.zoomOut,
      '.leaflet-popup-close-button': words.closePopup,
    };
    for (const [place, name] of Object.entries(names)) {
      const button = this.map.getContainer().querySelector(place);
      button?.setAttribute('aria-label', name);
      if (!place.includes('popup')) button?.setAttribute('title', name);
    }
    this.map.getContainer().setAttribute('role', 'region');
    this.map.getContainer().setAttribute('aria-label', words.map);
  }

  /** @param {boolean} animate */
  fit(animate) {
    const { bounds } = this.model.head;
    if (!bounds) return;
    const [west, south, east, north] = bounds;
    const settled = this.settled;
    this.settled = false;
    this.map.fitBounds([[south, west], [north, east]], {
      padding: [20, 20], maxZoom: 19, animate: animate && !this.still.matches,
    });
    this.settled = settled;
  }

  /**
   * Where a feature's popup points, and the box to bring into sight.
   * @param {Spot} spot
   */
  place(spot) {
    const { x, y } = this.model[spot.layer];
    const at = this.latlng(x[spot.i], y[spot.i]);
    if (spot.layer === 'households' || spot.layer === 'cases') return { at, box: null };
    const box = this.model[spot.layer].outline.boxes[spot.i];
    return {
      at,
      box: box[0] < Infinity ? [this.latlng(box[0], box[1]), this.latlng(box[2], box[3])] : null,
    };
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  latlng(x, y) {
    return this.map.unproject(L.point(x * 256, y * 256), 0);
  }

  /**
   * Bring a feature into sight and open its popup there.
   * @param {Spot} spot
   */
  go(spot) {
    const { at, box } = this.place(spot);
    const animate = !this.still.matches;
    const closer = Math.log2(this.painter.rem / 16); /* a larger screen's symbols are larger */
    const zoom = box
      ? Math.min(19, this.map.getBoundsZoom(L.latLngBounds(box).pad(spot.layer === 'grids' ? 0.1 : 1)))
      : Math.max(this.map.getZoom(), (spot.layer === 'households' ? 19 : 17) + closer);
    this.moved = true;
    this.map.closePopup();
    if (!animate || this.map.getZoom() === zoom) this.map.setView(at, zoom, { animate: false });
    else this.map.flyTo(at, zoom, { duration: 0.8 });
    if (!animate || !this.map._flyToFrame) this.open(spot, at);
    else this.map.once('moveend', () => this.open(spot, at));
  }

  /**
   * @param {Spot | null} spot
   * @param {any} latlng
   */
  open(spot, latlng) {
    if (!spot) return;
    const { at } = spot.layer === 'households' || spot.layer === 'cases' ? this.place(spot) : { at: latlng };
    this.point(null);
    this.popup.setLatLng(at).setContent(this.describer.popup(spot));
    this.popup.options.maxHeight = Math.max(160, this.map.getSize().y * 0.6);
    this.popup.options.maxWidth = this.painter.rem * 26;
    this.map.openPopup(this.popup);
    this.nameControls();
    this.select(spot);
  }

  /** @param {Spot | null} spot */
  select(spot) {
    this.view.selected = spot;
    this.painter.paint();
  }

  /**
   * Name what is under the pointer.
   * @param {any} event
   */
  point(event) {
    const spot = event && !this.map.dragging?.moving?.() ? this.painter.find(event.latlng) : null;
    const overSymbol = spot !== null && (spot.layer !== 'grids' || this.painter.detail < 16.5);
    this.map.getContainer().classList.toggle('over', spot !== null);
    this.hint.hidden = !overSymbol;
    if (!spot || !overSymbol) return;
    this.hint.replaceChildren(
      make('b', '', this.describer.name(spot)), make('small', '', this.describer.detail(spot)),
    );
    const { x, y } = event.containerPoint;
    const frame = this.map.getContainer().getBoundingClientRect();
    const left = Math.min(frame.left + x + 14, window.innerWidth - this.hint.offsetWidth - 8);
    this.hint.style.left = `${left}px`;
    this.hint.style.top = `${Math.min(frame.top + y + 18, window.innerHeight - this.hint.offsetHeight - 8)}px`;
  }
}

/**
 * Called by the map's own script once the map is there.
 * @param {any} map
 */
function startChart(map) {
  Object.assign(window, { lianxinChart: new Page(map) });
}
