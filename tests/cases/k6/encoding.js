import encoding, { b64encode, b64decode } from 'k6/encoding';
export default function () {
  for (const kind of ['std', 'rawstd', 'url', 'rawurl']) console.log(kind, b64encode('?>?>é', kind), b64decode(b64encode('?>?>é', kind), kind, 's'));
  console.log(encoding.b64encode(new Uint8Array([1, 2, 255]).buffer), b64decode('AQL/').byteLength);
  b64decode('***');
}
