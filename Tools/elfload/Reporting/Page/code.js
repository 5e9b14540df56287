/** The bytes of sections, as instructions where they are, with what was patched marked. */
function codeView(go, changed) {
  const detail = make('aside', { class: 'detail', id: 'detail', 'aria-live': 'polite' });
  const hint = () => detail.replaceChildren(make('p', { class: 'faint' }, 'Marked bytes were patched: choose a line to see why.'));
  let shown = null;
  const byCode = new Map(codes.map(code => [code.section.index, code]));
  const picker = make('select', { id: 'section', 'aria-label': 'Section', onchange: () => open(Number(picker.value)) },
    ...codes.map(code => make('option', { value: code.section.index },
      `${code.section.object}: ${code.section.name}${codes.some(other => other !== code && other.section.object === code.section.object && other.section.name === code.section.name) ? ` #${code.section.number}` : ''}`)));
  const status = make('span', { class: 'count', id: 'count', role: 'status' });
  const table = new Table([
    { title: 'Address', width: '6.5rem', number: true, cell: line => line.label ? '' : address(line.address) },
    { title: 'Bytes', width: 'minmax(8rem, 2fr)', cell: line => line.label ? '' : markedBytes(shown, line) },
    { title: 'Instruction', width: 'minmax(10rem, 4fr)', cell: line => line.label ? `${line.label}:` : line.text },
    { title: 'Relocation', width: 'minmax(6rem, 2fr)', cell: line => line.patches.map(patch => `${patch.type} ${patch.symbol}`).join(', ') },
  ], [], {
    select: line => {
      if (line.patches.length) describe(line.patches[0], detail, go);
      else hint();
      changed({ at: line.address.toString(16) });
    },
    open: line => { if (line.patches.length) go('ledger', { row: line.patches[0].index }); },
  });

  function open(section, at) {
    const code = byCode.get(section);
    if (!code) return;
    picker.value = section;
    if (shown !== code) {
      shown = code;
      code.lines ??= linesOf(code);
      table.selected = -1;
      hint();
      table.show(code.lines);
    }
    const number = code.lines.filter(line => line.patches.length).length;
    status.textContent = `${count(code.lines.length)} lines, ${count(number)} patched`;
    const line = at === undefined ? undefined : code.lines.findLast(candidate => candidate.address <= at && !candidate.label);
    if (line) table.selectRow(line);
  }

  function step(direction) {
    for (let i = table.selected + direction; i >= 0 && i < table.rows.length; i += direction) {
      if (table.rows[i].patches.length) return table.select(i);
    }
  }

  return {
    elements: [make('div', { class: 'filters' }, picker, status), make('div', { class: 'split' }, table.element, detail)], table,
    keys: { n: () => step(1), p: () => step(-1) },
    restore(state) {
      const patch = patches[state.patch];
      if (patch?.place) return open(patch.place.index, patch.address);
      const at = state.at === undefined ? undefined : BigInt(hex(state.at));
      const holder = codes.find(({ section }) => at !== undefined && at >= section.address && at < section.address + BigInt(section.size));
      const first = holder ?? codes.find(code => code.section.flags.includes('X')) ?? codes[0];
      if (first) open(first.section.index, at);
    },
  };
}

/** A section's lines: instructions, or sixteen bytes each. */
function linesOf(code) {
  const own = patches.filter(patch => patch.place === code.section).sort((a, b) => a.start - b.start);
  const labels = new Map((code.labels ?? []).map(([line, label]) => [line, text(label)]));
  const total = code.bytes.length / 2;
  const sizes = code.sizes ?? Array.from({ length: Math.ceil(total / 16) }, (_, i) => Math.min(16, total - 16 * i));
  const lines = [];
  let offset = 0, first = 0;
  sizes.forEach((size, i) => {
    const start = code.section.address + BigInt(offset);
    if (labels.has(i)) lines.push({ label: labels.get(i), address: start, patches: [], class: 'label' });
    while (first < own.length && own[first].start + own[first].after.length / 2 <= offset) first++;
    const here = [];
    for (let p = first; p < own.length && own[p].start < offset + size; p++) {
      if (own[p].start + own[p].after.length / 2 > offset) here.push(own[p]);
    }
    lines.push({ address: start, offset, size, text: code.texts ? text(code.texts[i]) : printable(code, offset, size), patches: here });
    offset += size;
  });
  return lines;
}

function printable(code, offset, size) {
  let characters = '';
  for (let i = offset; i < offset + size; i++) {
    const value = parseInt(code.bytes.slice(2 * i, 2 * i + 2), 16);
    characters += value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : '.';
  }
  return characters;
}

function markedBytes(code, line) {
  const cell = make('span', { class: 'bytes' });
  for (let i = line.offset; i < line.offset + line.size; i++) {
    const byte = code.bytes.slice(2 * i, 2 * i + 2);
    const patch = line.patches.find(candidate => i >= candidate.start && i < candidate.start + candidate.after.length / 2);
    cell.append(patch ? make('mark', {}, byte) : byte, ' ');
  }
  return cell;
}
