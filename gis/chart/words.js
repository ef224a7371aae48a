'use strict';
/* Every word of the page in both languages; data bring their own. */

/** @typedef {'zh' | 'en'} Language */

/** @type {Record<Language, Record<string, string>>} */
const WORDS = {
  zh: {
    chart: '作战图',
    dataTime: '数据时间',
    edition: '网格版本',
    search: '搜索',
    searchHint: '网格、楼栋、户、案件的名称或编码',
    searchKey: '按 / 键',
    noMatch: '没有找到。请换名称或编码的一部分再试。',
    otherLanguage: 'English',
    otherLanguageName: 'Switch to English',
    toDay: '日间',
    toNight: '夜间',
    themeName: '切换日间或夜间显示',
    wholeMap: '全图',
    zoomIn: '放大',
    zoomOut: '缩小',
    closePopup: '关闭',
    map: '地图',
    figures: '概况',
    openCases: '在办案件',
    lateCases: '超期案件',
    households: '户',
    unknownHouseholds: '状态不明户',
    worst: '最需要处理的网格',
    noWorst: '没有在办案件。',
    outside: ' 件在办案件不在任何网格内',
    layers: '图层',
    areas: '上级区域边界',
    grids: '网格',
    shades: '网格深浅',
    buildings: '楼栋',
    householdLayer: '户',
    cases: '案件',
    labels: '名称',
    legend: '图例',
    households_legend: '户的状态',
    cases_legend: '案件状态',
    map_legend: '地图',
    gridLine: '网格边界',
    dedicated: '专属网格',
    basic: '基础网格',
    lateRing: '超期案件',
    corner: '户内在办案件数',
    tint: '楼栋颜色：最重的状态',
    shadePerHouseholds: '每百户在办案件',
    shadePerKm2: '每平方公里在办案件',
    none: '无',
    hide: '点击可隐藏或显示',
    hiddenNow: '已隐藏',
    unplacedHouseholds: '户没有坐标，未画出',
    unplacedCases: '件案件没有坐标，未画出',
    empty: '没有可画的数据',
    emptyHint: '请先导入网格、楼栋、户或案件，再生成作战图。',
    grid: '网格',
    building: '楼栋',
    household: '户',
    case: '案件',
    code: '编码',
    kind: '类型',
    responsible: '责任人',
    address: '地址',
    unit: '单元',
    floor: '层',
    room: '房号',
    status: '状态',
    state: '状态',
    reportedAt: '上报时间',
    deadline: '时限',
    overdue: '已超期',
    onTime: '未超期',
    number: '编号',
    unknownShare: '状态不明',
    noHouseholds: '没有户的资料',
    nothingNamed: '（未命名）',
    of: '共',
    comma: '，',
  },
  en: {
    chart: 'Battle chart',
    dataTime: 'Data as of',
    edition: 'Grid edition',
    search: 'Search',
    searchHint: 'Name or code of a grid, building, household or case',
    searchKey: 'press /',
    noMatch: 'Nothing found. Try another part of the name or code.',
    otherLanguage: '中文',
    otherLanguageName: '切换为中文',
    toDay: 'Day',
    toNight: 'Night',
    themeName: 'Switch between day and night display',
    wholeMap: 'Whole map',
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    closePopup: 'Close',
    map: 'Map',
    figures: 'At a glance',
    openCases: 'Open cases',
    lateCases: 'Overdue',
    households: 'Households',
    unknownHouseholds: 'Status unknown',
    worst: 'Grids that need most',
    noWorst: 'No case is open.',
    outside: ' open outside every grid',
    layers: 'Layers',
    areas: 'Area outlines',
    grids: 'Grids',
    shades: 'Grid shading',
    buildings: 'Buildings',
    householdLayer: 'Households',
    cases: 'Cases',
    labels: 'Names',
    legend: 'Legend',
    households_legend: 'Households',
    cases_legend: 'Cases',
    map_legend: 'Map',
    gridLine: 'Grid boundary',
    dedicated: 'Dedicated grid',
    basic: 'Basic grid',
    lateRing: 'Overdue case',
    corner: 'Open cases in a household',
    tint: "Building's colour: its worst status",
    shadePerHouseholds: 'Open cases per 100 households',
    shadePerKm2: 'Open cases per km²',
    none: 'none',
    hide: 'Click to hide or show',
    hiddenNow: 'hidden',
    unplacedHouseholds: 'without coordinates, not drawn',
    unplacedCases: 'without coordinates, not drawn',
    empty: 'There is nothing to draw',
    emptyHint: 'Import grids, buildings, households or cases first, then make the chart again.',
    grid: 'Grid',
    building: 'Building',
    household: 'Household',
    case: 'Case',
    code: 'Code',
    kind: 'Kind',
    responsible: 'Responsible',
    address: 'Address',
    unit: 'Entrance',
    floor: 'Floor',
    room: 'Room',
    status: 'Status',
    state: 'State',
    reportedAt: 'Reported',
    deadline: 'Time limit',
    overdue: 'overdue',
    onTime: 'within time',
    number: 'Number',
    unknownShare: 'Status unknown',
    noHouseholds: 'No household on record',
    nothingNamed: '(no name)',
    of: 'of',
    comma: ', ',
  },
};

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/**
 * Write a date and time as people do.
 * @param {Language} language
 * @param {string} date as 2026-11-24
 * @param {string} time as 21:20
 */
function writeMoment(language, date, time) {
  const [year, month, day] = date.split('-').map(Number);
  return language === 'zh'
    ? `${year}年${month}月${day}日 ${time}`
    : `${day} ${MONTHS[month - 1]} ${year}, ${time}`;
}

/**
 * @param {Language} language
 * @param {number} minutes of the chart's own clock since 1970
 */
function writeMinutes(language, minutes) {
  const iso = new Date(minutes * 60000).toISOString();
  return writeMoment(language, iso.slice(0, 10), iso.slice(11, 16));
}

/**
 * Write a whole number with its thousands apart.
 * @param {number} number
 */
function writeNumber(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/**
 * Say in a few words how bad it is in a grid.
 * @param {Language} language
 * @param {number} open
 * @param {number} late
 */
function writeLoad(language, open, late) {
  if (language === 'zh') {
    return `在办 ${writeNumber(open)} 件` + (late ? `，超期 ${writeNumber(late)} 件` : '');
  }
  return `${writeNumber(open)} open` + (late ? `, ${writeNumber(late)} overdue` : '');
}

/**
 * Write an entrance, floor and room as an address does.
 * @param {Language} language
 * @param {string | null} unit
 * @param {string | null} floor
 * @param {string | null} room
 */
function writeRoom(language, unit, floor, room) {
  /** @param {string} text @param {string} before @param {string} after */
  const number = (text, before, after) => (/^-?\d+$/.test(text) ? before + text + after : text);
  const zh = language === 'zh';
  const parts = [];
  if (unit) parts.push(number(unit, zh ? '' : 'entrance ', zh ? '单元' : ''));
  if (room) parts.push(number(room, zh ? '' : 'room ', zh ? '室' : ''));
  else if (floor) parts.push(number(floor, zh ? '' : 'floor ', zh ? '层' : ''));
  return parts.join(zh ? '' : ', ');
}
