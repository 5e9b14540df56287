'use strict';
// The data's rows have no field names; here they get them. All text of inputs becomes text nodes, never markup.
const data = JSON.parse(document.getElementById('data').textContent);

/** Makes characters visible that a hostile name may hold to look like another one. */
const visible = text => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, c => `\\u{${c.codePointAt(0).toString(16)}}`);
const strings = data.strings.map(visible);
const text = number => number < 0 ? '' : strings[number];
const hex = digits => `0x${digits}`;

const sections = data.sections.map((row, index) => ({
  index, object: text(row[0]), name: text(row[1]), number: row[2], address: BigInt(hex(row[3])), size: row[4], flags: row[5],
  objectIndex: row[6],
}));
const sectionAt = new Map(sections.map(section => [`${section.objectIndex}/${section.number}`, section]));
const segments = data.segments.map(row => ({ address: BigInt(hex(row[0])), size: BigInt(row[1]), flags: row[2] }));
const symbols = data.symbols.map(row => ({
  name: text(row[0]), object: text(row[1]), section: text(row[2]), address: BigInt(hex(row[3])), size: row[4], binding: text(row[5]),
  type: text(row[6]),
}));
const patches = data.patches.map((row, index) => ({
  index, object: text(row[1]), section: text(row[2]), offset: row[4], address: BigInt(hex(row[5])), type: text(row[6]), symbol: text(row[7]),
  source: text(row[8]), provider: text(row[9]), method: text(row[10]), formula: text(row[11]), numbers: row[12], value: row[13],
  minimum: row[14], maximum: row[15], margin: row[16], through: text(row[17]), start: row[18], before: row[19], after: row[20],
  instructionBefore: text(row[21]), instructionAfter: text(row[22]), place: sectionAt.get(`${row[0]}/${row[3]}`),
}));
const codes = data.code.map(row => ({ ...row, section: sections[row.section] }));

/** Makes an element. Children are elements or text. */
function make(tag, attributes = {}, ...children) {
  const svg = ['svg', 'g', 'rect', 'title'].includes(tag);
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const address = value => `0x${value.toString(16)}`;
const count = number => number.toLocaleString('en');

/** What a section is, for colours. */
function kindOf(section) {
  if (section.flags.includes('X')) return 'code';
  if (section.flags.includes('T')) return 'tls';
  if (!section.flags.includes('W')) return 'rodata';
  if (/^\.(data\.rel\.ro|got|init_array|fini_array|ctors|dtors)/.test(section.name)) return 'relro';
  return /bss|COMMON/.test(section.name) ? 'zero' : 'data';
}
