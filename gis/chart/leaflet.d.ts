/** Leaflet 1.9.4 is vendored without types; the chart uses a small part of it. */
declare const L: any;
