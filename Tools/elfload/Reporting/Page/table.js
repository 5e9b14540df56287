/** A table of any number of rows, of which only those in sight are in the page. */
class Table {
  static rowHeight = 24;
  static mostPixels = 15e6; // browsers lay nothing out beyond some 17 to 33 million

  /**
   * columns: { title, width, number, cell(row) -> text or element, key(row) -> what to sort by }
   * events: select(row), open(row)
   */
  constructor(columns, rows, events = {}) {
    this.columns = columns;
    this.all = rows;
    this.rows = rows;
    this.events = events;
    this.selected = -1;
    this.order = { column: -1, direction: 1 };
    const template = columns.map(column => column.width).join(' ');
    this.heads = make('div', { class: 'heads', role: 'row' });
    this.heads.style.gridTemplateColumns = template;
    this.template = template;
    columns.forEach((column, index) => this.heads.append(column.key
      ? make('button', {
        type: 'button', role: 'columnheader', class: column.number ? 'number' : '', onclick: () => this.sort(index),
      }, column.title)
      : make('span', { class: column.number ? 'number faint' : 'faint', role: 'columnheader' }, column.title)));
    this.content = make('div', { class: 'all' });
    this.port = make('div', {
      class: 'port', tabindex: '0', role: 'grid', 'aria-rowcount': rows.length, onscroll: () => this.draw(),
      onkeydown: event => this.key(event),
    }, this.content);
    this.element = make('div', { class: 'grid' }, this.heads, this.port);
    new ResizeObserver(() => this.draw()).observe(this.port);
  }

  show(rows) {
    const kept = this.rows[this.selected];
    this.all = rows;
    this.rows = this.sorted(rows);
    this.selected = kept === undefined ? -1 : this.rows.indexOf(kept);
    this.port.setAttribute('aria-rowcount', this.rows.length);
    this.port.scrollTop = 0;
    if (this.selected >= 0) this.reveal();
    this.draw();
  }

  sort(index) {
    const same = this.order.column === index;
    this.order = same && this.order.direction < 0 ? { column: -1, direction: 1 } : { column: index, direction: same ? -1 : 1 };
    [...this.heads.children].forEach((head, i) => {
      if (i === this.order.column) head.dataset.order = this.order.direction;
      else delete head.dataset.order;
    });
    this.show(this.all);
  }

