/** The address space: a bar for each segment, its sections in proportion, and how densely it was patched. */
function mapView(go) {
  const hint = make('div', { id: 'hint', class: 'mono', 'aria-live': 'polite' });
  const scroll = make('div', { class: 'scroll' });
  const patched = patches.map(patch => patch.address);
  segments.forEach((segment, i) => {
    const previous = segments[i - 1];
    const gap = previous ? segment.address - previous.address - previous.size : 0n;
    if (gap > 0n) scroll.append(make('div', { class: 'gap' }, `${address(gap)} bytes apart`));
    scroll.append(segmentBar(segment, patched, hint, go));
  });
  const legend = make('div', { class: 'legend' }, ...[
    ['code', 'code'], ['rodata', 'read-only data'], ['relro', 'read-only after relocation'], ['data', 'data'],
    ['zero', 'zero-initialized'], ['tls', 'thread-local'], ['density', 'patched places'],
  ].map(([kind, title]) => make('span', {}, make('i', { class: kind }), title)));
  return { elements: [legend, scroll, hint] };
}

function segmentBar(segment, patched, hint, go) {
  const width = 10000, bins = 400;
  const end = segment.address + segment.size;
  const inside = sections.filter(section =>
    section.size > 0 && section.address >= segment.address && section.address < end && !(section.flags.includes('T') && /bss/.test(section.name)));
  const scale = value => Number((value - segment.address) * BigInt(width)) / Number(segment.size || 1n);
  const bar = make('svg', { viewBox: `0 0 ${width} 52`, preserveAspectRatio: 'none', role: 'group' });
  for (const block of blocksOf(inside, scale, width / 600)) {
    const tell = () => { hint.textContent = block.title; };
    const open = () => go('sections', block.sections.length > 1 ? { q: block.sections[0].name } : { row: block.sections[0].index });
    bar.append(make('g', {
      tabindex: '0', role: 'button', 'aria-label': block.title, onfocus: tell, onmouseenter: tell, onclick: open,
      onkeydown: event => { if (event.key === 'Enter') open(); },
    }, make('rect', { class: block.kind, x: block.start, y: 0, width: Math.max(block.end - block.start - 4, 6), height: 38 }),
    make('title', {}, block.title)));
  }
  const counts = new Array(bins).fill(0);
  for (const place of patched) {
    if (place >= segment.address && place < end) counts[Math.min(bins - 1, Math.floor(scale(place) * bins / width))]++;
  }
  const most = Math.max(...counts, 1);
  counts.forEach((number, i) => {
    if (number) {
      const rect = make('rect', { class: 'density', x: i * width / bins, y: 40, width: width / bins, height: 12 });
      rect.setAttribute('fill-opacity', (0.25 + 0.75 * number / most).toFixed(2));
      bar.append(rect);
    }
  });
  return make('div', { class: 'segment' },
    make('h2', { class: 'mono' },
      make('span', {}, `${address(segment.address)} - ${address(end)}`), make('span', { class: 'tag' }, segment.flags),
      make('span', { class: 'faint' }, `${count(Number(segment.size))} bytes, ${count(inside.length)} sections, `
        + `${count(counts.reduce((sum, number) => sum + number, 0))} patched places`)),
    bar);
}

/** Sections as blocks; neighbours of a kind that are too small to be seen become one. */
function blocksOf(inside, scale, least) {
  const blocks = [];
  for (const section of [...inside].sort((a, b) => a.address < b.address ? -1 : 1)) {
    const start = scale(section.address), end = scale(section.address + BigInt(section.size)), kind = kindOf(section);
    const last = blocks.at(-1);
    if (last && last.kind === kind && (last.end - last.start < least || end - start < least) && start - last.end < least) {
      last.end = end;
      last.sections.push(section);
    } else {
      blocks.push({ start, end, kind, sections: [section] });
    }
  }
  for (const block of blocks) {
    const [first] = block.sections, last = block.sections.at(-1);
    block.title = block.sections.length === 1
      ? `${first.object}: ${first.name} at ${address(first.address)}, ${count(first.size)} bytes`
      : `${count(block.sections.length)} sections from ${first.object}: ${first.name} to ${last.object}: ${last.name}, `
        + `${address(first.address)} - ${address(last.address + BigInt(last.size))}`;
  }
  return blocks;
}
