// Encodings by their labels, marks at the beginning, letters that are cut, and what is wrong.
export const options = { iterations: 1 };
const bytes = (...all) => new Uint8Array(all);
const shown = (what, act) => {
  try { console.log(what, JSON.stringify(act())); } catch (error) { console.log(what, error.name); }
};
export default function () {
  const plain = new TextDecoder();
  shown('usual', () => [plain.encoding, plain.fatal, plain.ignoreBOM]);
  shown('mark', () => [plain.decode(bytes(0xef, 0xbb, 0xbf, 0x61)), new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes(0xef, 0xbb, 0xbf, 0x61)).length]);
  shown('labels', () => ['UTF8', 'latin1', 'utf-16', 'utf-16be', 'sjis'].map((label) => new TextDecoder(label).encoding));
  shown('no label', () => new TextDecoder('x'));
  shown('utf-16le', () => new TextDecoder('utf-16le').decode(bytes(0x61, 0, 0x3d, 0xd8, 0, 0xde)));
  shown('windows-1252', () => new TextDecoder('windows-1252').decode(bytes(0x80, 0xe9)));
  shown('cut', () => {
    const going = new TextDecoder();
    return [going.decode(bytes(0xe2, 0x82), { stream: true }), going.decode(bytes(0xac)), going.decode(bytes(0x61))];
  });
  shown('cut off', () => new TextDecoder().decode(bytes(0x61, 0xe2, 0x82)));
  shown('wrong', () => plain.decode(bytes(0xff, 0xfe, 0x61)));
  shown('fatal', () => new TextDecoder('utf-8', { fatal: true }).decode(bytes(0xff)));
  shown('fatal and right', () => new TextDecoder('utf-8', { fatal: true }).decode(bytes(0xc3, 0xa9)));
  shown('a view', () => plain.decode(new Uint8Array(bytes(0x61, 0x62, 0x63).buffer, 1, 1)));
  shown('nothing', () => plain.decode());
  shown('half a letter', () => [...new TextEncoder().encode('a\ud83d')]);
  shown('halves', () => [...new TextEncoder().encode('\ude00\ud83d\ude00')]);
}
