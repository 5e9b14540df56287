/** Every patched place. */
function ledgerView(go, changed) {
  const detail = make('aside', { class: 'detail', id: 'detail', 'aria-live': 'polite' });
  const table = new Table([
    { title: 'Place', width: 'minmax(5rem, 3fr)', cell: patch => `${patch.object}: ${patch.section}+${hex(patch.offset)}`, key: patch => patch.index },
    { title: 'Address', width: '7rem', number: true, cell: patch => address(patch.address), key: patch => patch.address },
    { title: 'Type', width: 'minmax(5rem, 2fr)', cell: patch => patch.type, key: patch => patch.type },
    { title: 'Symbol', width: 'minmax(5rem, 2fr)', cell: patch => patch.symbol, key: patch => patch.symbol },
    { title: 'Value', width: '5.5rem', number: true, cell: patch => patch.value, key: patch => BigInt(patch.value.replace('-', '')) * (patch.value[0] === '-' ? -1n : 1n) },
    { title: 'Margin', width: '5.5rem', number: true, cell: patch => patch.margin && hex(patch.margin), key: patch => patch.margin ? BigInt(hex(patch.margin)) : 1n << 80n },
    { title: 'How', width: '5.5rem', cell: patch => make('span', { class: `tag ${patch.method}` }, patch.method), key: patch => patch.method },
  ], patches, {
    select: patch => { describe(patch, detail, go); changed({ ...filters.state, row: patch.index }); },
    open: patch => go('code', { patch: patch.index }),
  });
  const filters = new Filters(
    patches,
    patch => `${patch.object} ${patch.section}+${hex(patch.offset)} ${address(patch.address)} ${patch.type} ${patch.symbol} `
      + `${patch.provider} ${patch.source} ${patch.method} ${patch.value} ${patch.instructionAfter}`,
    [
      { name: 'type', title: 'Type', of: patch => patch.type },
      { name: 'section', title: 'Section', of: patch => patch.section },
      { name: 'object', title: 'Object', of: patch => patch.object },
      { name: 'source', title: 'Found', of: patch => patch.source },
      { name: 'method', title: 'How', of: patch => patch.method },
    ],
    rows => { table.show(rows); changed(filters.state); });
  detail.append(make('p', { class: 'faint' }, 'Choose a place to see what was done there, and why.'));
  return {
    elements: [filters.element, make('div', { class: 'split' }, table.element, detail)], table, filters,
    restore(state) {
      filters.state = state;
      filters.apply();
      if (state.row !== undefined) table.selectRow(patches[state.row]);
    },
  };
}

const sources = {
  none: 'no symbol', 'same-object': 'defined in the same object', 'other-object': 'defined in another object',
  'archive-member': 'pulled from an archive', 'loaded-unit': 'loaded earlier', host: 'of the host', caller: 'defined by the caller',
  callback: 'given by the caller when asked', linker: 'made by the linker', 'undefined-weak': 'weak, and nothing defines it',
  undefined: 'nothing defines it', dropped: 'in a section that was dropped',
};

const methods = {
  direct: 'The value was stored.', stub: 'The value was stored, with the stub for the symbol.',
  relaxed: 'The instructions were rewritten to a form that does without it.',
  sequence: 'The instruction went into the sequence that the relocation before it had rewritten.',
  cleared: 'The field was cleared: what it describes was dropped.',
};

/** One place, in full. */
function describe(patch, host, go) {
  const part = (title, ...children) => [make('h3', {}, title), ...children];
  const parts = [
    make('h2', {}, patch.type),
    make('p', {}, `${patch.object}: ${patch.section}+${hex(patch.offset)}, at ${address(patch.address)}`),
    ...part('Symbol', make('p', {}, patch.symbol || 'none'),
      make('p', { class: 'faint' }, [sources[patch.source], patch.source === 'same-object' ? '' : patch.provider].filter(word => word).join(': '))),
    ...patch.method === 'cleared' ? []
      : part('Formula', make('code', {}, `${patch.formula}\n= ${patch.numbers}\n= ${patch.value}`)),
    ...part('How', make('p', {}, methods[patch.method]), ...patch.through ? [make('p', {}, `Through the ${patch.through}.`)] : []),
  ];
  if (patch.margin) parts.push(...part(`Margin ${hex(patch.margin)}`, ...gauge(patch)));
  parts.push(...part('Bytes', bytesOf(patch, patch.before, 'before'), bytesOf(patch, patch.after, 'after')));
  if (patch.instructionBefore || patch.instructionAfter) {
    parts.push(...part('Instructions',
      make('code', { class: 'before' }, patch.instructionBefore.replaceAll('; ', '\n')),
      make('code', { class: 'after' }, patch.instructionAfter.replaceAll('; ', '\n'))));
  }
  parts.push(make('div', { class: 'buttons' },
    make('button', { type: 'button', onclick: () => go('code', { patch: patch.index }) }, 'Show in code'),
    make('button', { type: 'button', onclick: () => go('ledger', { q: patch.symbol, row: patch.index }) }, 'Same symbol')));
  host.replaceChildren(...parts);
}

function gauge(patch) {
  const number = value => value[0] === '-' ? -Number(value.slice(1)) : Number(value);
  const [low, high, value] = [patch.minimum, patch.maximum, patch.value].map(number);
  const mark = make('i');
  mark.style.left = `calc(${(100 * (value - low) / (high - low)).toFixed(2)}% - 1px)`;
  return [make('div', { class: 'gauge' }, mark), make('div', { class: 'limits mono' }, make('span', {}, patch.minimum), make('span', {}, patch.maximum))];
}

/** The bytes, with those marked that differ. */
function bytesOf(patch, bytes, kind) {
  const line = make('code', { class: kind });
  for (let i = 0; i < bytes.length; i += 2) {
    const byte = bytes.slice(i, i + 2);
    line.append(patch.before.slice(i, i + 2) === patch.after.slice(i, i + 2) ? byte : make('mark', {}, byte), ' ');
  }
  return line;
}
