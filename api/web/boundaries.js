// The map of one edition: its grids, what the checks found, and before and after of what changes.
// The page works without it: the lists, the counts and the button are the server's.

/**
 * @typedef {object} Feature
 * @property {number} [id]
 * @property {{type: string, coordinates: unknown} | null} geometry
 * @property {Record<string, any>} properties
 */

const place = document.getElementById("boundaries");
if (place !== null && "L" in globalThis) void draw(place);

/** @param {HTMLElement} element */
async function draw(element) {
  element.hidden = false;
  const map = L.map(element, { zoomSnap: 0.25, attributionControl: false, preferCanvas: true });
  L.control.scale({ imperial: false }).addTo(map);
  const failed = (/** @type {unknown} */ error) => {
    const note = document.getElementById("map-note");
    if (note === null) return;
    note.hidden = false;
    note.append(` (${error instanceof Error ? error.message : String(error)})`);
  };
  const { grids, before, changes, findings } = element.dataset;
  try {
    const after = layerIn(map, "after", await fetched(grids), grid());
    map.fitBounds(after.getBounds().pad(0.04));
    // what is drawn stays, whatever of the rest can't be had
    await Promise.all([
      findings && fetched(findings).then((all) => findable(map, all)).catch(failed),
      changes && fetched(changes).then((all) => layerIn(map, "changes", all, changed)).catch(failed),
      before && fetched(before).then((all) => layerIn(map, "before", all, grid("before"))).catch(failed),
    ]);
    if (before) swipe(map, element);
  } catch (error) {
    failed(error);
  }
  element.removeAttribute("aria-busy");
  element.dataset.drawn = "true";
}

/** @param {string | undefined} address */
async function fetched(address) {
  if (!address) throw new Error("no address");
  const answer = await fetch(address, { headers: { Accept: "application/geo+json" } });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

/** @param {string} name */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Return a colour that only the map has.
 * @param {string} name
 */
function tint(name) {
  return place === null ? "" : getComputedStyle(place).getPropertyValue(name).trim();
}

/** @param {"after" | "before"} when */
function grid(when = "after") {
  return () => ({
    color: colour("--grid"), weight: 1.25, fill: false, interactive: false,
    dashArray: when === "before" ? "5 4" : null,
  });
}

/** @param {Feature} feature */
function changed(feature) {
  const owned = (feature.properties.new ?? feature.properties.new_code ?? null) !== null;
  const fillColor = tint(owned ? "--gained" : "--lost");
  return { color: colour("--ink"), weight: 1, fillColor, fillOpacity: 0.55 };
}

/**
 * Draw features in a pane of their own, above those drawn before.
 * @param {any} map
 * @param {string} name
 * @param {{features: Feature[]}} collection
 * @param {(feature: Feature) => object} style
 */
function layerIn(map, name, collection, style) {
  const pane = map.createPane(name);
  pane.style.zIndex = { before: "410", after: "410", changes: "405", findings: "420" }[name] ?? "400";
  const drawn = collection.features.filter((feature) => feature.geometry !== null);
  return L.geoJSON(drawn, { pane, renderer: L.canvas({ pane: name, padding: 0.3 }), style })
    .bindTooltip((/** @type {any} */ shape) => titled(shape.feature), { sticky: true })
    .addTo(map);
}

/** @param {Feature} feature */
function titled(feature) {
  const text = document.createElement("span");
  const named = feature.properties;
  const owner = (/** @type {string | null} */ code, /** @type {string | null} */ person) =>
    person ? `${code ?? "–"} (${person})` : (code ?? "–");
  const moves = "old" in named || "new" in named
    ? `${owner(named.old, named.old_responsible)} → ${owner(named.new, named.new_responsible)}` : "";
  text.textContent = String(named.name ?? named.code ?? moves);
  return text;
}

/**
 * Show what was on the left of the slider and what will be on its right.
 * @param {any} map
 * @param {HTMLElement} element
 */
function swipe(map, element) {
  const slider = document.getElementById("swipe");
  if (!(slider instanceof HTMLInputElement)) return;
  const line = document.createElement("div");
  line.className = "swipe-line";
  element.append(line);
  slider.closest("[hidden]")?.removeAttribute("hidden");
  const cut = () => {
    const share = Number(slider.value) / 100;
    const size = map.getSize();
    const [low, high] = [map.containerPointToLayerPoint([0, 0]), map.containerPointToLayerPoint(size)];
    const x = low.x + (high.x - low.x) * share;
    for (const [name, left, right] of /** @type {[string, number, number][]} */ ([
      ["before", low.x, x], ["after", x, high.x], ["changes", x, high.x],
    ])) {
      const pane = map.getPane(name);
      if (pane) pane.style.clip = `rect(${low.y}px, ${right}px, ${high.y}px, ${left}px)`;
    }
    line.style.left = `${share * 100}%`;
  };
  slider.addEventListener("input", cut);
  map.on("move zoomend resize viewreset", cut);
  cut();
}

/**
 * Draw findings, and let the list and the map show each other's.
 * @param {any} map
 * @param {{features: Feature[]}} findings
 */
function findable(map, findings) {
  /** @type {Map<string, any>} */
  const shapes = new Map();
  map.createPane("findings").style.zIndex = "420";
  const renderer = L.canvas({ pane: "findings", padding: 0.3 });
  for (const feature of findings.features) {
    if (feature.geometry === null) continue;
    const number = String(feature.id);
    const ink = tint(`--${feature.properties.severity}`) || colour("--ink");
    const style = { color: ink, weight: 3, fillColor: ink, fillOpacity: 0.45, pane: "findings", renderer };
    const shape = L.geoJSON(feature, {
      style, renderer, pane: "findings",
      pointToLayer: (/** @type {Feature} */ _, /** @type {any} */ at) => L.circleMarker(at, { ...style, radius: 7 }),
    });
    // what is smaller than a few pixels would not be seen: its place is marked as well
    const middle = shape.getBounds().getCenter();
    const mark = L.circleMarker(middle, { ...style, radius: 6, fillOpacity: 0.15, weight: 2 });
    const both = L.featureGroup([shape, mark]).addTo(map);
    both.on("click", () => choose(number, true));
    shapes.set(number, shape);
  }
  const list = document.getElementById("findings");
  /**
   * @param {string} number
   * @param {boolean} scroll
   */
  const choose = (number, scroll) => {
    const shape = shapes.get(number);
    const entry = document.getElementById(`finding-${number}`);
    for (const other of list?.querySelectorAll("[aria-current]") ?? []) other.removeAttribute("aria-current");
    entry?.setAttribute("aria-current", "true");
    if (scroll) entry?.scrollIntoView({ block: "nearest" });
    if (shape) map.fitBounds(shape.getBounds().pad(1.5), { maxZoom: 19 });
  };
  for (const button of list?.querySelectorAll("button[data-finding]") ?? []) {
    if (!(button instanceof HTMLButtonElement)) continue;
    const number = button.dataset.finding ?? "";
    if (!shapes.has(number)) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      choose(number, false);
      place?.scrollIntoView({ block: "nearest" }); // on a narrow screen it lies above the list
    });
  }
}
