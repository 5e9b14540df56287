/** Sections and symbols: tables that lead to the code. */
function listView(rows, columns, wording, choices, target, changed) {
  const table = new Table(columns, rows, { select: row => changed({ ...filters.state, row: rows.indexOf(row) }), open: target });
  const filters = new Filters(rows, wording, choices, found => { table.show(found); changed(filters.state); });
  return {
    elements: [filters.element, make('div', { class: 'split' }, table.element)], table, filters,
    restore(state) {
      filters.state = state;
      filters.apply();
      if (state.row !== undefined) table.selectRow(rows[state.row]);
    },
  };
}

const views = {
  map: () => mapView(go),
  sections: () => listView(
    sections,
    [
      { title: 'Object', width: 'minmax(8rem, 2fr)', cell: section => section.object, key: section => section.object },
      { title: 'Section', width: 'minmax(8rem, 2fr)', cell: section => section.name, key: section => section.name },
      { title: 'Address', width: '10rem', number: true, cell: section => address(section.address), key: section => section.address },
      { title: 'Size', width: '7rem', number: true, cell: section => count(section.size), key: section => section.size },
      { title: 'Flags', width: '5rem', cell: section => section.flags, key: section => section.flags },
      { title: 'Patched', width: '6rem', number: true, cell: section => count(patchedIn(section)), key: patchedIn },
    ],
    section => `${section.object} ${section.name} ${address(section.address)} ${section.flags}`,
    [{ name: 'flags', title: 'Flags', of: section => section.flags }, { name: 'object', title: 'Object', of: section => section.object }],
    section => go('code', { at: section.address.toString(16) }),
    remember),
  symbols: () => listView(
    symbols,
    [
      { title: 'Symbol', width: 'minmax(10rem, 3fr)', cell: symbol => symbol.name, key: symbol => symbol.name },
      { title: 'Address', width: '10rem', number: true, cell: symbol => address(symbol.address), key: symbol => symbol.address },
      { title: 'Size', width: '7rem', number: true, cell: symbol => count(symbol.size), key: symbol => symbol.size },
      { title: 'Type', width: '8rem', cell: symbol => symbol.type, key: symbol => symbol.type },
      { title: 'Binding', width: '5rem', cell: symbol => symbol.binding, key: symbol => symbol.binding },
      { title: 'Section', width: 'minmax(6rem, 1fr)', cell: symbol => symbol.section, key: symbol => symbol.section },
      { title: 'Object', width: 'minmax(6rem, 2fr)', cell: symbol => symbol.object, key: symbol => symbol.object },
    ],
    symbol => `${symbol.name} ${symbol.object} ${symbol.section} ${address(symbol.address)} ${symbol.type} ${symbol.binding}`,
    [{ name: 'type', title: 'Type', of: symbol => symbol.type }, { name: 'binding', title: 'Binding', of: symbol => symbol.binding }],
    symbol => go('code', { at: symbol.address.toString(16) }),
    remember),
  ledger: () => ledgerView(go, remember),
  code: () => codeView(go, remember),
};

const made = {};
const panel = document.getElementById('view');
let current = null;

const patchCounts = new Map();
for (const patch of patches) patchCounts.set(patch.place, (patchCounts.get(patch.place) ?? 0) + 1);
function patchedIn(section) { return patchCounts.get(section) ?? 0; }

/** The address of the page says what it shows: #ledger?q=puts&type=R_X86_64_PLT32 */
function remember(state) {
  if (current) history.replaceState(null, '', `#${current}?${new URLSearchParams(state)}`);
}

function go(name, state = {}) {
  history.pushState(null, '', `#${name}?${new URLSearchParams(state)}`);
  open(name, state);
}

function open(name, state) {
  const view = made[name] ??= views[name]();
  if (current !== name) panel.replaceChildren(...view.elements);
  current = name;
  for (const tab of document.querySelectorAll('[role=tab]')) {
    tab.setAttribute('aria-selected', tab.dataset.view === name);
    tab.tabIndex = tab.dataset.view === name ? 0 : -1;
  }
  view.restore?.(state);
  (view.table?.port ?? panel).focus({ preventScroll: true });
  view.table?.draw();
  document.body.dataset.view = name;
}

function openFromAddress() {
  const [, name, query] = /^#?([a-z]*)\??(.*)$/.exec(location.hash) ?? [];
  open(Object.hasOwn(views, name) ? name : 'map', Object.fromEntries(new URLSearchParams(query)));
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem('elfload-theme', theme); } catch { /* a page without storage forgets */ }
}

function toggleTheme() { setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'); }

function key(event) {
  const view = made[current];
  const isTyping = event.target.matches('input, select');
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === 'Escape' && view.filters) {
    if (document.activeElement === view.filters.search) view.table.port.focus();
    else view.filters.clear();
  } else if (isTyping) {
    if (event.key === 'Enter' || (event.key === 'ArrowDown' && event.target.type === 'search')) {
      view.table.port.focus();
      view.table.select(Math.max(view.table.selected, 0));
    } else return;
  } else if (event.key === '/' && view.filters) {
    view.filters.search.focus();
    view.filters.search.select();
  } else if (event.key >= '1' && event.key <= '5') {
    go(Object.keys(views)[event.key - 1]);
  } else if (view.keys?.[event.key]) {
    view.keys[event.key]();
  } else if (event.key === 't') {
    toggleTheme();
  } else if (event.key === '?') {
    document.getElementById('keys').showModal();
  } else return;
  event.preventDefault();
}

let theme = null;
try { theme = localStorage.getItem('elfload-theme'); } catch { /* as above */ }
document.documentElement.dataset.theme = theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
document.getElementById('facts').append(...[
  ['machine', data.machine], ['entry', hex(data.entry)], ['sections', count(sections.length)], ['symbols', count(symbols.length)],
  ['patched places', count(patches.length)],
].map(([title, value]) => make('div', {}, make('dt', {}, title), make('dd', {}, value))));
document.getElementById('theme').addEventListener('click', toggleTheme);
document.getElementById('help').addEventListener('click', () => document.getElementById('keys').showModal());
const tabs = [...document.querySelectorAll('[role=tab]')];
for (const tab of tabs) {
  tab.addEventListener('click', () => go(tab.dataset.view));
  tab.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length].focus();
  });
}
addEventListener('keydown', key);
addEventListener('popstate', openFromAddress);
openFromAddress();
document.body.dataset.ready = 'yes';