  sorted(rows) {
    if (this.order.column < 0) return rows;
    const { key } = this.columns[this.order.column];
    const keyed = rows.map(row => ({ row, key: key(row) }));
    keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * this.order.direction);
    return keyed.map(entry => entry.row);
  }

  select(index, opens = false) {
    if (this.rows.length === 0) return;
    this.selected = Math.max(0, Math.min(index, this.rows.length - 1));
    this.reveal();
    this.draw();
    this.events.select?.(this.rows[this.selected]);
    if (opens) this.events.open?.(this.rows[this.selected]);
  }

  /** Goes to a row from elsewhere: with what stands around it. */
  selectRow(row) {
    const index = this.rows.indexOf(row);
    if (index < 0) return;
    this.port.scrollTop = (index - this.visibleRows / 2) * this.step;
    this.select(index);
  }

  /** Pixels that a row takes of the scroll bar's way: less than its height where there are very many. */
  get step() { return Math.min(Table.rowHeight, Table.mostPixels / Math.max(this.rows.length, 1)); }

  get visibleRows() { return Math.ceil(this.port.clientHeight / Table.rowHeight); }

  reveal() {
    const top = this.selected * this.step, room = this.port.clientHeight, start = this.port.scrollTop;
    const height = this.step < Table.rowHeight ? this.visibleRows * this.step : room;
    if (top < start) this.port.scrollTop = top;
    else if (top + this.step > start + height) this.port.scrollTop = top + this.step - height;
  }

  key(event) {
    const page = Math.max(this.visibleRows - 1, 1);
    const targets = {
      ArrowDown: this.selected + 1, j: this.selected + 1, ArrowUp: this.selected - 1, k: this.selected - 1,
      PageDown: this.selected + page, PageUp: this.selected - page, Home: 0, End: this.rows.length - 1,
    };
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in targets) this.select(targets[event.key]);
    else if (event.key === 'Enter' && this.selected >= 0) this.events.open?.(this.rows[this.selected]);
    else return;
    event.preventDefault();
  }

  draw() {
    const { step } = this;
    this.content.style.height = `${this.rows.length * step}px`;
    const first = Math.max(0, Math.floor(this.port.scrollTop / step) - (step < Table.rowHeight ? 0 : 4));
    const last = Math.min(this.rows.length, first + this.visibleRows + 9);
    const base = step < Table.rowHeight ? this.port.scrollTop : first * step;
    const drawn = [];
    for (let i = first; i < last; i++) {
      const row = this.rows[i];
      const element = make('div', {
        class: `row ${row.class ?? ''}`, role: 'row', 'aria-rowindex': i + 1, 'aria-selected': i === this.selected,
        onclick: () => this.select(i), ondblclick: () => this.events.open?.(row),
      });
      element.style.gridTemplateColumns = this.template;
      element.style.top = `${base + (i - first) * Table.rowHeight}px`;
      for (const column of this.columns) {
        const content = column.cell(row);
        const cell = make('span', { role: 'gridcell', class: column.number ? 'number' : '' }, content);
        if (typeof content === 'string' && content.length > 12) cell.title = content;
        element.append(cell);
      }
      drawn.push(element);
    }
    this.content.replaceChildren(...drawn, ...this.rows.length ? [] : [make('div', { class: 'empty' }, 'Nothing matches.')]);
  }
}

/** A search box and choices over a table. Rows are searched by all words of the text that each is turned into. */
class Filters {
  /** choices: { name, title, of(row) } */
  constructor(rows, wording, choices, changed) {
    this.rows = rows;
    this.wording = wording;
    this.texts = null;
    this.changed = changed;
    this.search = make('input', {
      type: 'search', id: 'search', placeholder: 'Search (/)', 'aria-label': 'Search', oninput: () => this.apply(),
    });
    this.choices = choices.map(choice => {
      const counts = new Map();
      for (const row of rows) counts.set(choice.of(row), (counts.get(choice.of(row)) ?? 0) + 1);
      const select = make('select', { id: `filter-${choice.name}`, 'aria-label': choice.title, onchange: () => this.apply() },
        make('option', { value: '' }, choice.title),
        ...[...counts].sort((a, b) => a[0] < b[0] ? -1 : 1).map(([value, number]) =>
          make('option', { value }, `${value || '(none)'}  (${count(number)})`)));
      return { ...choice, select };
    });
    this.status = make('span', { class: 'count', id: 'count', role: 'status' });
    this.element = make('div', { class: 'filters' }, this.search, ...this.choices.map(choice => choice.select), this.status);
  }

  get state() {
    const state = {};
    if (this.search.value) state.q = this.search.value;
    for (const { name, select } of this.choices) if (select.value) state[name] = select.value;
    return state;
  }

  set state(state) {
    this.search.value = state.q ?? '';
    for (const { name, select } of this.choices) select.value = state[name] ?? '';
  }

  clear() {
    this.state = {};
    this.apply();
  }

  apply() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(word => word);
    const active = this.choices.filter(choice => choice.select.value);
    if (words.length) this.texts ??= this.rows.map(row => this.wording(row).toLowerCase());
    const rows = words.length || active.length
      ? this.rows.filter((row, i) => active.every(choice => choice.of(row) === choice.select.value)
        && words.every(word => this.texts[i].includes(word)))
      : this.rows;
    this.status.textContent = rows.length === this.rows.length
      ? `${count(rows.length)}` : `${count(rows.length)} of ${count(this.rows.length)}`;
    this.changed(rows);
  }
}
